package state_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions/bindings"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/statetest"
)

// simWorld is a fleet while it lives, in a bubble of testing/synctest.
type simWorld struct {
	plan     simPlan
	ctx      context.Context //nolint:containedctx // it is that of the bubble
	memory   *statetest.Memory
	replicas []*simReplica
	// troubled is when the store could last not be relied on.
	troubled time.Time
	probes   []simProbe
	probed   int            // counts them
	waiting  sync.WaitGroup // for acknowledgements

	mu       sync.Mutex
	random   *rand.Rand // of the network
	commands []*simCommand
	moments  int // counts what happened, as several things happen at one time
}

// simReplica is one broker: what survives a crash, and what does not.
type simReplica struct {
	number int
	skew   time.Duration
	disk   *disk

	link      *statetest.Replica
	pool      *selector.Pool
	table     *bindings.Table
	persister *state.Persister
	stop      func()
	ctx       context.Context //nolint:containedctx // it ends with the process
}

// simCommand is something that a caller said of an auth, and whether it was acknowledged.
type simCommand struct {
	what    simWhat
	replica int
	auth    string
	at      time.Time // fleet time
	until   time.Time
	// issued and acked are moments; acked 0: it was not.
	issued, acked int
}

// simProbe is the probe of an auth that is half-open.
type simProbe struct {
	replica     int
	auth        string
	began, ends time.Time
}

func newSimWorld(ctx context.Context, plan simPlan) *simWorld {
	w := &simWorld{plan: plan, ctx: ctx, memory: &statetest.Memory{}, random: rand.New(rand.NewPCG(plan.seed, 1)), troubled: time.Now()}
	for i := range plan.replicas {
		r := &simReplica{number: i, skew: time.Duration(w.random.IntN(100)-50) * time.Second}
		if plan.disks {
			r.disk = newDisk()
		}
		w.replicas = append(w.replicas, r)
	}
	return w
}

// start starts the process of a replica.
func (w *simWorld) start(r *simReplica) error {
	r.table = bindings.New(bindings.Config{Recording: true})
	notifier := state.NewNotifier()
	r.pool = selector.New(selector.Config{
		Settings: selector.Settings{MaxHint: simMaxHint, ProbeTimeout: simProbeTimeout}, Seed: uint64(r.number), CursorStart: uint64(r.number),
		Bindings: r.table, Recording: true, Permits: true, Wake: notifier.Notify,
	})
	r.link = w.memory.Replica()
	r.link.SetOffset(-r.skew)
	c := state.PersisterConfig{
		Pool: r.pool, Table: r.table, Notifier: notifier, Fleet: r.link,
		Clock: func() time.Time { return time.Now().Add(r.skew) },
	}
	if r.disk != nil {
		c.Local = r.disk
	}
	r.persister = state.NewPersister(c)
	var auths []*selector.Auth
	for _, id := range simAuths() {
		auths = append(auths, &selector.Auth{ID: id, Provider: "p"})
	}
	r.pool.Update(auths, nil, r.persister.Now())
	if err := r.persister.Load(w.ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.persister.Run(ctx)
	}()
	r.ctx, r.stop = ctx, func() { cancel(); <-done }
	return nil
}

// live plays the plan and then lets the fleet come to rest.
func (w *simWorld) live() error {
	for _, r := range w.replicas {
		if err := w.start(r); err != nil {
			return err
		}
	}
	defer func() {
		for _, r := range w.replicas {
			r.stop()
		}
		w.waiting.Wait()
	}()
	for i, s := range w.plan.steps {
		if err := w.step(s); err != nil {
			return fmt.Errorf("step %d, %v: %w", i, s, err)
		}
		for _, r := range w.replicas {
			r.pool.Advance(r.persister.Now(), 100)
		}
		// No two things are stamped with one time.
		simPass(time.Microsecond)
	}
	return w.rest()
}

func (w *simWorld) step(s simStep) error {
	r, auth := w.replicas[s.replica], simAuths()[s.auth]
	switch s.what {
	case simWait:
		simPass(s.span)
	case simPick:
		return w.pick(r, s.session)
	case simAnswer:
		w.answer(s)
	case simHint, simLadder, simSuccess, simDoubt:
		w.report(r, auth, s, time.Now().Add(-time.Millisecond))
	case simOrder, simClear, simDisable, simEnable, simRelease:
		w.command(r, auth, s)
	case simCrash:
		return w.crash(r, s.span)
	case simRestart:
		w.troubled = time.Now()
		w.memory.Restart()
	case simEvict:
		w.memory.Evict(func(selector.SessionKey) bool { return w.chance(2) })
	case simDiskFull, simDiskFree:
		r.disk.set(s.what == simDiskFull)
	default:
		w.network(r, s)
	}
	return nil
}

// network changes what happens to what a replica sends.
func (w *simWorld) network(r *simReplica, s simStep) {
	if s.what != simDelay {
		w.troubled = time.Now()
	}
	switch s.what {
	case simCut:
		r.link.Cut()
	case simMend:
		r.link.Mend()
	case simDelay:
		r.link.Disturb(func(string) statetest.Disturbance { return w.delay(s.span / 4) })
	case simDisturb:
		r.link.Disturb(func(string) statetest.Disturbance {
			d := w.delay(s.span)
			d.Twice = w.chance(4)
			if w.chance(3) {
				d.Lose = statetest.LoseRequest
				if w.chance(2) {
					d.Lose = statetest.LoseAnswer
				}
			}
			return d
		})
	default:
		r.link.Disturb(nil)
	}
}

func (w *simWorld) delay(most time.Duration) statetest.Disturbance {
	w.mu.Lock()
	defer w.mu.Unlock()
	part := func() time.Duration { return time.Duration(w.random.Int64N(int64(most/2) + 1)) }
	return statetest.Disturbance{Before: part(), After: part()}
}

// chance is true once in n times.
func (w *simWorld) chance(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n) == 0
}

// crash ends a process without a word, and starts the next one a while later.
func (w *simWorld) crash(r *simReplica, down time.Duration) error {
	r.stop()
	r.link.Cut()
	simPass(down)
	if r.disk != nil {
		r.disk.set(false)
	}
	return w.start(r)
}

func (w *simWorld) moment() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moments++
	return w.moments
}

// command gives an order and notes whether it is acknowledged.
func (w *simWorld) command(r *simReplica, auth string, s simStep) {
	now := r.persister.Now()
	c := &simCommand{what: s.what, replica: r.number, auth: auth, at: now, until: now.Add(s.span), issued: w.moment()}
	var err error
	switch s.what {
	case simOrder:
		_, err = r.pool.Cooldown(auth, selector.Cooldown{Until: c.until}, now)
	case simClear:
		_, err = r.pool.ClearCooldown(auth, "", now)
	case simDisable:
		err = r.pool.Disable(auth, "", now)
	case simEnable:
		err = r.pool.Enable(auth, now)
	default:
		_, err = r.pool.Release(auth, "", now)
	}
	if err != nil {
		panic(err) // the auth is there and the order makes sense
	}
	w.await(r, c)
}

// await notes when something is acknowledged.
func (w *simWorld) await(r *simReplica, c *simCommand) {
	w.commands = append(w.commands, c)
	persister, ctx := r.persister, r.ctx
	w.waiting.Go(func() {
		if persister.Durable(ctx, c.auth) == nil {
			acked := w.moment()
			w.mu.Lock()
			defer w.mu.Unlock()
			c.acked = acked
		}
	})
}

// report tells what an upstream answered.
func (w *simWorld) report(r *simReplica, auth string, s simStep, started time.Time) {
	now := r.persister.Now()
	f := cooldown.Finding{Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Quota, Reason: "rate_limited"}
	if !w.plan.alike {
		f.Reason += " for " + auth
	}
	switch s.what {
	case simHint:
		f.Until, f.Hint = now.Add(s.span), true
	case simSuccess:
		f = cooldown.Finding{Success: true}
	case simDoubt:
		f.Kind, f.Reason, f.Until, f.Doubt = cooldown.Other, "forbidden", now.Add(s.span), true
	}
	c := &simCommand{what: s.what, replica: r.number, auth: auth, at: now, until: f.Until, issued: w.moment()}
	if _, err := r.pool.Report(selector.Attempt{AuthID: auth, Model: "m", Started: started, Tag: uint64(1 + s.session)}, f, now); err != nil {
		panic(err) // the auth is there
	}
	w.await(r, c)
}

// pick asks for an auth for a session, and checks that it may be had.
func (w *simWorld) pick(r *simReplica, session int) error {
	before, began := w.halfOpen(r), w.moment()
	now := r.persister.Now()
	request := request(session)
	request.Model = "m"
	if session >= simSessions {
		request.Sessions = nil
	}
	pick, err := r.persister.Pick(r.ctx, request, now)
	var (
		cooling     *selector.CooldownError
		unavailable *selector.UnavailableError
	)
	switch {
	case errors.As(err, &cooling) || errors.As(err, &unavailable):
		return nil
	case err != nil:
		return err
	}
	if err := w.mayPick(r, pick.Auth.ID, now, began); err != nil {
		return err
	}
	if !slices.Contains(before, pick.Auth.ID) || !slices.Contains(w.halfOpen(r), pick.Auth.ID) {
		return nil
	}
	return w.probe(simProbe{replica: r.number, auth: pick.Auth.ID, began: now, ends: now.Add(simProbeTimeout)})
}

// halfOpen are the auths that only one request at a time may probe.
func (w *simWorld) halfOpen(r *simReplica) (ids []string) {
	now := r.persister.Now()
	for _, id := range simAuths() {
		status, err := r.pool.Status(id, now)
		if err != nil {
			panic(err) // the auth is there
		}
		for _, b := range status.Blocks {
			if !b.ProbeAt.IsZero() && !b.ProbeAt.After(now) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// answer ends a try.
func (w *simWorld) answer(s simStep) {
	if len(w.probes) == 0 {
		return
	}
	i := s.session % len(w.probes)
	p := w.probes[i]
	w.probes = slices.Delete(w.probes, i, i+1)
	s.what = [...]simWhat{simHint, simLadder, simSuccess}[s.auth]
	w.report(w.replicas[p.replica], p.auth, s, p.began)
}
