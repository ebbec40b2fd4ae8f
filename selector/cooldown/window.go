package cooldown

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// maxWindows bounds the quota windows that are kept of an identity.
const maxWindows = 32

// Window is one quota window as an upstream showed it.
type Window struct {
	// Name is the upstream's own word, such as `5h` or `tokens`.
	Name string `json:"name"`
	// UsedShare: 0 is unused, 1 is full, more than 1 occurs; below 0: not told.
	UsedShare float64 `json:"used"`
	// ResetsAt is when it is unused again; zero: not told.
	ResetsAt time.Time `json:"resets,omitzero"`
	// SeenAt is when it was last shown.
	SeenAt time.Time `json:"seen,omitzero"`
}

// MergeWindows keeps the newest of each name, and of the names those that were seen last if there are too many.
func MergeWindows(known, seen []Window) []Window {
	for _, w := range seen {
		i, found := slices.BinarySearchFunc(known, w.Name, func(k Window, name string) int { return strings.Compare(k.Name, name) })
		switch {
		case !found:
			known = dropOldest(slices.Insert(known, i, w))
		case w.after(known[i]):
			known[i] = w
		}
	}
	return known
}

// dropOldest drops the window that was seen first, if there is one too many.
func dropOldest(known []Window) []Window {
	if len(known) <= maxWindows {
		return known
	}
	oldest := 0
	for i := range known {
		if known[oldest].after(known[i]) {
			oldest = i
		}
	}
	return slices.Delete(known, oldest, oldest+1)
}

// after orders windows by when they were seen, those of one time by what they say.
func (w Window) after(o Window) bool {
	return cmp.Or(w.SeenAt.Compare(o.SeenAt), w.ResetsAt.Compare(o.ResetsAt), cmp.Compare(w.UsedShare, o.UsedShare),
		cmp.Compare(w.Name, o.Name)) > 0
}
