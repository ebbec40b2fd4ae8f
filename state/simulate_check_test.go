package state_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// mayPick checks that a replica does not hand out what it acknowledged to be out of use before the pick began.
func (w *simWorld) mayPick(r *simReplica, auth string, now time.Time, began int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, c := range w.commands {
		if c.auth != auth || c.replica != r.number || c.acked == 0 || c.acked > began {
			continue
		}
		switch {
		case c.what == simDisable && !w.undone(i, simEnable):
			return broken("what is disabled is not handed out", "%s, disabled at moment %d, was picked at %d", auth, c.acked, began)
		case c.what == simOrder && c.until.After(now) && !w.undone(i, simClear):
			return broken("what was ordered to rest is not handed out", "%s, until %v, was picked at %v", auth, c.until, now)
		}
	}
	return nil
}

// undone reports whether what a command did may have been undone by a later one, acknowledged or not.
func (w *simWorld) undone(command int, by ...simWhat) bool {
	for _, c := range w.commands[command+1:] {
		for _, what := range by {
			if c.what == what && c.auth == w.commands[command].auth {
				return true
			}
		}
	}
	return false
}

// probe checks that no other probe of the auth is under way, while the store can be relied on.
func (w *simWorld) probe(p simProbe) error {
	w.probed++
	for _, other := range w.probes {
		// A permit that was taken without the store may be used for twice the time of a probe.
		if other.auth == p.auth && other.ends.After(p.began) && p.began.Sub(w.troubled) > 4*simProbeTimeout {
			return broken("one probe at a time", "of %s on replica %d since %v, and on %d at %v", p.auth, other.replica, other.began, p.replica, p.began)
		}
	}
	w.probes = append(w.probes, p)
	return nil
}

// rest lets all faults end, and checks that all replicas come to the same and know what was acknowledged.
func (w *simWorld) rest() error {
	for _, r := range w.replicas {
		r.link.Mend()
		r.link.Disturb(nil)
		if r.disk != nil {
			r.disk.set(false)
		}
	}
	const pause = 100 * time.Millisecond
	var differ error
	for range timeToAgree / pause {
		simPass(pause)
		for _, r := range w.replicas {
			r.pool.Advance(r.persister.Now(), 100)
		}
		if differ = w.agree(); differ == nil {
			break
		}
	}
	if differ != nil {
		return differ
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.replicas {
		if err := w.remembers(r); err != nil {
			return err
		}
	}
	return nil
}

// agree compares what the replicas say.
func (w *simWorld) agree() error {
	first := w.replicas[0]
	for _, r := range w.replicas[1:] {
		if a, b := says(first), says(r); a != b {
			return broken("replicas agree on auths in the end", "replica 0 says %s\nreplica %d says %s", a, r.number, b)
		}
	}
	if slices.ContainsFunc(w.plan.steps, func(s simStep) bool { return s.what == simEvict }) {
		return nil // who knows a session that was evicted keeps it, and who does not binds it anew
	}
	for session := range simSessions {
		bound := ""
		for _, r := range w.replicas {
			name := r.boundTo(session)
			if name != "" && bound != "" && name != bound {
				return broken("replicas agree on sessions in the end", "session %d is bound to %s and %s", session, bound, name)
			}
			bound = max(bound, name)
		}
	}
	return nil
}

// boundTo is the identity that a session is bound to; empty: to none.
func (r *simReplica) boundTo(session int) string {
	slot, ok := r.table.Find(request(session).Sessions[0].Key, r.persister.Now())
	if !ok {
		return ""
	}
	name, _ := r.pool.NameOf(slot)
	return name
}

// says is what a replica knows of all auths.
func says(r *simReplica) string {
	var b strings.Builder
	now := r.persister.Now()
	for _, id := range simAuths() {
		status, err := r.pool.Status(id, now)
		if err != nil {
			panic(err) // the auth is there
		}
		fmt.Fprintf(&b, "%s: disabled %t, released %d;", id, status.State == selector.StateDisabled, r.pool.Released(id))
		for _, block := range status.Blocks {
			fmt.Fprintf(&b, " %d to %d, probe %d;", block.Kind, block.Until.UnixNano(), block.ProbeAt.UnixNano())
		}
	}
	return b.String()
}

// remembers checks that a replica knows all that any replica acknowledged.
func (w *simWorld) remembers(r *simReplica) error {
	now := r.persister.Now()
	for i, c := range w.commands {
		if c.acked == 0 {
			continue
		}
		status, err := r.pool.Status(c.auth, now)
		if err != nil {
			return err
		}
		disabled := status.State == selector.StateDisabled
		ends := time.Time{}
		for _, b := range status.Blocks {
			if b.Until.After(ends) {
				ends = b.Until
			}
		}
		lost := false
		switch c.what {
		case simDisable, simEnable:
			lost = disabled != (c.what == simDisable) && !w.undone(i, simDisable, simEnable)
		case simOrder:
			lost = c.until.After(now) && ends.Before(c.until) && !w.undone(i, simClear)
		case simHint:
			// Where auths fail alike it may be held against the provider, and any of them can prove it wrong.
			lost = c.until.After(now) && ends.Before(c.until) && !w.plan.alike && !w.undone(i, simClear, simSuccess)
		case simRelease:
			lost = r.pool.Released(c.auth) < c.at.UnixNano()
		}
		if lost {
			return broken("what was acknowledged is known in the end", "replica %d does not know the %s of %s on replica %d", r.number, simNames()[c.what], c.auth, c.replica)
		}
	}
	return nil
}
