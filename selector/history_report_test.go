package selector_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// opReport reports what came of an attempt that began Ago before, or with the Nth pick before if Ago is below zero.
type opReport struct {
	ID, Model string
	Ago       time.Duration
	Nth       int
	Finding   cooldown.Finding
	// In is when the finding's time is; 0: it has none.
	In time.Duration
}

// unknownStart is how long ago an attempt began of which nobody knows.
const unknownStart = 10 * time.Minute

func (op opReport) do(w *world) error {
	o, f := w.oracle, op.Finding
	attempt := selector.Attempt{AuthID: op.ID, Model: op.Model}
	switch {
	case op.Ago > 0:
		attempt.Started = o.now.Add(-op.Ago)
	case op.Ago < 0 && op.Nth < len(o.picked):
		attempt.Started = o.picked[len(o.picked)-1-op.Nth]
	}
	if op.In != 0 {
		f.Until = o.now.Add(op.In)
	}
	a := o.auths[op.ID]
	if a != nil {
		attempt.Again = againOf(a, op.Model, 0)
	}
	got, err := w.pool.Report(attempt, f, o.now)
	if a == nil {
		return wantError(err, selector.ErrUnknownAuth)
	}
	begun := attempt.Started
	if attempt.Started.IsZero() {
		attempt.Started, begun = o.now.Add(-unknownStart), o.now
	}
	o.recorded = func() map[oracleLedgerKey][]cooldown.Observation { return observationsOf(w.pool) }
	r := oracleReport{oracle: o, auth: a, key: oracleKey(op.Model), started: attempt.Started, begun: begun, stamp: o.stamp(), f: f}
	if r.started.After(r.stamp) {
		r.started = r.stamp
	}
	o.identity(a).report = strings.TrimSpace(f.Reason + " " + f.Rule)
	if f.Success {
		o.identity(a).report = "success"
		r.succeed()
	} else {
		r.fail()
	}
	r.endProbe()
	if r.wrong != nil || err != nil {
		return errors.Join(err, r.wrong)
	}
	want := r.done
	want.Changed = got.Changed // what must be stored has tests of its own
	if (got.Note == "") != (want.Note == "") {
		return fmt.Errorf("Note = %q, want %q", got.Note, want.Note)
	}
	want.Note = got.Note
	if !f.Success {
		next := o.decide(attempt.Again)
		want.Others = next.lost == nil && !next.unknown && !next.refused
	}
	if !f.Success && !want.Others {
		_, want.Refused = w.try(&selector.Request{Provider: a.Provider, Model: op.Model}, selector.DryRun)
	}
	for _, c := range []*selector.Consequence{&got, &want} {
		c.Until, c.ProbeAt = c.Until.UTC(), c.ProbeAt.UTC()
	}
	return same("Report", got, want)
}

// oracleReport is one answer on its way.
type oracleReport struct {
	*oracle
	auth           *selector.Auth
	key            string
	started, stamp time.Time
	begun          time.Time // for ladders and renewals
	f              cooldown.Finding
	done           selector.Consequence
	wrong          error
}

// concerned calls f for the ledgers of what concerns the auth and the model.
func (r *oracleReport) concerned(f func(k oracleLedgerKey, l *oracleLedger)) {
	for _, subject := range r.subjects(r.auth) {
		for _, scope := range r.scopes(subject, bare(r.auth, r.key)) {
			for kind := cooldown.Quota; kind <= cooldown.Other; kind++ {
				f(oracleLedgerKey{scope, kind}, r.ledger(scope, kind))
			}
		}
	}
}

func (r *oracleReport) succeed() {
	r.concerned(func(_ oracleLedgerKey, l *oracleLedger) {
		if r.started.After(l.watermark) {
			l.watermark = r.started
		}
	})
}

func (r *oracleReport) fail() {
	if r.f.Action == cooldown.ActionCooldown {
		r.renew()
	}
	r.act(r.f.Action)
}

func (r *oracleReport) act(action cooldown.Action) {
	s := r.identity(r.auth)
	switch action {
	case cooldown.ActionNone:
		if r.f.Domain != "" && r.f.Ladder != cooldown.LadderNone {
			r.blockDomains(oracleScope{})
		}
	case cooldown.ActionCooldown:
		r.cooldown()
	case cooldown.ActionInvalidate:
		if r.started.Before(r.renewed[r.auth.ID]) {
			r.done.Note = "too old"
			return
		}
		r.done.Action = action
		l := r.ledger(oracleScope{subject: oracleSubject{name: identityOf(r.auth)}}, cooldown.Authentication)
		l.add(oracleObservation{received: r.stamp, endless: true, secret: secretOf(r.auth), reason: r.f.Reason, rule: r.f.Rule, operatorAction: r.f.OperatorAction})
		if r.bindings != nil {
			r.done.Released = r.bindings.Release(identityOf(r.auth))
		}
	case cooldown.ActionDisable:
		if s.disabled || !r.started.After(s.switched) {
			r.done.Note = "already, or too old"
			return
		}
		r.done.Action = action
		s.disabled, s.switched = true, r.stamp
		s.why = oracleObservation{reason: r.f.Reason, rule: r.f.Rule, operatorAction: r.f.OperatorAction}.message()
	}
}

// cooldown blocks what the finding is about: the limit domains of its kind, or else the auth.
func (r *oracleReport) cooldown() {
	scope := oracleScope{}
	if r.f.Scope == cooldown.ScopeModel && bare(r.auth, r.key) == "" {
		r.f.Domain = ""
	} else if r.f.Scope == cooldown.ScopeModel {
		scope.key = bare(r.auth, r.key)
		if r.f.ModelFamily != "" {
			scope.key, scope.family = r.f.ModelFamily, true
		} else if !serves(r.auth, r.key) {
			r.done.Note = "not served"
			return
		}
	}
	if r.blockDomains(scope) {
		return
	}
	scope.subject = oracleSubject{name: identityOf(r.auth)}
	l := r.ledger(scope, r.f.Kind)
	if r.f.Repeat.Count > 0 && r.repeated(l) {
		r.act(r.f.Repeat.Action)
		return
	}
	r.done.Action = cooldown.ActionCooldown
	r.block(oracleLedgerKey{scope, r.f.Kind})
}

// repeated counts a failure, and reports whether it is one too many.
func (r *oracleReport) repeated(l *oracleLedger) bool {
	counts := func(s oracleFailure) bool {
		return s.reason == r.f.Reason && s.at.After(l.cleared) && s.at.After(l.watermark) && s.at.After(r.now.Add(-24*time.Hour))
	}
	known := func(s oracleFailure) bool { return counts(s) && !r.started.After(s.at) }
	if !slices.ContainsFunc(l.failures, known) {
		l.failures = append(l.failures, oracleFailure{r.stamp, r.f.Reason})
	}
	n := 0
	for _, s := range l.failures {
		if counts(s) && !s.at.Before(r.stamp.Add(-r.f.Repeat.Within)) && s.at.After(r.identity(r.auth).switched) {
			n++
		}
	}
	return n >= r.f.Repeat.Count
}

func (r *oracleReport) blockDomains(scope oracleScope) (found bool) {
	for _, subject := range r.subjects(r.auth) {
		if kind, _, ok := strings.Cut(subject.name, ":"); subject.provider == "" || !ok || kind != r.f.Domain {
			continue
		}
		found = true
		r.done.Action = cooldown.ActionCooldown
		r.done.Domains = append(r.done.Domains, subject.name)
		scope.subject = subject
		r.block(oracleLedgerKey{scope, r.f.Kind})
	}
	return found
}

func (r *oracleReport) hintLimit() time.Time {
	if r.settings.MaxHint == 0 {
		return r.now.Add(selector.DefaultMaxHint)
	}
	return r.now.Add(r.settings.MaxHint)
}

// block adds what was learnt to a ledger.
func (r *oracleReport) block(k oracleLedgerKey) {
	l := r.ledger(k.scope, k.kind)
	p := oracleObservation{received: r.stamp, reason: r.f.Reason, rule: r.f.Rule, operatorAction: r.f.OperatorAction}
	switch {
	case !r.f.Until.IsZero():
		if p.until, p.probe = r.f.Until, r.f.Until; r.f.Hint && r.hintLimit().Before(p.probe) {
			p.probe = r.hintLimit()
		}
		if r.f.Until.After(r.now) {
			l.add(p)
		}
	default:
		if p.ladder = r.f.Ladder; p.ladder == cooldown.LadderNone {
			p.ladder = cooldown.LadderRate
		}
		r.climb(k, &p)
		l.add(p)
	}
	if b, inForce := l.block(k, "", r.now); inForce && (r.done.Until.IsZero() || b.Until.After(r.done.Until)) {
		r.done.Until, r.done.ProbeAt, r.done.Level = b.Until, b.ProbeAt, b.Level
	}
}

// climb finds the level and the window of a failure. A window that the pool chose is checked and taken over.
func (r *oracleReport) climb(k oracleLedgerKey, p *oracleObservation) {
	l := r.ledger(k.scope, k.kind)
	burst, window := false, time.Time{}
	for _, known := range l.observations {
		if !l.live(known) || !known.alike(*p) || !known.until.After(r.now.Add(-24*time.Hour)) {
			continue
		}
		p.level = max(p.level, known.level)
		burst = burst || r.begun.Before(known.probe)
		if known.probe.After(r.now) && known.probe.After(window) {
			window = known.probe
		}
	}
	if !burst {
		p.level++
		window = time.Time{}
	}
	if window.IsZero() {
		least, most := ladderStep(p.ladder, p.level)
		window = r.stepEnd(k, p)
		if d := window.Sub(r.now); d < least || d > most {
			r.wrong = fmt.Errorf("step %d of ladder %d is %v, want %v to %v", p.level, p.ladder, d, least, most)
		}
	}
	p.until, p.probe = window, window
}

// stepEnd finds out from the pool's records when the step ends that it took just now.
func (r *oracleReport) stepEnd(k oracleLedgerKey, p *oracleObservation) time.Time {
	for _, e := range r.recorded()[k] {
		if e.Received == cooldown.InstantOf(r.stamp) && e.Ladder == p.ladder && e.Level == p.level && !e.Command {
			return e.Until.Time()
		}
	}
	return time.Time{}
}

// observationsOf is all that the records of a pool hold.
func observationsOf(pool *selector.Pool) map[oracleLedgerKey][]cooldown.Observation {
	all := map[oracleLedgerKey][]cooldown.Observation{}
	for _, record := range pool.Records() {
		for _, s := range record.Scopes {
			scope := oracleScope{oracleSubject{record.Key.Provider, record.Key.Name}, s.Model, s.Family}
			for kind := range cooldown.NumKinds {
				all[oracleLedgerKey{scope, kind}] = s.Ledgers.Of(kind).Observations
			}
		}
	}
	return all
}

// renew keeps the hints that the attempt probed until the next probe.
func (r *oracleReport) renew() {
	next := r.hintLimit()
	if !r.f.Until.IsZero() && r.f.Until.Before(next) {
		next = r.f.Until
	}
	r.concerned(func(_ oracleLedgerKey, l *oracleLedger) {
		probed := -1
		for i, p := range l.observations {
			switch {
			case !l.live(p) || p.over(r.now):
			case p.endless || p.probe.After(r.begun):
				return
			case !p.command && p.probe.Before(p.until) && (probed < 0 || !l.observations[probed].longer(p)):
				probed = i
			}
		}
		if probed < 0 {
			return
		}
		again := l.observations[probed]
		again.received = r.stamp
		if probe := earlier(again.until, next); probe.After(again.probe) {
			again.probe = probe
		}
		l.add(again)
	})
}

// endProbe lets the next request probe what this one probed.
func (r *oracleReport) endProbe() {
	for _, subject := range r.subjects(r.auth) {
		for _, scope := range r.scopes(subject, bare(r.auth, r.key)) {
			if r.probes[scope].started.Equal(r.started) {
				delete(r.probes, scope)
			}
		}
	}
}
