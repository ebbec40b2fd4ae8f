package selector

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// identity is the runtime state of one account or key. Its auths come and go; it stays.
type identity struct {
	subject

	name string
	slot Slot

	change cooldown.Switch
	// released is when its sessions were last released.
	released cooldown.Instant

	orphan  bool // in Pool.orphans
	report  cooldown.Report
	windows []cooldown.Window // in text order of name

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

// refusal is the evidence that the upstream refused the secret of a member; nil: it did not.
func (m *member) refusal(now cooldown.Instant) *cooldown.Observation {
	if m.state.whole.ledgers == nil {
		return nil
	}
	var last *cooldown.Observation
	for i := range m.state.whole.ledgers[cooldown.Authentication].Observations {
		e := &m.state.whole.ledgers[cooldown.Authentication].Observations[i]
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
