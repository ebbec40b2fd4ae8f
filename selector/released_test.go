package selector_test

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// released is two pools of the same two auths, and the tables that bind their sessions.
type released struct {
	pools  [2]*selector.Pool
	tables [2]*sessionTable[selector.Slot]
	now    time.Time
}

func newReleased() *released {
	r := &released{now: time.Unix(1_800_000_000, 0)}
	for i := range r.pools {
		r.tables[i] = newSessionTable[selector.Slot](time.Hour)
		r.pools[i] = selector.New(selector.Config{Bindings: r.tables[i], Recording: true})
		r.pools[i].Update([]*selector.Auth{{ID: "a", Provider: "p"}, {ID: "b", Provider: "p"}}, nil, r.now)
	}
	return r
}

// bind makes a session of each pool one of the auth's.
func (r *released) bind(t *testing.T, auth string, key uint64) {
	t.Helper()
	for i, p := range r.pools {
		status, err := p.Status(auth, r.now)
		if err != nil {
			t.Fatal(err)
		}
		r.tables[i].Bind([]selector.Session{{Key: selector.SessionKey{Lo: key}}}, status.Slot, r.now)
	}
}

func TestSessionsReleasedOnOneReplicaAreReleasedOnAll(t *testing.T) {
	for name, release := range map[string]func(p *selector.Pool, now time.Time) error{
		"by a command": func(p *selector.Pool, now time.Time) error { _, err := p.Release("a", "", now); return err },
		"by an answer that refuses the secret": func(p *selector.Pool, now time.Time) error {
			_, err := p.Report(selector.Attempt{AuthID: "a", Started: now}, cooldown.Finding{Action: cooldown.ActionInvalidate}, now)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReleased()
			r.bind(t, "a", 1)
			r.bind(t, "b", 2)
			r.now = r.now.Add(time.Second)
			if err := release(r.pools[0], r.now); err != nil {
				t.Fatal(err)
			}
			records, _, _ := r.pools[0].Take(10)
			r.pools[1].Merge(records, r.now)
			for i, table := range r.tables {
				if len(table.byKey) != 1 {
					t.Errorf("pool %d has %d sessions, want the one of the other auth", i, len(table.byKey))
				}
			}
			r.pools[1].Merge(records, r.now)
			r.now = r.now.Add(time.Second)
			r.bind(t, "a", 3)
			r.pools[1].Merge(records, r.now)
			if _, ok := r.tables[1].Find(selector.SessionKey{Lo: 3}, r.now); !ok {
				t.Error("what is bound after a release goes when its record comes once more")
			}
		})
	}
}

func TestSlotOfKnowsWhatWasReleasedSince(t *testing.T) {
	r := newReleased()
	p := r.pools[0]
	if _, err := p.Release("a", "", r.now); err != nil {
		t.Fatal(err)
	}
	at := r.now.UnixNano()
	for _, c := range []struct {
		name, identity string
		bound          int64
		want           bool
	}{
		{"bound after the release", "a", at + 1, true},
		{"bound at the release", "a", at, false},
		{"bound to one that was not released", "b", at, true},
		{"bound to nobody that is known", "c", at + 1, false},
	} {
		slot, ok := p.SlotOf(c.identity, c.bound)
		if ok != c.want {
			t.Errorf("%s: SlotOf = %v, want %v", c.name, ok, c.want)
		}
		if name, known := p.NameOf(slot); ok && (!known || name != c.identity) {
			t.Errorf("%s: NameOf(SlotOf) = %q, %v", c.name, name, known)
		}
	}
	if _, ok := p.NameOf(99); ok {
		t.Error("NameOf of a slot that was never given out finds a name")
	}
}
