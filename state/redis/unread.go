package redis

import (
	"errors"
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

// maxField is far more than any broker writes, and maxValue is what it writes at most: commands against 1,024 models with
// reasons of 1 KiB are more than 1 MiB for each kind of cooldown, and 6 MiB where JSON escapes every character.
const (
	maxField = 16 << 10
	maxValue = 32 << 20
	// maxReply is room for one value that is too long, so that it can be passed over. Pages of long values are asked for again in
	// smaller pieces.
	maxReply = 2 * maxValue
	// maxElements of a reply. The log has 512 entries at once, of some 260 elements where 128 bindings moved in each.
	maxElements = 1 << 18
)

var errTooLong = errors.New("it is too long")

// checkLength refuses what is longer than brokers read.
func checkLength(field, value string) error {
	if len(field) > maxField || len(value) > maxValue {
		return fmt.Errorf("the record of %.64q, %d bytes of at most %d: %w", field, len(field)+len(value), maxField+maxValue, errTooLong)
	}
	return nil
}

// readRecord reads a record of the hash. What cannot be read is said once.
func (s *Store) readRecord(field, value string) (r cooldown.Record, err error) {
	if err = checkLength(field, value); err != nil {
		field = field[:min(len(field), maxField)]
	} else if r.Key, err = state.ParseKey(field); err == nil {
		tag, body, _ := strings.Cut(value, " ")
		if err = s.macs.checkRecord(field, tag, body); err == nil {
			r, err = state.ParseRecord(r.Key, []byte(body))
		}
	}
	s.passOver(field, RefusedRecord, err)
	return r, err
}

// passOver says that something is passed over: what carries no MAC each time, as somebody may be at work, all else once.
func (s *Store) passOver(name, what string, err error) {
	if errors.Is(err, errMAC) {
		s.config.refused(what, err)
		return
	}
	s.unread.add(name, err)
}
