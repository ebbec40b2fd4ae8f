package state_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// simPlan is one life of a fleet, made from a seed: all that happens to it but for the order of what happens at once.
type simPlan struct {
	seed     uint64
	replicas int
	// disks: the replicas have state files. Without, the store must not lose anything.
	disks bool
	// losses: the store loses what it has, by restarts or for lack of memory.
	losses bool
	// alike: auths fail for the same reason, so that the provider is found to be out.
	alike bool
	steps []simStep
}

// simStep is one thing that happens.
type simStep struct {
	what          simWhat
	replica, auth int
	session       int
	span          time.Duration
}

func (s simStep) String() string {
	return fmt.Sprintf("%s on %d: auth %s, session %d, %v", simNames()[s.what], s.replica, simAuths()[s.auth], s.session, s.span)
}

// simWhat is a kind of step.
type simWhat int

const (
	simWait simWhat = iota
	simPick
	simAnswer
	simHint
	simLadder
	simSuccess
	simDoubt
	simOrder
	simClear
	simDisable
	simEnable
	simRelease
	simCrash
	simCut
	simMend
	simDelay
	simDisturb
	simCalm
	simRestart
	simEvict
	simDiskFull
	simDiskFree
	numSimWhat
)

func simNames() [numSimWhat]string {
	return [...]string{
		"wait", "pick", "answer", "hint", "ladder", "success", "doubt", "order", "clear", "disable", "enable", "release", "crash", "cut", "mend",
		"delay", "disturb", "calm", "restart of the store", "eviction", "full disk", "free disk",
	}
}

func simAuths() [simAuthCount]string { return [...]string{"a", "b", "c"} }

const (
	simAuthCount    = 3
	simSessions     = 6
	simProbeTimeout = time.Second
	simMaxHint      = 500 * time.Millisecond
)

// newSimPlan makes the plan of a seed. Of four fleets one has no fault of the network, so that what holds in peace is
// checked strictly.
func newSimPlan(seed uint64) simPlan {
	r := rand.New(rand.NewPCG(seed, 0))
	p := simPlan{seed: seed, replicas: 2 + r.IntN(3), disks: r.IntN(4) > 0, alike: r.IntN(4) == 0}
	faults := r.IntN(4) > 0
	p.losses = faults && p.disks && r.IntN(2) == 0
	weights := [numSimWhat]int{
		simWait: 16, simPick: 30, simAnswer: 6, simHint: 9, simLadder: 4, simSuccess: 3, simDoubt: 5, simOrder: 3, simClear: 2,
		simDisable: 3, simEnable: 2, simRelease: 2, simDelay: 2, simCrash: 2,
	}
	if faults {
		weights[simCut], weights[simMend], weights[simDisturb], weights[simCalm] = 3, 4, 2, 3
	}
	if p.disks {
		weights[simDiskFull], weights[simDiskFree] = 1, 2
	}
	if p.losses {
		weights[simRestart], weights[simEvict] = 1, 1
	}
	sum := 0
	for _, w := range weights {
		sum += w
	}
	for range 20 + r.IntN(60) {
		n, what := r.IntN(sum), simWhat(0)
		for n >= weights[what] {
			n -= weights[what]
			what++
		}
		span := time.Duration(r.IntN(500)) * time.Millisecond
		if what >= simHint && what <= simOrder {
			span = time.Duration(1+r.IntN(20)) * 200 * time.Millisecond
		}
		p.steps = append(p.steps, simStep{what, r.IntN(p.replicas), r.IntN(simAuthCount), r.IntN(2 * simSessions), span})
	}
	return p
}

func (p *simPlan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d replicas, with disks: %t, the store loses: %t, auths fail alike: %t", p.replicas, p.disks, p.losses, p.alike)
	for i, s := range p.steps {
		fmt.Fprintf(&b, "\n  %d %v", i, s)
	}
	return b.String()
}

// shrink leaves out what a failure does not need: halves first, then single steps.
func (p simPlan) shrink(fails func(simPlan) bool) simPlan {
	for size := len(p.steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(p.steps); {
			shorter := p
			shorter.steps = slices.Delete(slices.Clone(p.steps), at, at+size)
			if fails(shorter) {
				p = shorter
			} else {
				at += size
			}
		}
	}
	return p
}
