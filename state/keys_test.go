package state_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/statetest"
)

func TestJoinKeys(t *testing.T) {
	mine, theirs, fresh := state.Keys{Session: [16]byte{1}}, state.Keys{Session: [16]byte{2}}, state.Keys{Session: [16]byte{3}}
	for _, test := range []struct {
		name          string
		local, shared state.Keys // zero: none are kept
		noFleet, cut  bool
		want          state.Keys
		err           error
	}{
		{name: "a first start without a fleet makes keys", noFleet: true, want: fresh},
		{name: "a start without a fleet keeps its keys", local: mine, noFleet: true, want: mine},
		{name: "the first of a fleet makes the keys", want: fresh},
		{name: "the first of a fleet brings its keys", local: mine, want: mine},
		{name: "a new one takes the fleet's", shared: theirs, want: theirs},
		{name: "one that joined before agrees", local: theirs, shared: theirs, want: theirs},
		{name: "one that joined before starts without the fleet", local: theirs, shared: theirs, cut: true, want: theirs},
		{name: "a new one does not guess", shared: theirs, cut: true, err: statetest.ErrLost},
		{name: "other keys are refused", local: mine, shared: theirs, err: state.ErrOtherKeys},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory, local := &statetest.Memory{}, newDisk()
				local.keys = test.local
				if test.shared != (state.Keys{}) {
					if _, err := memory.Replica().Keys(t.Context(), test.shared); err != nil {
						t.Fatal(err)
					}
				}
				link := memory.Replica()
				if test.cut {
					link.Cut()
				}
				var fleet state.Fleet = link
				if test.noFleet {
					fleet = nil
				}
				got, err := state.JoinKeys(t.Context(), local, fleet, fresh)
				if !errors.Is(err, test.err) || got != test.want {
					t.Fatalf("JoinKeys = %v, %v, want %v, %v", got, err, test.want, test.err)
				}
				if local.keys != test.want && err == nil {
					t.Errorf("keys %v are kept, want %v", local.keys, test.want)
				}
				if err != nil && local.keys != test.local {
					t.Errorf("a start that fails leaves keys %v behind", local.keys)
				}
			})
		})
	}
}
