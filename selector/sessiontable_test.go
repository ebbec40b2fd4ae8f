package selector_test

import (
	"time"

	"github.com/credbroker/credbroker/selector"
)

// sessionTable is the simplest thing that does what selector.Bindings promises.
type sessionTable[T comparable] struct {
	ttl   time.Duration
	byKey map[selector.SessionKey]*boundSession[T]
}

type boundSession[T comparable] struct {
	to   T
	ends time.Time
}

var _ selector.Bindings = (*sessionTable[selector.Slot])(nil)

func newSessionTable[T comparable](ttl time.Duration) *sessionTable[T] {
	return &sessionTable[T]{ttl: ttl, byKey: map[selector.SessionKey]*boundSession[T]{}}
}

func (t *sessionTable[T]) live(key selector.SessionKey, now time.Time) *boundSession[T] {
	if b := t.byKey[key]; b != nil && b.ends.After(now) {
		return b
	}
	return nil
}

func (t *sessionTable[T]) Find(key selector.SessionKey, now time.Time) (to T, ok bool) {
	if b := t.live(key, now); b != nil {
		return b.to, true
	}
	return to, false
}

func (t *sessionTable[T]) Renew(key selector.SessionKey, now time.Time) time.Time {
	b := t.live(key, now)
	b.ends = now.Add(t.ttl)
	return b.ends
}

func (t *sessionTable[T]) Join(primary selector.Session, fallback selector.SessionKey, now time.Time) time.Time {
	t.byKey[primary.Key] = t.live(fallback, now)
	return t.Renew(fallback, now)
}

func (t *sessionTable[T]) Bind(sessions []selector.Session, to T, now time.Time) time.Time {
	if sessions[0].Role == selector.RolePrefix {
		for _, s := range sessions[1:] {
			if b := t.live(s.Key, now); s.Role == selector.RolePast && b != nil && b.to == to {
				delete(t.byKey, s.Key)
			}
		}
		sessions = sessions[:1]
	}
	b := t.live(sessions[0].Key, now)
	if b == nil {
		b = &boundSession[T]{}
	}
	b.to, b.ends = to, now.Add(t.ttl)
	for _, s := range sessions {
		t.byKey[s.Key] = b
	}
	return b.ends
}

func (t *sessionTable[T]) Release(to T) int {
	released := map[*boundSession[T]]bool{}
	for key, b := range t.byKey {
		if b.to == to {
			delete(t.byKey, key)
			released[b] = true
		}
	}
	return len(released)
}
