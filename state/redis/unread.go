package redis

import (
	"fmt"
	"strings"
	"sync"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// maxUnread bounds what is remembered of things that cannot be read. Past it nothing more is said.
const maxUnread = 1024

// unread says of each thing that cannot be read that it is passed over: one of them must not keep a replica from the rest.
type unread struct {
	note func(words string) // nil: nobody is told

	mu   sync.Mutex
	said map[string]bool
}

// add says it once of each name; without an error there is nothing to say.
func (u *unread) add(name string, err error) {
	if err == nil || u.note == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.said[name] || len(u.said) >= maxUnread {
		return
	}
	if u.said == nil {
		u.said = make(map[string]bool)
	}
	u.said[name] = true
	u.note("passed over in redis: " + err.Error())
}

// maxField and maxValue are far more than any broker writes.
const (
	maxField = 16 << 10
	maxValue = 1 << 20
)

// readRecord reads a record of the hash. What cannot be read is said once.
func (s *Store) readRecord(field, value string) (r cooldown.Record, err error) {
	if len(field) > maxField || len(value) > maxValue {
		field = field[:min(len(field), 64)]
		err = fmt.Errorf("the record %q is too long, %d bytes: %w", field, len(value), state.ErrDamaged)
	} else if r.Key, err = state.ParseKey(field); err == nil {
		_, body, _ := strings.Cut(value, " ")
		r, err = state.ParseRecord(r.Key, []byte(body))
	}
	s.unread.add(field, err)
	return r, err
}
