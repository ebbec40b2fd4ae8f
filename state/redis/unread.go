package redis

import (
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

// readRecord reads a record of the hash. False: it cannot be read.
func (s *Store) readRecord(field, value string) (r cooldown.Record, ok bool) {
	key, err := state.ParseKey(field)
	if err == nil {
		_, body, _ := strings.Cut(value, " ")
		r, err = state.ParseRecord(key, []byte(body))
	}
	s.unread.add(field, err)
	return r, err == nil
}
