package selector_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestCooldownsOfAFleetKeepTheirRules plays random interleavings of what can happen to one auth on three replicas: limits,
// successes, probes, orders and clears, messages that come late, twice, in another order or never, a store of permits that is
// out of reach for a while, and time. After every step each replica must say what follows from what it was told. It runs as
// many of them as CREDBROKER_HISTORIES says; `make model` runs 1,000,000.
func TestCooldownsOfAFleetKeepTheirRules(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out histories")
	}
	count := 10_000
	if text := os.Getenv("CREDBROKER_HISTORIES"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			t.Fatalf("CREDBROKER_HISTORIES: %v", err)
		}
	}
	seed := seedOf(t)
	var next, probes, shared atomic.Int64
	var failed sync.Once
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for number := next.Add(1); number <= int64(count) && !t.Failed(); number = next.Add(1) {
				h := newFleetHistory(rand.New(rand.NewPCG(seed, uint64(number))))
				f, err := h.play()
				probes.Add(int64(f.probes))
				shared.Add(int64(f.claimed))
				if err != nil {
					failed.Do(func() { reportFleet(t, h, fmt.Sprintf("CREDBROKER_SEED=%d, history %d", seed, number)) })
				}
			}
		})
	}
	workers.Wait()
	t.Logf("CREDBROKER_SEED=%d: %d histories, %d probes, %d with a permit of the store", seed, count, probes.Load(), shared.Load())
	if !t.Failed() && (probes.Load() < int64(count/20) || shared.Load() < int64(count/40)) {
		t.Error("too few probes to show anything")
	}
}

// reportFleet fails with the shortest history that still fails.
func reportFleet(t *testing.T, h *fleetHistory, name string) {
	t.Helper()
	h.steps = shorten(h.steps, func(steps []fleetStep) bool {
		_, err := (&fleetHistory{steps: steps, model: h.model}).play()
		return err != nil
	})
	_, err := h.play()
	t.Errorf("%s: %v\nafter, of model %q,\n%s", name, err, h.model, h)
}

// fleetHistory is what happens, in order. A step holds all that it needs, so that leaving some out gives another history.
type fleetHistory struct {
	model string // that everything is about; empty: the auth as a whole
	steps []fleetStep
}

type fleetStep struct {
	what    fleetAction
	replica int
	span    time.Duration // what it means depends on the action
	ago     time.Duration // when the attempt began
	number  int
}

type fleetAction int

const (
	stepWait fleetAction = iota // for span
	stepHint                    // a limit that ends after span
	stepLadder
	stepSuccess
	stepPick
	stepAnswer // the number-th open pick ends: served, limited, limited until span, or without a result
	stepOrder  // a cooldown for span
	stepClear
	stepSend    // what changed goes on its way to both others
	stepDeliver // the number-th message arrives, and stays on its way for a second time
	stepPermits // the replica asks for permits and gives them back
	stepReach   // the store of permits comes within reach of the replica, or out of it
	numFleetActions
)

func (s fleetStep) String() string {
	names := [numFleetActions]string{
		"wait", "hint", "ladder", "success", "pick", "answer", "order", "clear", "send", "deliver", "permits", "reach",
	}
	return fmt.Sprintf("replica %d: %s span %v ago %v number %d", s.replica, names[s.what], s.span, s.ago, s.number)
}

func (h *fleetHistory) String() string {
	var b strings.Builder
	for _, s := range h.steps {
		fmt.Fprintf(&b, "  %v\n", s)
	}
	return b.String()
}

func newFleetHistory(r *rand.Rand) *fleetHistory {
	h := &fleetHistory{model: one(r, []string{"", "m"})}
	if r.IntN(3) > 0 {
		h.steps = halfOpenSteps(r)
	}
	hints := 1
	for range 10 + r.IntN(25) {
		s := fleetStep{
			what: one(r, fleetMix()), replica: r.IntN(3), number: r.IntN(8),
			ago: one(r, []time.Duration{0, 0, time.Millisecond, 2 * time.Second, time.Minute, 20 * time.Minute}),
		}
		switch s.what {
		case stepWait:
			s.span = one(r, []time.Duration{1, time.Millisecond, time.Second, 5 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute})
		case stepHint, stepOrder, stepAnswer:
			if hints++; hints > 6 {
				s.what = stepSend
			}
			s.span = one(r, []time.Duration{time.Second, time.Minute, 14 * time.Minute, time.Hour, time.Hour, 18 * 24 * time.Hour})
		}
		h.steps = append(h.steps, s)
	}
	return h
}

// halfOpenSteps make a hint known to some, and let it be tried.
func halfOpenSteps(r *rand.Rand) []fleetStep {
	first := r.IntN(3)
	steps := []fleetStep{{what: stepHint, replica: first, span: one(r, []time.Duration{time.Hour, 18 * 24 * time.Hour})}, {what: stepSend, replica: first}}
	for i := range r.IntN(3) {
		steps = append(steps, fleetStep{what: stepDeliver, number: i})
	}
	steps = append(steps, fleetStep{what: stepWait, span: 15*time.Minute - time.Millisecond})
	for range 1 + r.IntN(4) {
		replica := r.IntN(3)
		steps = append(steps,
			fleetStep{what: stepWait, span: one(r, []time.Duration{time.Millisecond, time.Second, 2 * time.Minute})},
			fleetStep{what: stepPermits, replica: replica}, fleetStep{what: stepPick, replica: one(r, []int{replica, r.IntN(3)})},
		)
	}
	return steps
}

// fleetMix is how often each action comes.
func fleetMix() []fleetAction {
	return []fleetAction{
		stepWait, stepWait, stepWait, stepWait, stepHint, stepHint, stepLadder, stepSuccess, stepPick, stepPick, stepPick,
		stepAnswer, stepAnswer, stepOrder, stepClear, stepSend, stepSend, stepDeliver, stepDeliver, stepDeliver,
		stepPermits, stepPermits, stepReach,
	}
}
