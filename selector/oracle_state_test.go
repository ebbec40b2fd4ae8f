package selector_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// oracleSubject is whom observations are about: an identity, or a limit domain of a provider.
type oracleSubject struct{ provider, name string } // of an identity the provider is empty

type oracleScope struct {
	subject oracleSubject
	key     string // "": the whole; of a family its glob
	family  bool
}

// oracleLedger is all that was ever learnt of a scope for one kind of cooldown. Nothing is dropped.
type oracleLedger struct {
	watermark, cleared time.Time
	observations       []oracleObservation
	failures           []oracleFailure
}

type oracleObservation struct {
	received, until, probe time.Time // without an end, until and probe are zero
	endless, command       bool
	level                  int
	ladder                 cooldown.Ladder
	secret                 string
	reason, rule           string
	operatorAction         string
}

type oracleFailure struct {
	at     time.Time
	reason string
}

// oracleProbe is a request that probes what is half-open.
type oracleProbe struct{ until, started time.Time }

type oracleLedgerKey struct {
	scope oracleScope
	kind  cooldown.Kind
}

func (o *oracle) ledger(scope oracleScope, kind cooldown.Kind) *oracleLedger {
	key := oracleLedgerKey{scope, kind}
	if o.ledgers[key] == nil {
		o.ledgers[key] = &oracleLedger{}
	}
	return o.ledgers[key]
}

// stamp is the time at which something is learnt: no two things are learnt at one.
func (o *oracle) stamp() time.Time {
	if o.last = o.last.Add(1); o.now.After(o.last) {
		o.last = o.now
	}
	return o.last
}

// subjects of an auth: the limit domains that it declares, sorted, then its identity.
func (o *oracle) subjects(a *selector.Auth) []oracleSubject {
	var all []oracleSubject
	for _, name := range a.Domains {
		all = append(all, oracleSubject{a.Provider, name})
	}
	slices.SortFunc(all, func(x, y oracleSubject) int { return strings.Compare(x.name, y.name) })
	return append(slices.Compact(all), oracleSubject{name: identityOf(a)})
}

// scopes that concern a model key, of those that anything was ever learnt of: the whole, the model, families sorted.
func (o *oracle) scopes(subject oracleSubject, key string) (found []oracleScope) {
	for k := range o.ledgers {
		s := k.scope
		concerns := s.key == "" || !s.family && s.key == key || s.family && key != "" && oracleGlob(s.key, key)
		if s.subject == subject && concerns && !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b oracleScope) int {
		return cmp.Or(compareBool(a.key != "", b.key != ""), compareBool(a.family, b.family), strings.Compare(a.key, b.key))
	})
	return found
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// live: a clear ends all that was known before it, a success what upstreams said before its attempt began.
func (l *oracleLedger) live(p oracleObservation) bool {
	return p.received.After(l.cleared) && (p.command || p.received.After(l.watermark))
}

func (p oracleObservation) over(now time.Time) bool { return !p.endless && !p.until.After(now) }

// longer reports whether p ends after another.
func (p oracleObservation) longer(o oracleObservation) bool {
	return p.endless && !o.endless || !o.endless && p.until.After(o.until)
}

// alike: one may stand for the other.
func (p oracleObservation) alike(o oracleObservation) bool {
	return p.ladder == o.ladder && p.command == o.command && p.secret == o.secret
}

// add takes in what is learnt. Observations of one sort that come within a second are one.
func (l *oracleLedger) add(p oracleObservation) {
	for _, known := range l.observations {
		if !l.live(known) || !known.alike(p) || p.received.Sub(known.received) >= time.Second {
			continue
		}
		if known.longer(p) {
			p.until, p.endless = known.until, known.endless
			p.reason, p.rule, p.operatorAction = known.reason, known.rule, known.operatorAction
		}
		if p.endless || known.endless {
			p.probe = time.Time{}
		} else if known.probe.After(p.probe) {
			p.probe = known.probe
		}
		p.level = max(p.level, known.level)
	}
	l.observations = append(l.observations, p)
}

// oracleSpan is what the observations of a ledger say together for those who have a secret.
type oracleSpan struct {
	scope   oracleScope
	kind    cooldown.Kind
	firm    time.Time // nobody may probe before; not set if endless
	endless bool
	last    oracleObservation // to end
}

// span of the observations about any of some secrets; "" stands for those about none.
func (l *oracleLedger) span(now time.Time, secrets ...string) (r oracleSpan, blocked bool) {
	for _, p := range l.observations {
		if !l.live(p) || p.over(now) || !slices.Contains(secrets, p.secret) {
			continue
		}
		if p.endless {
			r.endless = true
		} else if p.probe.After(r.firm) {
			r.firm = p.probe
		}
		if !blocked || !r.last.longer(p) {
			r.last = p
		}
		blocked = true
	}
	return r, blocked
}

// closed: nobody may probe.
func (r oracleSpan) closed(now time.Time) bool { return r.endless || r.firm.After(now) }

// outlasts reports whether r decides beside another: those that nobody may probe first, the longest of them.
func (r oracleSpan) outlasts(o oracleSpan, now time.Time) bool {
	if r.closed(now) || o.closed(now) {
		switch {
		case r.endless || o.endless:
			return r.endless && !o.endless
		case !o.closed(now) || !r.closed(now):
			return r.closed(now)
		}
		return r.firm.After(o.firm)
	}
	return r.last.longer(o.last)
}

// spans are what concerns an auth and a model key: for each scope and kind, and last what is about its secret.
func (o *oracle) spans(a *selector.Auth, key string) (all []oracleSpan) {
	add := func(scope oracleScope, kind cooldown.Kind, secret string) {
		if r, blocked := o.ledger(scope, kind).span(o.now, secret); blocked {
			r.scope, r.kind = scope, kind
			all = append(all, r)
		}
	}
	for _, subject := range o.subjects(a) {
		for _, scope := range o.scopes(subject, bare(a, key)) {
			for kind := cooldown.Quota; kind <= cooldown.Other; kind++ {
				add(scope, kind, "")
			}
		}
	}
	add(oracleScope{subject: oracleSubject{name: identityOf(a)}}, cooldown.Authentication, secretOf(a))
	return all
}

func secretOf(a *selector.Auth) string {
	var all strings.Builder
	for _, h := range a.Headers {
		all.WriteString(h.Name + " " + h.Value.Reveal() + "\n")
	}
	return all.String()
}

// deciding is what keeps an auth away: the longest of all, at equal ends a quota, else the first.
func (o *oracle) deciding(a *selector.Auth, key string) (best oracleSpan, blocked bool) {
	for _, r := range o.blocking(a, key) {
		equal := blocked && !r.outlasts(best, o.now) && !best.outlasts(r, o.now)
		if !blocked || r.outlasts(best, o.now) || equal && r.kind == cooldown.Quota && best.kind != cooldown.Quota {
			best, blocked = r, true
		}
	}
	return best, blocked
}

// blocking are those of the spans that keep everybody away, and those that one request is probing. Of one scope only what
// decides there counts: something that is half-open there is not probed apart from the rest.
func (o *oracle) blocking(a *selector.Auth, key string) (all []oracleSpan) {
	for _, r := range o.spans(a, key) {
		if r.closed(o.now) || o.probes[r.scope].until.After(o.now) {
			all = append(all, r)
		}
	}
	return all
}

// probe makes a pick the one that probes what is half-open of its auth.
func (o *oracle) probe(a *selector.Auth, key string) {
	timeout := o.settings.ProbeTimeout
	if timeout == 0 {
		timeout = selector.DefaultProbeTimeout
	}
	for _, subject := range o.subjects(a) {
		for _, scope := range o.scopes(subject, bare(a, key)) {
			half := false
			for kind := cooldown.Quota; kind <= cooldown.Other; kind++ {
				_, blocked := o.ledger(scope, kind).span(o.now, "")
				half = half || blocked
			}
			if half {
				o.probes[scope] = oracleProbe{o.now.Add(timeout), o.now}
			}
		}
	}
}

// blocks are what a listing shows of an auth.
func (o *oracle) blocks(a *selector.Auth) (all []selector.Block) {
	for k, l := range o.ledgers {
		if !slices.Contains(o.subjects(a), k.scope.subject) {
			continue
		}
		if b, inForce := l.block(k, secretOf(a), o.now); inForce {
			all = append(all, b)
		}
	}
	return all
}

// block is what is in force of a ledger.
func (l *oracleLedger) block(k oracleLedgerKey, secret string, now time.Time) (selector.Block, bool) {
	r, inForce := l.span(now, "", secret)
	b := selector.Block{Kind: k.kind, Reason: r.last.reason, Rule: r.last.rule, Level: r.last.level}
	if b.Model = k.scope.key; k.scope.family {
		b.Model, b.Family = "", k.scope.key
	}
	if k.scope.subject.provider != "" {
		b.Domain = k.scope.subject.name
	}
	if r.last.endless {
		return b, inForce
	}
	if b.Until = r.last.until; r.firm.Before(b.Until) {
		b.ProbeAt = r.firm
	}
	return b, inForce
}

// message is a human-readable one.
func (p oracleObservation) message() string {
	message := p.reason
	if p.rule != "" {
		message += " (rule " + p.rule + ")"
	}
	if p.operatorAction != "" {
		message += ": " + p.operatorAction
	}
	return message
}
