package selector_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// opWaitForNext lets time pass until exactly the next end that the pool waits for, or a nanosecond less or more.
type opWaitForNext struct{ Off time.Duration }

func (op opWaitForNext) do(w *world) error {
	next := w.pool.Advance(w.oracle.now, 0)
	if next.IsZero() {
		return nil
	}
	if next = next.Add(op.Off); next.After(w.oracle.now) {
		w.oracle.now = next
	}
	return nil
}

// opList compares the listings.
type opList struct{ Filter selector.Filter }

func (op opList) do(w *world) error {
	o, f := w.oracle, op.Filter
	key := oracleKey(f.Model)
	page, total := w.pool.List(f, o.now)
	var want []string
	wantTotal := 0
	for _, a := range o.known("") {
		state, _ := o.state(a, key)
		if f.Provider != "" && a.Provider != f.Provider || !serves(a, key) || f.State != 0 && state != f.State {
			continue
		}
		wantTotal++
		if a.ID > f.After && (f.Limit == 0 || len(want) < f.Limit) {
			want = append(want, a.ID)
		}
	}
	var got []string
	var err error
	for _, s := range page {
		got = append(got, s.Auth.ID)
		err = errors.Join(err, w.compareStatus(s, key))
	}
	return errors.Join(err, same("List", got, want), same("total", total, wantTotal))
}

// opStatus compares what is said of one auth, and of all in numbers.
type opStatus struct{ ID string }

func (op opStatus) do(w *world) error {
	counts := map[selector.PoolCount]int{}
	for _, a := range w.oracle.auths {
		state, _ := w.oracle.state(a, "")
		counts[selector.PoolCount{Provider: a.Provider, State: state}]++
	}
	got := w.pool.Counts(nil, w.oracle.now)
	if !slices.IsSortedFunc(got, func(a, b selector.PoolCount) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.State, b.State))
	}) {
		return fmt.Errorf("Counts = %v, which is not sorted", got)
	}
	gotCounts := map[selector.PoolCount]int{}
	for _, c := range got {
		gotCounts[selector.PoolCount{Provider: c.Provider, State: c.State}] = c.Count
	}
	if err := same("Counts", gotCounts, counts); err != nil {
		return err
	}
	status, err := w.pool.Status(op.ID, w.oracle.now)
	if w.oracle.auths[op.ID] == nil {
		return wantError(err, selector.ErrUnknownAuth)
	}
	if id, ok := w.pool.AuthOf(status.Slot); !ok || identityOf(w.oracle.auths[id]) != identityOf(status.Auth) {
		return fmt.Errorf("AuthOf(slot of %s) = %s, %t", op.ID, id, ok)
	}
	return errors.Join(err, w.compareStatus(status, ""))
}

// state of an auth for a model key that it serves, or as a whole for "".
func (o *oracle) state(a *selector.Auth, key string) (selector.State, oracleEligibility) {
	s := o.eligibility(a, key, nil)
	switch {
	case s.reason == selector.ReasonReady:
		return selector.StateReady, s
	case s.reason == selector.ReasonDisabled:
		return selector.StateDisabled, s
	case s.cooling():
		return selector.StateCooling, s
	}
	return selector.StateBlocked, s
}

func (w *world) compareStatus(got selector.Status, key string) error {
	o := w.oracle
	a := o.auths[got.Auth.ID]
	if got.Auth != a {
		return fmt.Errorf("%s is an older version of itself", got.Auth.ID)
	}
	state, s := o.state(a, key)
	blocks := o.blocks(a)
	slices.SortFunc(blocks, func(x, y selector.Block) int {
		return cmp.Or(cmp.Compare(x.Domain, y.Domain), cmp.Compare(x.Family, y.Family), cmp.Compare(x.Model, y.Model), cmp.Compare(x.Kind, y.Kind))
	})
	why := errors.New("without a reason")
	if (got.Why == "") == (state == selector.StateReady) && (s.detail == "" || got.Why == s.detail) {
		why = nil
	}
	return errors.Join(
		why, same("State of "+a.ID, got.State, state), same("Until", got.Until.UTC(), s.until.UTC()),
		same("Blocks", utc(got.Blocks), utc(blocks)), same("Priority", got.Priority, priorityOf(a)), same("Weight", got.Weight, weightOf(a)),
		same("Picks", got.Picks, o.identity(a).picks), same("picked", got.LastPicked.IsZero(), got.Picks == 0),
	)
}

func utc(blocks []selector.Block) []selector.Block {
	for i := range blocks {
		blocks[i].Until, blocks[i].ProbeAt = blocks[i].Until.UTC(), blocks[i].ProbeAt.UTC()
	}
	return blocks
}

// opWatch takes what changed: at least every auth of which anything can be seen to have changed.
type opWatch struct{}

func (op opWatch) do(w *world) error {
	o := w.oracle
	w.pool.Advance(o.now, 1<<30)
	changed := w.watcher.Take()
	if !slices.IsSorted(changed) || len(slices.Compact(slices.Clone(changed))) != len(changed) {
		return fmt.Errorf("Take = %v, want each id once, sorted", changed)
	}
	now := map[string]string{}
	for id, a := range o.auths {
		now[id] = fmt.Sprintf("%p %t", a, o.identity(a).disabled)
		for _, model := range append([]string{""}, w.models...) {
			if serves(a, oracleKey(model)) {
				state, s := o.state(a, oracleKey(model))
				now[id] += fmt.Sprintf(" %s:%d %s", model, state, s.until)
			}
		}
	}
	for id := range w.seen {
		if _, ok := now[id]; !ok {
			now[id] = ""
		}
	}
	for id, text := range now {
		if w.seen[id] != text && !slices.Contains(changed, id) {
			return fmt.Errorf("Take = %v, but %s changed from %q to %q", changed, id, w.seen[id], text)
		}
		if w.seen[id] = text; text == "" {
			delete(w.seen, id)
		}
	}
	return nil
}
