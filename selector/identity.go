package selector

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/doubt"
)

// identity is the runtime state of one account or key. Its auths come and go; it stays.
type identity struct {
	subject

	name string
	slot Slot

	change cooldown.Switch
	// released is when its sessions were last released.
	released cooldown.Instant

	// failed are the last requests that left doubt with it.
	failed doubt.Recent

	orphan  bool // in Pool.orphans
	report  cooldown.Report
	windows []cooldown.Window // sorted of name

	// Of auths that were in earlier indexes.
	picks      uint64
	lastPicked cooldown.Instant
}

// secret stands for the secret of an auth without telling it. It is never 0.
func (m *member) secret() cooldown.Fingerprint {
	if m.print == 0 {
		hash := sha256.New()
		for _, h := range m.auth.Headers {
			_, _ = fmt.Fprintf(hash, "%d %s ", len(h.Name), h.Name)
			h.Value.writeTo(hash)
		}
		m.print = cooldown.Fingerprint(binary.BigEndian.Uint64(hash.Sum(nil)) | 1)
	}
	return m.print
}

// refusal is the observation that the upstream refused the secret of a member; nil: it did not.
func (m *member) refusal(now cooldown.Instant) *cooldown.Observation {
	if m.state.whole.ledgers == nil {
		return nil
	}
	var last *cooldown.Observation
	observed := m.state.whole.ledgers.Authentication.Observations
	for i := range observed {
		e := &observed[i]
		if e.Secret != 0 && e.Until > now && e.Secret == m.secret() && (last == nil || e.Until >= last.Until) {
			last = e
		}
	}
	return last
}

func sameHeaders(a, b *Auth) bool {
	return slices.EqualFunc(a.Headers, b.Headers, func(x, y Header) bool {
		return x.Name == y.Name && x.Value.Equal(y.Value)
	})
}

// identity finds or makes the state of a name.
func (rt *runtimeState) identity(name string) *identity {
	if s := rt.identities[name]; s != nil {
		return s
	}
	s := &identity{name: name}
	s.identity, s.alone = s, !rt.permits
	s.init()
	if n := len(rt.free); n > 0 {
		s.slot, rt.free = rt.free[n-1], rt.free[:n-1]
		rt.slots[s.slot] = s
	} else {
		s.slot = Slot(len(rt.slots)) //nolint:gosec // a pool has fewer identities
		rt.slots = append(rt.slots, s)
	}
	rt.identities[name] = s
	return s
}

// countOrphans keeps count of the identities that lost their last auth, and drops those that have been gone for longest.
func (rt *runtimeState) countOrphans(old *index) {
	rt.orphans = slices.DeleteFunc(rt.orphans, func(s *identity) bool {
		s.orphan = len(s.members) == 0
		return !s.orphan
	})
	for _, m := range old.members {
		rt.countOrphan(m.state)
	}
	rt.boundOrphans()
}

// boundOrphans drops the identities that have been without auths for longest, where there are many.
func (rt *runtimeState) boundOrphans() {
	for len(rt.orphans) > maxOrphans {
		rt.dropIdentity(rt.orphans[0])
		rt.orphans = rt.orphans[1:]
	}
}

// countOrphan counts an identity among those without auths, if it is one.
func (rt *runtimeState) countOrphan(s *identity) {
	if len(s.members) == 0 && !s.orphan {
		s.orphan = true
		rt.orphans = append(rt.orphans, s)
	}
}

func (rt *runtimeState) dropIdentity(s *identity) {
	for _, set := range s.models {
		rt.dropSet(set)
	}
	rt.timers.Cancel(&s.whole.timer)
	if rt.bindings != nil {
		rt.bindings.Release(s.slot)
		rt.bindings.Release(s.slot | pinSlot)
	}
	delete(rt.identities, s.name)
	rt.slots[s.slot] = nil
	rt.free = append(rt.free, s.slot)
}

func (rt *runtimeState) identityOf(slot Slot) *identity {
	slot &^= pinSlot
	if int(slot) >= len(rt.slots) {
		return nil
	}
	return rt.slots[slot]
}
