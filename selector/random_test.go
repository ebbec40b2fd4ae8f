package selector_test

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"
)

// play returns how many operations went well, and what was wrong with the next one.
func (h *history) play() (done int, err error) {
	w := newWorld(h)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	for ; done < len(h.ops); done++ { // a panic leaves it where it was
		if err := h.ops[done].do(w); err != nil {
			return done, err
		}
		if done%h.checkEvery == 0 || done == len(h.ops)-1 {
			if err := w.pool.CheckIndex(); err != nil {
				return done, fmt.Errorf("the index is not what it would be if made anew: %w", err)
			}
		}
	}
	return done, nil
}

// shrink leaves out what the failure does not need.
func (h *history) shrink() (*history, error) {
	done, err := h.play()
	if err == nil {
		return h, nil
	}
	least := *h
	least.ops = slices.Clone(h.ops[:min(done+1, len(h.ops))])
	least.checkEvery = 1
	_, err = least.play()
	fails := func(ops []operation) bool {
		shorter := least
		shorter.ops = ops
		if _, failure := shorter.play(); failure != nil {
			err = failure
			return true
		}
		return false
	}
	least.ops = shorten(least.ops, fails)
	for i, op := range least.ops {
		op, ok := op.(simplifier)
		if !ok {
			continue
		}
		least.ops[i] = op.simplify(func(simpler operation) bool {
			ops := slices.Clone(least.ops)
			ops[i] = simpler
			return fails(ops)
		})
	}
	return &least, err
}

// playMany plays histories until so many operations were compared.
func playMany(t *testing.T, states int, random func(*rand.Rand) *history) {
	if testing.Short() {
		t.Skip("-short leaves out histories")
	}
	t.Helper()
	seed := seedOf(t)
	done, histories := 0, 0
	for ; done < states; histories++ {
		h := random(rand.New(rand.NewPCG(seed, uint64(histories))))
		n, err := h.play()
		if done += n; err == nil {
			continue
		}
		least, failure := h.shrink()
		if failure == nil {
			failure = err
		}
		t.Fatalf("CREDBROKER_SEED=%d, history %d: %v\nafter\n%v", seed, histories, failure, least)
	}
	t.Logf("CREDBROKER_SEED=%d: %d states in %d histories", seed, done, histories)
}

func TestRandomHistoriesOfSmallPoolsAgreeWithTheRules(t *testing.T) {
	playMany(t, 100_000, func(r *rand.Rand) *history { return smallUniverse().history(r, 150) })
}

func TestRandomHistoriesOfMediumPoolsAgreeWithTheRules(t *testing.T) {
	playMany(t, 10_000, func(r *rand.Rand) *history { return mediumUniverse(r).history(r, 200) })
}
