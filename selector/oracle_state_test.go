package selector_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// oracleSubject is whom evidence is about: an identity, or a limit domain of a provider.
type oracleSubject struct{ provider, name string } // of an identity the provider is empty

type oracleScope struct {
	subject oracleSubject
	key     string // "": the whole; of a family its glob
	family  bool
}

// oracleLedger is all that was ever learnt of a scope for one kind of cooldown. Nothing is dropped.
type oracleLedger struct {
	horizon, cleared time.Time
	pieces           []oraclePiece
	strikes          []oracleStrike
}

type oraclePiece struct {
	received, until, probe time.Time // without an end, until and probe are zero
	endless, command       bool
	level                  int
	ladder                 cooldown.Ladder
	secret                 string
	reason, rule, person   string
}

type oracleStrike struct {
	at     time.Time
	reason string
}

// oracleTrial is a request that tries what is half-open.
type oracleTrial struct{ until, started time.Time }

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
func (l *oracleLedger) live(p oraclePiece) bool {
	return p.received.After(l.cleared) && (p.command || p.received.After(l.horizon))
}

func (p oraclePiece) over(now time.Time) bool { return !p.endless && !p.until.After(now) }

// longer reports whether p ends after another.
func (p oraclePiece) longer(o oraclePiece) bool {
	return p.endless && !o.endless || !o.endless && p.until.After(o.until)
}

// alike: one may stand for the other.
func (p oraclePiece) alike(o oraclePiece) bool {
	return p.ladder == o.ladder && p.command == o.command && p.secret == o.secret
}

// add takes in what is learnt. Pieces of one sort that come within a second are one.
func (l *oracleLedger) add(p oraclePiece) {
	for _, known := range l.pieces {
		if !l.live(known) || !known.alike(p) || p.received.Sub(known.received) >= time.Second {
			continue
		}
		if known.longer(p) {
			p.until, p.endless = known.until, known.endless
			p.reason, p.rule, p.person = known.reason, known.rule, known.person
		}
		if p.endless || known.endless {
			p.probe = time.Time{}
		} else if known.probe.After(p.probe) {
			p.probe = known.probe
		}
		p.level = max(p.level, known.level)
	}
	l.pieces = append(l.pieces, p)
}

// oracleRest is what the pieces of a ledger say together for those who have a secret.
type oracleRest struct {
	scope   oracleScope
	kind    cooldown.Kind
	firm    time.Time // nobody may try before; not set if endless
	endless bool
	piece   oraclePiece // that ends last
}

// rest of the pieces about any of some secrets; "" stands for pieces about none.
func (l *oracleLedger) rest(now time.Time, secrets ...string) (r oracleRest, rests bool) {
	for _, p := range l.pieces {
		if !l.live(p) || p.over(now) || !slices.Contains(secrets, p.secret) {
			continue
		}
		if p.endless {
			r.endless = true
		} else if p.probe.After(r.firm) {
			r.firm = p.probe
		}
		if !rests || !r.piece.longer(p) {
			r.piece = p
		}
		rests = true
	}
	return r, rests
}

// closed: nobody may try.
func (r oracleRest) closed(now time.Time) bool { return r.endless || r.firm.After(now) }

// outlasts reports whether r decides beside another: those that nobody may try first, the longest of them.
func (r oracleRest) outlasts(o oracleRest, now time.Time) bool {
	if r.closed(now) || o.closed(now) {
		switch {
		case r.endless || o.endless:
			return r.endless && !o.endless
		case !o.closed(now) || !r.closed(now):
			return r.closed(now)
		}
		return r.firm.After(o.firm)
	}
	return r.piece.longer(o.piece)
}

// rests are what concerns an auth and a model key: for each scope and kind, and last what is about its secret.
func (o *oracle) rests(a *selector.Auth, key string) (all []oracleRest) {
	add := func(scope oracleScope, kind cooldown.Kind, secret string) {
		if r, rests := o.ledger(scope, kind).rest(o.now, secret); rests {
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
func (o *oracle) deciding(a *selector.Auth, key string) (best oracleRest, held bool) {
	for _, r := range o.holding(a, key) {
		equal := held && !r.outlasts(best, o.now) && !best.outlasts(r, o.now)
		if !held || r.outlasts(best, o.now) || equal && r.kind == cooldown.Quota && best.kind != cooldown.Quota {
			best, held = r, true
		}
	}
	return best, held
}

// holding are those of the rests that keep everybody away, and those that one request is trying. Of one scope only what
// decides there counts: something that is half-open there is not tried apart from the rest.
func (o *oracle) holding(a *selector.Auth, key string) (all []oracleRest) {
	for _, r := range o.rests(a, key) {
		if r.closed(o.now) || o.trials[r.scope].until.After(o.now) {
			all = append(all, r)
		}
	}
	return all
}

// probe makes a pick the one that tries what is half-open of its auth.
func (o *oracle) try(a *selector.Auth, key string) {
	timeout := o.settings.ProbeTimeout
	if timeout == 0 {
		timeout = selector.DefaultProbeTimeout
	}
	for _, subject := range o.subjects(a) {
		for _, scope := range o.scopes(subject, bare(a, key)) {
			half := false
			for kind := cooldown.Quota; kind <= cooldown.Other; kind++ {
				_, rests := o.ledger(scope, kind).rest(o.now, "")
				half = half || rests
			}
			if half {
				o.trials[scope] = oracleTrial{o.now.Add(timeout), o.now}
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
		if b, rests := l.block(k, secretOf(a), o.now); rests {
			all = append(all, b)
		}
	}
	return all
}

// block is what is in force of a ledger.
func (l *oracleLedger) block(k oracleLedgerKey, secret string, now time.Time) (selector.Block, bool) {
	r, rests := l.rest(now, "", secret)
	b := selector.Block{Kind: k.kind, Reason: r.piece.reason, Rule: r.piece.rule, Level: r.piece.level}
	if b.Model = k.scope.key; k.scope.family {
		b.Model, b.Family = "", k.scope.key
	}
	if k.scope.subject.provider != "" {
		b.Domain = k.scope.subject.name
	}
	if r.piece.endless {
		return b, rests
	}
	if b.Until = r.piece.until; r.firm.Before(b.Until) {
		b.ProbeAt = r.firm
	}
	return b, rests
}

// a human-readable message, of a piece.
func (p oraclePiece) words() string {
	words := p.reason
	if p.rule != "" {
		words += " (rule " + p.rule + ")"
	}
	if p.person != "" {
		words += ": " + p.person
	}
	return words
}
