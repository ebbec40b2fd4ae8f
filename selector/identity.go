package selector

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// identity is the runtime state of one account or key. Its auths come and go; it stays.
type identity struct {
	subject

	name string
	slot Slot

	disabled bool
	why      string
	switched int64 // when it was enabled or disabled last

	orphan  bool // in Pool.orphans
	report  Report
	windows []Window // in text order of name

	// Of auths that were in earlier indexes.
	picks      uint64
	lastPicked int64
}

// maxWindows bounds the quota windows that are kept of an identity.
const maxWindows = 32

// see keeps the newest of each quota window.
func (s *identity) see(windows []Window) {
	for _, w := range windows {
		i, found := slices.BinarySearchFunc(s.windows, w.Name, func(known Window, name string) int { return strings.Compare(known.Name, name) })
		switch {
		case found && !w.SeenAt.Before(s.windows[i].SeenAt):
			s.windows[i] = w
		case !found && len(s.windows) < maxWindows:
			s.windows = slices.Insert(s.windows, i, w)
		}
	}
}

// secretPrint stands for the secret of an auth without keeping it. It is never 0.
func secretPrint(a *Auth) uint64 {
	hash := sha256.New()
	for _, h := range a.Headers {
		_, _ = fmt.Fprintf(hash, "%d %s ", len(h.Name), h.Name)
		h.Value.writeTo(hash)
	}
	return binary.BigEndian.Uint64(hash.Sum(nil)) | 1
}

func sameHeaders(a, b *Auth) bool {
	return slices.EqualFunc(a.Headers, b.Headers, func(x, y Header) bool {
		return x.Name == y.Name && x.Value.Equal(y.Value)
	})
}
