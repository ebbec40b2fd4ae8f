package selector_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// fleet is three pools, what is on its way between them, a store of permits, and what each should know.
type fleet struct {
	model    string
	now      time.Time
	replicas [3]*fleetReplica
	messages []fleetMessage
	leases   map[selector.PermitKey]fleetLease

	probes, claimed int
}

type fleetReplica struct {
	pool      *selector.Pool
	reachable bool // the store of permits is
	known     facts
	kept      []cooldown.Record // what a store has of what the replica said and heard
	open      []fleetPick
	// alone: the permit in use was taken without the store.
	alone bool
}

// fleetPick is a request under way.
type fleetPick struct {
	started time.Time
	probe   bool
	alone   bool // with a permit that the store did not give
	until   time.Time
}

type fleetMessage struct {
	to      int
	records []cooldown.Record
	known   facts
}

type fleetLease struct {
	owner int
	until time.Time
}

const fleetProbeTimeout = time.Minute

func newFleet(model string) *fleet {
	f := &fleet{model: model, now: historyStart(), leases: map[selector.PermitKey]fleetLease{}}
	for i := range f.replicas {
		f.replicas[i] = &fleetReplica{
			reachable: true,
			pool:      selector.New(selector.Config{Seed: uint64(i), Recording: true, Permits: true}),
		}
		f.replicas[i].pool.Update([]*selector.Auth{{ID: "a", Provider: "p"}}, nil, f.now)
	}
	return f
}

// play runs the steps, then lets everybody hear of everything.
func (h *fleetHistory) play() (*fleet, error) {
	f := newFleet(h.model)
	for i, s := range h.steps {
		if err := f.step(s); err != nil {
			return f, fmt.Errorf("step %d, %v: %w", i, s, err)
		}
		// Two things never happen at one instant.
		f.now = f.now.Add(1)
	}
	return f, f.converge()
}

func (f *fleet) step(s fleetStep) error {
	r := f.replicas[s.replica]
	switch s.what {
	case stepWait:
		f.now = f.now.Add(s.span)
	case stepHint:
		return f.fail(r, f.now.Add(-s.ago), f.now.Add(s.span))
	case stepLadder:
		return f.fail(r, f.now.Add(-s.ago), time.Time{})
	case stepSuccess:
		f.succeed(r, f.now.Add(-s.ago))
	case stepPick:
		return f.pick(s.replica)
	case stepAnswer:
		return f.answer(r, s)
	case stepOrder:
		_, err := r.pool.Cooldown("a", selector.Cooldown{Model: f.model, Until: f.now.Add(s.span)}, f.now)
		r.known.add(fact{received: f.now, until: f.now.Add(s.span), probe: f.now.Add(s.span), command: true})
		return err
	case stepClear:
		_, err := r.pool.ClearCooldown("a", f.model, f.now)
		r.known.cleared = f.now
		return err
	case stepSend:
		f.send(s.replica)
	case stepDeliver:
		f.deliver(s.number)
	case stepPermits:
		f.permits(s.replica)
	case stepReach:
		f.reach(r)
	}
	return f.check()
}

// fail reports a limit; without an end the ladder decides, and the pool says how.
func (f *fleet) fail(r *fleetReplica, started, until time.Time) error {
	finding := rateLimited()
	finding.Until, finding.Hint = until, true
	if finding.Scope = cooldown.ScopeModel; f.model == "" {
		finding.Scope = cooldown.ScopeAuth
	}
	r.known.renew(started, f.now, until)
	before := r.known.deadline(f.now)
	c, err := r.pool.Report(selector.Attempt{AuthID: "a", Model: f.model, Started: started}, finding, f.now)
	if err != nil {
		return err
	}
	if !until.IsZero() {
		r.known.add(fact{received: f.now, until: until, probe: earlier(until, f.now.Add(selector.DefaultMaxHint))})
		return f.check()
	}
	step := f.ladderStep(r)
	if step.until.IsZero() {
		return fmt.Errorf("a failure left nothing of the ladder behind: %+v", c)
	}
	if step.until.After(f.now.Add(6*time.Minute)) || !step.until.After(f.now) && before.IsZero() {
		return fmt.Errorf("the ladder blocks it until %v", step.until)
	}
	r.known.add(step)
	return f.check()
}

// ladderStep is the last observation of the ladder that a replica's record has.
func (f *fleet) ladderStep(r *fleetReplica) (step fact) {
	for _, record := range r.pool.Records() {
		for _, s := range record.Scopes {
			for _, e := range s.Ledgers.Quota.Observations {
				if e.Ladder == cooldown.LadderRate {
					step = fact{received: e.Received.Time(), until: e.Until.Time(), probe: e.Probe.Time(), ladder: true}
				}
			}
		}
	}
	return step
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (f *fleet) succeed(r *fleetReplica, started time.Time) {
	// Of a model that nothing is known of, success says nothing that would be kept.
	known := f.model == ""
	for _, record := range r.pool.Records() {
		known = known || slices.ContainsFunc(record.Scopes, func(s cooldown.ScopeRecord) bool { return s.Model == f.model })
	}
	if known && started.After(r.known.watermark) {
		r.known.watermark = started
	}
	_, _ = r.pool.Report(selector.Attempt{AuthID: "a", Model: f.model, Started: started}, cooldown.Finding{Success: true}, f.now)
}

// pick asks for the auth, and knows whether it may be had.
func (f *fleet) pick(number int) error {
	r := f.replicas[number]
	_, err := r.pool.Pick(&selector.Request{Provider: "p", Model: f.model}, f.now)
	firm, end := r.known.span(f.now)
	blocked, halfOpen := firm.After(f.now), end.After(f.now)
	p := fleetPick{started: f.now, probe: halfOpen, alone: r.alone, until: f.now.Add(fleetProbeTimeout)}
	switch {
	case blocked:
		if err == nil {
			return fmt.Errorf("Pick answers, though the auth is blocked until %v", firm)
		}
		return f.check()
	case !halfOpen:
		if err != nil {
			return fmt.Errorf("Pick = %w, and nothing is blocked", err)
		}
	case err != nil:
		return f.check() // no permit, or one under way
	default:
		if err := f.probing(number, p); err != nil {
			return err
		}
	}
	r.open = append(r.open, p)
	return f.check()
}

// probing: no other request may be probing, unless it or this one goes without the store.
func (f *fleet) probing(number int, p fleetPick) error {
	f.probes++
	if !p.alone {
		f.claimed++
	}
	for i, other := range f.replicas {
		for _, q := range other.open {
			if q.probe && q.until.After(f.now) && (i == number || !p.alone && !q.alone) {
				return fmt.Errorf("replicas %d and %d probe at once", i, number)
			}
		}
	}
	return nil
}

// answer ends an open request.
func (f *fleet) answer(r *fleetReplica, s fleetStep) error {
	if len(r.open) == 0 {
		return nil
	}
	i := s.number % len(r.open)
	p := r.open[i]
	r.open = slices.Delete(r.open, i, i+1)
	switch s.number % 4 {
	case 0:
		f.succeed(r, p.started)
	case 1:
		return f.fail(r, p.started, time.Time{})
	case 2:
		return f.fail(r, p.started, f.now.Add(s.span))
	default:
		_, err := r.pool.Report(selector.Attempt{AuthID: "a", Model: f.model, Started: p.started}, cooldown.Finding{}, f.now)
		return errors.Join(err, f.check())
	}
	return f.check()
}

// send stores what changed, and tells the others what the store has then: of changes alone none may be lost on the way.
func (f *fleet) send(number int) {
	r := f.replicas[number]
	changed, _, _ := r.pool.Take(100)
	r.keep(changed)
	for to := range f.replicas {
		if to != number && len(changed) > 0 {
			f.messages = append(f.messages, fleetMessage{to, copyRecords(r.kept), r.known.clone()})
		}
	}
}

// keep merges records into what the store has.
func (r *fleetReplica) keep(records []cooldown.Record) {
	for i := range records {
		at := slices.IndexFunc(r.kept, func(k cooldown.Record) bool { return k.Key == records[i].Key })
		if at < 0 {
			at = len(r.kept)
			r.kept = append(r.kept, cooldown.Record{Key: records[i].Key})
		}
		r.kept[at].Merge(&records[i])
	}
}

func copyRecords(records []cooldown.Record) []cooldown.Record {
	copied := slices.Clone(records)
	for i := range copied {
		copied[i].Scopes = slices.Clone(copied[i].Scopes)
		for j := range copied[i].Scopes {
			copied[i].Scopes[j].Ledgers = copied[i].Scopes[j].Ledgers.Clone()
		}
	}
	return copied
}

func (f *fleet) deliver(number int) {
	if len(f.messages) == 0 {
		return
	}
	m := f.messages[number%len(f.messages)]
	r := f.replicas[m.to]
	r.pool.Merge(m.records, f.now)
	r.keep(copyRecords(m.records))
	r.known.merge(&m.known)
}

// permits does for a replica what its persister would do in the background.
func (f *fleet) permits(number int) {
	r := f.replicas[number]
	for _, key := range r.pool.Returned() {
		if r.reachable && f.leases[key].owner == number {
			delete(f.leases, key)
		}
	}
	for _, key := range append(r.pool.Wanted(), f.key()) {
		if !r.pool.Wants(key) {
			continue
		}
		until := f.now.Add(r.pool.PermitLease())
		if lease, taken := f.leases[key]; r.reachable {
			if taken && lease.owner != number && lease.until.After(f.now) {
				continue
			}
			f.leases[key] = fleetLease{number, until}
		}
		if r.pool.Grant(key, until, f.now) {
			r.alone = !r.reachable
		}
	}
}

// key of the only permit there is.
func (f *fleet) key() selector.PermitKey {
	return selector.PermitKey{Record: cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "a"}, Model: f.model}
}

// reach turns the store's reachability. A permit that was taken without it does not count any more when it is back.
func (f *fleet) reach(r *fleetReplica) {
	if r.reachable = !r.reachable; r.reachable && r.alone {
		r.pool.Revoke(f.key(), f.now)
		r.alone = false
	}
}

// check compares what every replica says with what it should know.
func (f *fleet) check() error {
	for i, r := range f.replicas {
		if err := f.checkReplica(r); err != nil {
			return fmt.Errorf("replica %d: %w", i, err)
		}
	}
	return nil
}

func (f *fleet) checkReplica(r *fleetReplica) error {
	status, err := r.pool.Status("a", f.now)
	if err != nil {
		return err
	}
	firm, end := r.known.span(f.now)
	var got selector.Block
	for _, b := range status.Blocks {
		got = b
	}
	probe := got.ProbeAt
	if probe.IsZero() {
		probe = got.Until
	}
	if !end.After(f.now) {
		if len(status.Blocks) > 0 {
			return fmt.Errorf("it is blocked until %v, and all is over", got.Until)
		}
		return nil
	}
	if len(status.Blocks) != 1 || !got.Until.Equal(end) || firm.After(f.now) && !probe.Equal(firm) {
		return fmt.Errorf("it is blocked until %v, probe at %v; want until %v, probe at %v", got.Until, probe, end, firm)
	}
	if limit := f.now.Add(selector.DefaultMaxHint); firm.After(limit) && !r.known.ordered(limit) {
		return fmt.Errorf("nobody may probe before %v", firm)
	}
	return nil
}

// converge lets everybody hear of everything, and one probe.
func (f *fleet) converge() error {
	for range 2 {
		for i, from := range f.replicas {
			for j, to := range f.replicas {
				if i != j {
					to.pool.Merge(from.pool.Records(), f.now)
					to.known.merge(&from.known)
				}
			}
		}
	}
	if err := f.check(); err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	first := f.replicas[0].scopes(f.now)
	for i, r := range f.replicas {
		if got := r.scopes(f.now); got != first {
			return fmt.Errorf("in the end replica %d knows %s, and replica 0 %s", i, got, first)
		}
	}
	return f.oneMayTry()
}

// scopes is what a replica knows, less what it may forget.
func (r *fleetReplica) scopes(now time.Time) string {
	for _, record := range r.pool.Records() {
		if record.Prune(cooldown.InstantOf(now)); len(record.Scopes) > 0 {
			return fmt.Sprintf("%+v", record.Scopes)
		}
	}
	return ""
}

// oneMayTry: once all requests are over and the store is in reach of all, what is half-open can be tried by just one.
func (f *fleet) oneMayTry() error {
	firm, end := f.replicas[0].known.span(f.now)
	f.now = f.now.Add(3 * fleetProbeTimeout)
	if firm.After(f.now) {
		f.now = firm
	}
	if !end.After(f.now) {
		return nil
	}
	for i, r := range f.replicas {
		if r.open = nil; !r.reachable {
			f.reach(r)
		}
		r.pool.Advance(f.now, 100)
		f.permits(i)
	}
	tries := 0
	for _, r := range f.replicas {
		for range 2 {
			if _, err := r.pool.Pick(&selector.Request{Provider: "p", Model: f.model}, f.now); err == nil {
				tries++
			}
		}
	}
	if tries != 1 {
		return fmt.Errorf("in the end %d requests may try at once, want 1", tries)
	}
	return nil
}
