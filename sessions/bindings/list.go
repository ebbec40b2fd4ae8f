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
	// Caller whose sessions they are, if OfCaller is set; else any.
	Caller   string
	OfCaller bool
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
	// Caller whose session it is.
	Caller string
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
	last  listCursor // of the last binding of the page
	more  bool       // there is another one that matches
}

// List returns the live bindings that match, most recently used first, those of one caller after those of another, and a
// token for the next page; empty: there is none. A binding that is used between two pages, or while List runs, moves to the front and can be missed; others are
// returned exactly once. The error is a *selector.FieldError about `page_token`.
func (t *Table) List(q Query, now time.Time) (page []Bound, next string, err error) {
	if q.Size <= 0 {
		q.Size = DefaultPage
	}
	l := listing{query: q, size: min(q.Size, MaxPage)}
	from, ok := listFrom(t, q)
	if !ok {
		return nil, "", &selector.FieldError{
			Field: "page_token", Problem: "is not from this listing with this filter; begin again without it",
		}
	}
	for from != (listCursor{}) && !l.more {
		from = t.listChunk(&l, from, now)
		runtime.Gosched() // or those who wait for the lock would not get it
	}
	if l.more {
		next = token(t.hashKey, q, l.last)
	}
	return l.page, next, nil
}

// listCursor is where a listing goes on: before a use of an owner's bindings. The zero value: nowhere.
type listCursor struct {
	owner  uint32
	before uint64
}

// listFrom is where a query begins. False: its token is of none that is.
func listFrom(t *Table, q Query) (listCursor, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first, known := uint32(0), true
	if q.OfCaller {
		first, known = t.owners.find(q.Caller)
	}
	switch {
	case q.Token != "":
		c, ok := parseToken(t.hashKey, q)
		return c, ok && c.before <= t.seq && int(c.owner) < len(t.owners.list) && (!q.OfCaller || known && c.owner == first)
	case !known:
		return listCursor{}, true
	}
	return listCursor{first, math.MaxUint64}, true
}

// listWork bounds the records that List looks at without letting others have the lock.
const listWork = 1024

// listChunk adds what matches in the last chunk of an owner's log that begins before a use, or in part of it. It returns where to
// go on.
func (t *Table) listChunk(l *listing, from listCursor, now time.Time) listCursor {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.now = t.setClock(now)
	uses := &t.owners.list[from.owner].uses
	uses.blankStale()
	i := uses.from(from.before) - 1
	if i < 0 || l.query.OfSlot && t.groups.count(groupKey{l.query.Slot, from.owner}) == 0 {
		return l.nextOwner(t, from.owner)
	}
	c := &uses.chunks[uses.order[i]]
	ids := 0
	for j := useChunk - 1; j >= int(c.first) && !l.more; j-- {
		if c.refs[j] == 0 {
			continue
		}
		b := t.bindings.at(c.refs[j])
		if b.used >= from.before {
			continue
		}
		if ids += t.listBinding(l, b); ids >= listWork {
			return listCursor{from.owner, b.used}
		}
	}
	return listCursor{from.owner, c.base}
}

// nextOwner is where a listing goes on after an owner's bindings.
func (l *listing) nextOwner(t *Table, owner uint32) listCursor {
	if owner++; l.query.OfCaller || int(owner) >= len(t.owners.list) {
		return listCursor{}
	}
	return listCursor{owner, math.MaxUint64}
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
	l.last = listCursor{g.owner, b.used}
	l.page = append(l.page, Bound{
		Key: id.key, Source: id.source(), Caller: t.owners.list[g.owner].name, Slot: g.slot,
		ExpiresAt: time.Unix(0, b.ends).UTC(), Aliases: ids,
	})
	return ids
}

// tokenSize: a cursor, a checksum.
const tokenSize = 8 + 8

// useBitsOfToken are those of a use; the owner has the others.
const useBitsOfToken = 48

// token stands for the position behind a use. It is sealed, so that a token of another table or filter is refused.
func token(hashKey [2]uint64, q Query, at listCursor) string {
	var b [tokenSize]byte
	position := uint64(at.owner)<<useBitsOfToken | at.before
	binary.BigEndian.PutUint64(b[:8], position)
	binary.BigEndian.PutUint64(b[8:], seal(hashKey, q, position))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// parseToken returns the cursor that a token stands for.
func parseToken(hashKey [2]uint64, q Query) (at listCursor, ok bool) {
	if len(q.Token) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return at, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Token)
	if err != nil {
		return at, false
	}
	position := binary.BigEndian.Uint64(b[:8])
	at = listCursor{uint32(position >> useBitsOfToken), position & (1<<useBitsOfToken - 1)}
	return at, binary.BigEndian.Uint64(b[8:]) == seal(hashKey, q, position)
}

// seal is a keyed checksum of a filter and a position.
func seal(hashKey [2]uint64, q Query, position uint64) uint64 {
	var b [8 + 4 + 1]byte
	binary.BigEndian.PutUint64(b[:8], position)
	if q.OfSlot {
		binary.BigEndian.PutUint32(b[8:12], uint32(q.Slot))
		b[12] = 1
	}
	return siphash.Hash(hashKey[0], hashKey[1], b[:])
}
