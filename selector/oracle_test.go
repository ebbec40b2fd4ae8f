package selector_test

import (
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// oracle is a second selector, written from the rules for reading and not for speed: it scans every auth for every
// question. Histories of operations are played on it and on a Pool, and both must say the same.
type oracle struct {
	settings    selector.Settings
	cursorStart uint64
	now         time.Time

	auths      map[string]*selector.Auth
	identities map[string]*oracleIdentity
	rotations  map[oracleRoute]*oracleRotation
	ledgers    map[oracleLedgerKey]*oracleLedger
	probes     map[oracleScope]oracleProbe
	renewed    map[string]time.Time                              // by id: when it got another secret
	last       time.Time                                         // stamp
	picked     []time.Time                                       // when the picks were
	recorded   func() map[oracleLedgerKey][]cooldown.Observation // what the pool\'s records hold
	bindings   *sessionTable[string]                             // by identity; nil: sessions are not bound
	firstTurns map[selector.SessionKey]*oracleFirstTurn
}

type oracleRoute struct{ provider, key string }

type oracleIdentity struct {
	disabled bool
	why      string
	switched time.Time // when it was enabled or disabled last
	picks    uint64
	report   string // what was last reported, and the rule
}

// eligibility is what the rules say of one auth for one request, tiers aside.
type oracleEligibility struct {
	reason selector.Reason
	until  time.Time // zero: it does not end by itself
	detail string
	quota  bool
}

func newOracle(c selector.Config, start time.Time) *oracle {
	return &oracle{
		settings: c.Settings, cursorStart: c.CursorStart, now: start,
		auths: map[string]*selector.Auth{}, identities: map[string]*oracleIdentity{},
		rotations: map[oracleRoute]*oracleRotation{}, ledgers: map[oracleLedgerKey]*oracleLedger{},
		probes: map[oracleScope]oracleProbe{}, renewed: map[string]time.Time{},
		firstTurns: map[selector.SessionKey]*oracleFirstTurn{},
	}
}

func oracleKey(model string) string {
	text := strings.TrimSpace(model)
	if cut := strings.LastIndex(text, "("); cut >= 0 && strings.HasSuffix(text, ")") {
		if head := strings.TrimSpace(text[:cut]); head != "" {
			return head
		}
	}
	return text
}

func oracleGlob(pattern, name string) bool {
	switch {
	case pattern == "":
		return name == ""
	case pattern[0] == '*':
		return oracleGlob(pattern[1:], name) || name != "" && oracleGlob(pattern, name[1:])
	default:
		return name != "" && (pattern[0] == '?' || pattern[0] == name[0]) && oracleGlob(pattern[1:], name[1:])
	}
}

func identityOf(a *selector.Auth) string {
	if a.Identity == "" {
		return a.ID
	}
	return a.Identity
}

func (o *oracle) identity(a *selector.Auth) *oracleIdentity {
	name := identityOf(a)
	if o.identities[name] == nil {
		o.identities[name] = &oracleIdentity{}
	}
	return o.identities[name]
}

// bare is the model key under which an auth keeps its state: without its prefix.
func bare(a *selector.Auth, key string) string {
	if start := a.Prefix + "/"; a.Prefix != "" && strings.HasPrefix(key, start) && len(key) > len(start) {
		return key[len(start):]
	}
	return key
}

func serves(a *selector.Auth, key string) bool {
	if key == "" {
		return true
	}
	matches := func(glob string) bool { return oracleGlob(glob, bare(a, key)) }
	return !slices.ContainsFunc(a.ExcludeModels, matches) && (len(a.Models) == 0 || slices.ContainsFunc(a.Models, matches))
}

func priorityOf(a *selector.Auth) int64 {
	if a.Priority != nil {
		return *a.Priority
	}
	return selector.PriorityOf(a.Attributes["priority"])
}

func weightOf(a *selector.Auth) uint32 {
	if a.Weight != nil {
		return *a.Weight
	}
	return 1
}

func webSocketsOf(a *selector.Auth) bool {
	return selector.WebSocketsOn(a.Attributes["websockets"], a.WebSockets)
}

func parentOf(a *selector.Auth) string {
	return strings.TrimSpace(a.Attributes["gemini_virtual_parent"])
}

// known are the auths that a provider name means, sorted by id.
func (o *oracle) known(provider string) []*selector.Auth {
	var found []*selector.Auth
	for _, a := range o.auths {
		if provider == "" || provider == "mixed" || a.Provider == provider {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b *selector.Auth) int { return strings.Compare(a.ID, b.ID) })
	return found
}

// eligibility judges an auth for a model key, by precedence of reasons.
func (o *oracle) eligibility(a *selector.Auth, key string, excluded []string) oracleEligibility {
	s := o.identity(a)
	refusal, _ := o.ledger(oracleScope{subject: oracleSubject{name: identityOf(a)}}, cooldown.Authentication).span(o.now, secretOf(a))
	switch {
	case slices.Contains(excluded, a.ID):
		return oracleEligibility{reason: selector.ReasonExcluded}
	case a.Disabled:
		return oracleEligibility{reason: selector.ReasonDisabled, detail: "disabled in " + a.Source}
	case s.disabled:
		return oracleEligibility{reason: selector.ReasonDisabled, detail: s.why}
	case refusal.endless:
		return oracleEligibility{reason: selector.ReasonInvalidated, detail: refusal.last.message()}
	case !a.ExpiresAt.IsZero() && !a.ExpiresAt.After(o.now):
		return oracleEligibility{reason: selector.ReasonTokenExpired, detail: "the access token is over"}
	case !serves(a, key):
		return oracleEligibility{reason: selector.ReasonModelNotServed}
	}
	if r, blocked := o.deciding(a, key); blocked {
		return o.blocked(r)
	}
	return oracleEligibility{reason: selector.ReasonReady}
}

// blocked is the eligibility of an auth that something keeps away.
func (o *oracle) blocked(r oracleSpan) oracleEligibility {
	out := oracleEligibility{reason: selector.ReasonBlocked, until: r.firm, quota: r.kind == cooldown.Quota}
	out.reason, out.detail = o.reasonOf(r), r.last.message()
	switch {
	case r.endless:
		out.until = time.Time{}
	case !r.closed(o.now):
		if out.until = o.probes[r.scope].until; !r.last.endless && out.until.After(r.last.until) {
			out.until = r.last.until
		}
	}
	return out
}

func (o *oracle) reasonOf(r oracleSpan) selector.Reason {
	switch {
	case !r.closed(o.now):
		return selector.ReasonHalfOpen
	case r.kind != cooldown.Quota || r.endless:
		return selector.ReasonBlocked
	case r.scope.subject.provider != "":
		return selector.ReasonCoolingDomain
	case r.scope.key != "":
		return selector.ReasonCoolingModel
	}
	return selector.ReasonCoolingAuth
}

// candidate: not disabled, excluded, expired or permanently blocked, and it serves the model.
func (s oracleEligibility) candidate() bool {
	return s.reason == selector.ReasonReady || !s.until.IsZero()
}

func (s oracleEligibility) cooling() bool { return s.quota && !s.until.IsZero() }

func (o *oracle) strategy(route oracleRoute) selector.Strategy {
	for _, rule := range o.settings.Rules {
		if (rule.Provider == "" || rule.Provider == route.provider) && (rule.Model == "" || oracleGlob(rule.Model, route.key)) {
			return rule.Strategy
		}
	}
	return o.settings.Strategy
}

// oraclePick is what a pick must answer.
type oraclePick struct {
	route       oracleRoute
	strategy    selector.Strategy
	known       []*selector.Auth
	eligibility map[string]oracleEligibility

	unknown bool // no auth of that provider
	refused bool
	quota   bool // the refusal is a cooldown of all
	wait    time.Duration

	outcome selector.Binding
	bound   string           // identity that the session is bound to
	from    string           // identity that it is bound to no more
	kept    []*selector.Auth // of which one must be picked, because the session is bound
	lost    *selector.PinnedError
	// The key of the binding that kept is from: of a session or of a reference.
	inherits, pin selector.SessionKey
	tier          []*selector.Auth // ready candidates of the best tier, whom the strategy can take
	choice        oracleChoice     // what the strategy does
}

// decide answers a request without changing anything but what a dry run may forget.
func (o *oracle) decide(req *selector.Request) oraclePick {
	p := oraclePick{
		route: oracleRoute{req.Provider, oracleKey(req.Model)}, known: o.known(req.Provider),
		eligibility: map[string]oracleEligibility{},
	}
	if p.unknown = len(p.known) == 0; p.unknown {
		return p
	}
	p.strategy = o.strategy(p.route)
	var ready []*selector.Auth
	for _, a := range p.known {
		s := o.eligibility(a, p.route.key, req.Exclude)
		p.eligibility[a.ID] = s
		if s.reason == selector.ReasonReady {
			ready = append(ready, a)
		}
	}
	p.tier = bestTier(ready, p.strategy)
	if o.decidePin(&p, req, ready) {
		return p
	}
	if len(ready) == 0 {
		p.refuse(o.now)
		return p
	}
	o.decideBinding(&p, req, ready)
	switch {
	case p.kept != nil:
	case len(p.tier) == 0:
		p.refuse(o.now)
	default:
		p.choice = o.choose(&p, req)
	}
	return p
}

// refuse finds out which error it is and when it may be over.
func (p *oraclePick) refuse(now time.Time) {
	p.refused, p.bound = true, ""
	candidates, cooling := 0, 0
	for _, s := range p.eligibility {
		if !s.candidate() {
			continue
		}
		candidates++
		if s.cooling() {
			cooling++
		}
		if wait := s.until.Sub(now); !s.until.IsZero() && (p.wait == 0 || wait < p.wait) {
			p.wait = wait
		}
	}
	p.quota = candidates > 0 && cooling == candidates
}

// bestTier are the auths of the greatest priority among those that the strategy can take.
func bestTier(ready []*selector.Auth, strategy selector.Strategy) []*selector.Auth {
	var tier []*selector.Auth
	for _, a := range ready {
		switch {
		case strategy == selector.WeightedRoundRobin && weightOf(a) == 0:
		case len(tier) == 0 || priorityOf(a) > priorityOf(tier[0]):
			tier = []*selector.Auth{a}
		case priorityOf(a) == priorityOf(tier[0]):
			tier = append(tier, a)
		}
	}
	return tier
}

// mayStay: with failback, nothing that the strategy could take is in a higher tier.
func (o *oracle) mayStay(p *oraclePick, a *selector.Auth) bool {
	return !o.settings.Failback || len(p.tier) == 0 || priorityOf(a) >= priorityOf(p.tier[0])
}

// onlyExcluded: but for the exclusions of this request, the session could stay.
func (o *oracle) onlyExcluded(p *oraclePick, req *selector.Request, identity string) bool {
	for _, a := range p.known {
		if identityOf(a) == identity && slices.Contains(req.Exclude, a.ID) &&
			o.eligibility(a, p.route.key, nil).reason == selector.ReasonReady && o.mayStay(p, a) {
			return true
		}
	}
	return false
}

// commit does what a pick does, once it is known whom it took. It returns the binding's end.
func (o *oracle) commit(p *oraclePick, req *selector.Request, taken *selector.Auth) time.Time {
	o.identity(taken).picks++
	o.picked = append(o.picked, o.now)
	o.probe(taken, p.route.key)
	if p.kept == nil {
		o.advance(p, taken)
	}
	if o.bindings == nil {
		return time.Time{}
	}
	return o.bind(p, req, taken)
}
