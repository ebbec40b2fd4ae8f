package bindings

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"runtime"
	"time"

	"github.com/dchest/siphash"

	"github.com/credbroker/credbroker/selector"
)

// Sizes of a page of List.
const (
	DefaultPage = 100
	MaxPage     = 1000
)

// Query selects bindings for List.
type Query struct {
	// Slot that they are bound to, if OfSlot is set; else any.
	Slot   selector.Slot
	OfSlot bool
	// Size is how many to return at most; not above 0: DefaultPage. More than MaxPage is read as MaxPage.
	Size int
	// Token is what List gave with the page before, for the same slot; empty: the first page.
	Token string
}

// Bound is one binding.
type Bound struct {
	// Key is that of the id that was used last, and Source the source of that id.
	Key    selector.SessionKey
	Source uint8
	Slot   selector.Slot
	// ExpiresAt is its end unless it is used again.
	ExpiresAt time.Time
	// Aliases is how many ids it has, 1 to 64.
	Aliases int
}

// listing is one call of List.
type listing struct {
	query Query
	now   int64
	size  int
	page  []Bound
	last  uint64 // the use that the last binding of the page stands at
	more  bool   // there is another one that matches
}

// List returns the live bindings that match, most recently used first, and a token for the next page; empty: there is
// none. A binding that is used between two pages, or while List runs, moves to the front and can be missed; others are
// returned exactly once. The error is a *selector.FieldError about `page_token`.
func (t *Table) List(q Query, now time.Time) (page []Bound, next string, err error) {
	if q.Size <= 0 {
		q.Size = DefaultPage
	}
	l := listing{query: q, size: min(q.Size, MaxPage)}
	before := uint64(math.MaxUint64)
	if q.Token != "" {
		var ok bool
		if before, ok = parseToken(t.hashKey, q); !ok || before > t.lastUse() {
			return nil, "", &selector.FieldError{
				Field: "page_token", Problem: "is not from this listing with this filter; begin again without it",
			}
		}
	}
	for before != 0 && !l.more {
		before = t.listChunk(&l, before, now)
		runtime.Gosched() // or those who wait for the lock would not get it
	}
	if l.more {
		next = token(t.hashKey, q, l.last)
	}
	return l.page, next, nil
}

// lastUse is the number of the last use.
func (t *Table) lastUse() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seq
}

// listWork bounds the records that List looks at without letting others have the lock.
const listWork = 1024

// listChunk adds what matches in the last chunk of the log that begins before a use, or in part of it. It returns the
// use before which to go on; 0: that was all.
func (t *Table) listChunk(l *listing, before uint64, now time.Time) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.now = t.setClock(now)
	t.uses.blankStale()
	i := t.uses.from(before) - 1
	if i < 0 || l.query.OfSlot && t.groups.bySlot[l.query.Slot] == 0 {
		return 0
	}
	c := &t.uses.chunks[t.uses.order[i]]
	ids := 0
	for j := useChunk - 1; j >= int(c.first) && !l.more; j-- {
		if c.refs[j] == 0 {
			continue
		}
		b := t.bindings.at(c.refs[j])
		if b.used >= before {
			continue
		}
		if ids += t.listBinding(l, b); ids >= listWork {
			return b.used
		}
	}
	return c.base
}

// listBinding adds a binding to the page if it matches, or notes that there is no room. It returns how many ids it
// looked at.
func (t *Table) listBinding(l *listing, b *bindingRecord) (ids int) {
	g := t.groups.at(b.group)
	if b.ends <= l.now || g.released || l.query.OfSlot && g.slot != l.query.Slot {
		return 0
	}
	if len(l.page) == l.size {
		l.more = true
		return 0
	}
	ids, id := t.lastUsedID(b.first.owner)
	l.last = b.used
	l.page = append(l.page, Bound{
		Key: id.key, Source: id.source(), Slot: g.slot,
		ExpiresAt: time.Unix(0, b.ends).UTC(), Aliases: ids,
	})
	return ids
}

// tokenSize: a use, a checksum.
const tokenSize = 8 + 8

// token stands for the position behind a use. It is sealed, so that a token of another table or filter is refused.
func token(hashKey [2]uint64, q Query, use uint64) string {
	var b [tokenSize]byte
	binary.BigEndian.PutUint64(b[:8], use)
	binary.BigEndian.PutUint64(b[8:], seal(hashKey, q, use))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// parseToken returns the use that a token stands for.
func parseToken(hashKey [2]uint64, q Query) (use uint64, ok bool) {
	if len(q.Token) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return 0, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Token)
	if err != nil {
		return 0, false
	}
	use = binary.BigEndian.Uint64(b[:8])
	return use, binary.BigEndian.Uint64(b[8:]) == seal(hashKey, q, use)
}

// seal is a keyed checksum of a filter and a use.
func seal(hashKey [2]uint64, q Query, use uint64) uint64 {
	var b [8 + 4 + 1]byte
	binary.BigEndian.PutUint64(b[:8], use)
	if q.OfSlot {
		binary.BigEndian.PutUint32(b[8:12], uint32(q.Slot))
		b[12] = 1
	}
	return siphash.Hash(hashKey[0], hashKey[1], b[:])
}
