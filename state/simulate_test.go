package state_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// simSettings are the seeds to play: few without settings, from anywhere; `make simulate` plays 10,000, the same each time.
// CREDBROKER_SEED plays one seed alone.
func simSettings(t *testing.T) (first uint64, count int) {
	t.Helper()
	first, count = rand.Uint64()>>1, 60
	if text := os.Getenv("CREDBROKER_SIMULATIONS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		count = n
	}
	for _, name := range []string{"CREDBROKER_SIMULATE_FROM", "CREDBROKER_SEED"} {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if first = seed; name == "CREDBROKER_SEED" {
			count = 1
		}
	}
	return first, count
}

// TestAFleetAgreesAndForgetsNothing lets fleets run in virtual time over a network that delays, drops, repeats, reorders
// and parts, with crashes, full disks and a store that loses what it has.
func TestAFleetAgreesAndForgetsNothing(t *testing.T) {
	first, count := simSettings(t)
	var next, probes atomic.Int64
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for !t.Failed() {
				i := next.Add(1) - 1
				if i >= int64(count) {
					return
				}
				plan := newSimPlan(first + uint64(i))
				if err := playSim(t, plan, &probes); err != nil {
					reportSim(t, plan, err)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d simulated fleets from seed %d on, %d probes", count, first, probes.Load())
}

// playSim plays one plan in a bubble.
func playSim(t *testing.T, plan simPlan, probes *atomic.Int64) (err error) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t.Context(), plan)
		err = w.live()
		probes.Add(int64(w.probed))
	})
	return err
}

// reportSim fails the test with the shortest plan that fails.
func reportSim(t *testing.T, plan simPlan, err error) {
	t.Helper()
	var ignored atomic.Int64
	shortest := plan.shrink(func(p simPlan) bool {
		// What happens at once happens in any order, so a plan can fail now and then.
		for range 3 {
			if shorter := playSim(t, p, &ignored); shorter != nil && sameKind(shorter, err) {
				return true
			}
		}
		return false
	})
	t.Errorf("CREDBROKER_SEED=%d: %v\nas short as it fails:\n%v", plan.seed, err, &shortest)
}

// sameKind reports whether errors begin the same way, steps aside.
func sameKind(a, b error) bool {
	kind := func(err error) string {
		text := err.Error()
		if i := strings.LastIndex(text, "rule: "); i >= 0 {
			text = text[i:]
		}
		text, _, _ = strings.Cut(text, ";")
		return text
	}
	return kind(a) == kind(b)
}

// broken is what a broken rule gives.
func broken(rule, format string, args ...any) error {
	return fmt.Errorf("rule: %s; %s", rule, fmt.Sprintf(format, args...))
}

// timeToAgree is how long a fleet that is connected again may take to agree.
const timeToAgree = 5 * time.Second

// simPass lets time pass in a bubble.
func simPass(d time.Duration) { time.Sleep(d) }
