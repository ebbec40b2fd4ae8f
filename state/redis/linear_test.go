package redis_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/redis/redistest"
)

// step is one call of a random history: about one session, or about one permit.
type step struct {
	about string
	what  string // bind, claim or give back
	by    int    // replica
	want  string // identity to bind to
	from  string // identity to move off
}

// answer to a step; unknown: nobody knows whether it was done.
type answer struct {
	identity string
	given    bool
	unknown  bool
}

// What replicas are expected by binds and claims is what one of them after the other would be expected, at some instant while each
// call lasted, though connections break and answers come late.
func TestLinearizable(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const replicas, callers, steps = 3, 3, 300
	server := redistest.Start(t)
	h := &history{start: time.Now()}
	var running sync.WaitGroup
	for i := range replicas {
		proxy := redistest.NewProxy(t, server.Addr)
		store := openStore(t, &redis.Config{Addresses: []string{proxy.Addr}, Namespace: "linear"})
		for j := range callers {
			r := rand.New(rand.NewPCG(seed, uint64(i*callers+j)))
			running.Go(func() {
				last := map[string]string{}
				for range steps {
					hinder(r, proxy)
					h.call(t, store, randomStep(r, i, last), last)
				}
			})
		}
	}
	running.Wait()
	unknown := 0
	for _, o := range h.operations {
		if o.Output.(answer).unknown {
			unknown++
		}
	}
	t.Logf("%d calls, of %d the outcome is unknown", len(h.operations), unknown)
	model := porcupine.NondeterministicModel{
		Partition: bySubject,
		Init:      func() []any { return []any{""} },
		Step:      possible,
	}
	const patience = time.Minute
	if got := porcupine.CheckOperationsTimeout(model.ToModel(), h.operations, patience); got != porcupine.Ok {
		t.Errorf("the check says %v", got)
	}
	if unknown == 0 || unknown == len(h.operations) {
		t.Error("the history tests nothing: answers must get lost, and not all of them")
	}
}

// hinder breaks or slows a connection, now and then.
func hinder(r *rand.Rand, p *redistest.Proxy) {
	switch r.IntN(40) {
	case 0:
		p.Cut()
	case 1:
		p.Slow(time.Duration(r.IntN(8)) * time.Millisecond)
	case 2, 3, 4, 5, 6:
		p.Heal()
	}
}

func randomStep(r *rand.Rand, by int, last map[string]string) step {
	const subjects, identities = 40, 3
	if r.IntN(3) == 0 {
		about := fmt.Sprint("permit ", r.IntN(subjects/4))
		return step{about: about, what: [...]string{"claim", "claim", "give back"}[r.IntN(3)], by: by}
	}
	s := step{about: fmt.Sprint("session ", r.IntN(subjects)), what: "bind", by: by, want: fmt.Sprint("identity ", r.IntN(identities))}
	if from := last[s.about]; from != s.want && r.IntN(2) == 0 {
		s.from = from
	}
	return s
}

// history collects what was asked and answered.
type history struct {
	start time.Time

	mu         sync.Mutex
	operations []porcupine.Operation
}

func (h *history) call(t *testing.T, store *redis.Store, s step, last map[string]string) {
	const limit = 10 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	called := time.Since(h.start)
	var a answer
	var err error
	switch s.what {
	case "bind":
		var number int
		_, _ = fmt.Sscanf(s.about, "session %d", &number)
		bound, bindErr := store.Bind(ctx, session(number, s.want), s.from)
		a.identity, err = bound.Identity, bindErr
	case "claim":
		a.given, err = store.Claim(ctx, permit(s.about), time.Hour)
	default:
		err = store.GiveBack(ctx, permit(s.about))
	}
	returned := int64(time.Since(h.start))
	if err != nil {
		a.unknown, returned = true, math.MaxInt64
	} else {
		last[s.about] = a.identity
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{Input: s, Call: int64(called), Output: a, Return: returned})
}

func bySubject(all []porcupine.Operation) [][]porcupine.Operation {
	parts := map[string][]porcupine.Operation{}
	for _, o := range all {
		about := o.Input.(step).about
		parts[about] = append(parts[about], o)
	}
	var list [][]porcupine.Operation
	for _, part := range parts {
		list = append(list, part)
	}
	return list
}

// possible states after a step with an answer: what the session is bound to, or who has the permit.
func possible(state, input, output any) []any {
	s, a := input.(step), output.(answer)
	next, expected := apply(state.(string), s)
	switch {
	case a.unknown:
		return []any{state, next}
	case expected != a:
		return nil
	}
	return []any{next}
}

func apply(state string, s step) (next string, expected answer) {
	me := fmt.Sprint("replica ", s.by)
	switch s.what {
	case "bind":
		if state == "" || state == s.from {
			state = s.want
		}
		return state, answer{identity: state}
	case "claim":
		if state == "" {
			state = me
		}
		return state, answer{given: state == me}
	}
	if state == me {
		state = ""
	}
	return state, answer{}
}
