package cooldown

import (
	"cmp"
	"slices"
)

// RecordKey names what a record is about: one identity, one limit domain, or the auths of a provider together.
type RecordKey struct {
	Kind RecordKind
	// Provider of the domain; empty for an identity.
	Provider string
	// Name of the identity, or of the domain such as `org:acme`; for a provider empty.
	Name string
}

// RecordKind is what sort of thing a record is about.
type RecordKind uint8

// The kinds of records.
const (
	RecordIdentity RecordKind = iota + 1
	RecordDomain
	RecordProvider
)

// Record is the runtime state of one identity or limit domain. Records of one key merge in any order, any number of times,
// to the same, so that replicas that exchange them agree in the end.
type Record struct {
	Key RecordKey `json:"-"`
	// Switch is whether an operator, or a verdict, took the identity out.
	Switch Switch `json:"switch,omitzero"`
	// Cleared is when an operator last cleared all cooldowns.
	Cleared Instant `json:"cleared,omitempty"`
	// Succeeded is the latest start of a request that was served.
	Succeeded Instant `json:"succeeded,omitempty"`
	// Released is when the sessions of the identity were last released. What was bound to it until then is not any more.
	Released Instant `json:"released,omitempty"`
	// Scopes in the order of their models, families last.
	Scopes []ScopeRecord `json:"scopes,omitempty"`
	// Withdrawn are the requests whose doubtful failures count no more, whatever the scopes tell of them.
	Withdrawn Withdrawn `json:"withdrawn,omitzero"`
	// Windows sorted by their names.
	Windows []Window `json:"windows,omitempty"`
	// LastReport is the last thing reported.
	LastReport Report `json:"report,omitzero"`
}

// ScopeRecord are the ledgers of the whole (Model is empty), of one model key, or of a model family (Model is its glob).
type ScopeRecord struct {
	Model  string `json:"model,omitempty"`
	Family bool   `json:"family,omitempty"`
	Ledgers
}

// Switch is a register: the later one holds.
type Switch struct {
	At       Instant `json:"at"`
	Disabled bool    `json:"disabled,omitempty"`
	Why      string  `json:"why,omitempty"`
}

// later of two. Of two at one time the one that disables holds, so that the choice depends on nothing else.
func (s Switch) later(o Switch) Switch {
	if cmp.Or(cmp.Compare(s.At, o.At), compareBools(s.Disabled, o.Disabled), cmp.Compare(s.Why, o.Why)) >= 0 {
		return s
	}
	return o
}

// MaxModels bounds the models, families among them, that a record tells of.
const MaxModels = 1024

// Merge takes in another record of the same key. Of too many models those go of which only callers spoke, and of which all is over first.
func (r *Record) Merge(o *Record) {
	r.Switch = r.Switch.later(o.Switch)
	r.Cleared, r.Succeeded = max(r.Cleared, o.Cleared), max(r.Succeeded, o.Succeeded)
	r.Released = max(r.Released, o.Released)
	r.Withdrawn.Merge(&o.Withdrawn)
	for i := range o.Scopes {
		theirs := &o.Scopes[i]
		mine := r.Scope(theirs.Model, theirs.Family)
		for kind := range NumKinds {
			mine.Ledgers.Of(kind).Merge(theirs.Ledgers.Of(kind))
		}
	}
	for i := range r.Scopes {
		r.propagate(&r.Scopes[i])
	}
	r.boundModels()
	r.Windows = MergeWindows(r.Windows, o.Windows)
	if o.LastReport.after(r.LastReport) {
		r.LastReport = o.LastReport
	}
}

// Scope finds a scope of the record, or makes it, in its place.
func (r *Record) Scope(model string, family bool) *ScopeRecord {
	scope := ScopeRecord{Model: model, Family: family}
	at, found := slices.BinarySearchFunc(r.Scopes, &scope, compareScopes)
	if !found {
		r.Scopes = slices.Insert(r.Scopes, at, scope)
	}
	return &r.Scopes[at]
}

// boundModels drops the first to go of too many models. The order is total, so it does not matter in which order replicas hear of
// them, as long as what is said later of a model also ends later. A success ends it earlier: a model that was dropped for one of
// which all is over now can then come back from a replica that did not drop it, until its own end.
func (r *Record) boundModels() {
	if len(r.Scopes) <= MaxModels {
		return
	}
	models := make([]*ScopeRecord, 0, len(r.Scopes))
	for i := range r.Scopes {
		if r.Scopes[i].Model != "" {
			models = append(models, &r.Scopes[i])
		}
	}
	excess := len(models) - MaxModels
	if excess <= 0 {
		return
	}
	slices.SortFunc(models, (*ScopeRecord).compareEnds)
	first := *models[excess] // of those that stay
	r.Scopes = slices.DeleteFunc(r.Scopes, func(s ScopeRecord) bool { return s.Model != "" && s.compareEnds(&first) < 0 })
}

// compareEnds orders models as they go, those of one time by their names, families last.
func (s *ScopeRecord) compareEnds(o *ScopeRecord) int {
	return cmp.Or(s.CompareEnds(&o.Ledgers), compareScopes(*s, o))
}

// propagate lets what is known of all scopes count in one.
func (r *Record) propagate(s *ScopeRecord) {
	for kind := range NumKinds {
		s.Ledgers.Of(kind).Clear(r.Cleared)
		if s.Model == "" {
			s.Ledgers.Of(kind).Succeed(r.Succeeded)
		}
		r.Withdrawn.Apply(s.Ledgers.Of(kind))
	}
}

// SortScopes puts scopes in order, whoever wrote them: merged out of order, many of them would take long.
func (r *Record) SortScopes() {
	slices.SortFunc(r.Scopes, func(a, b ScopeRecord) int { return compareScopes(a, &b) })
}

func compareScopes(s ScopeRecord, o *ScopeRecord) int {
	return cmp.Or(compareBools(s.Family, o.Family), cmp.Compare(s.Model, o.Model))
}

// Beyond returns r with the scopes alone that say something that holds at a time and that o does not say. False: nothing of r does. What is
// over does not count: each replica forgets it by itself. It shares nothing that changes with r.
func (r *Record) Beyond(o *Record, now Instant) (more Record, ok bool) {
	more = *r
	more.Scopes, more.Windows = nil, slices.Clone(r.Windows)
	ok = r.Switch != o.Switch && r.Switch.later(o.Switch) == r.Switch || r.Released > o.Released ||
		r.Withdrawn.knowsMore(&o.Withdrawn, now)
	for i := range r.Scopes {
		mine, theirs := &r.Scopes[i], &ScopeRecord{}
		if at, found := slices.BinarySearchFunc(o.Scopes, mine, compareScopes); found {
			theirs = &o.Scopes[at]
		}
		for kind := range NumKinds {
			if mine.Ledgers.Of(kind).knowsMore(theirs.Ledgers.Of(kind), now) {
				more.Scopes = append(more.Scopes, ScopeRecord{Model: mine.Model, Family: mine.Family, Ledgers: mine.Ledgers.Clone()})
				break
			}
		}
	}
	return more, ok || len(more.Scopes) > 0
}

// Prune drops what is over at a time and counts for nothing any more, and reports whether anything is left that matters.
func (r *Record) Prune(now Instant) bool {
	left := r.Scopes[:0]
	for i := range r.Scopes {
		if r.Scopes[i].prune(now) {
			left = append(left, r.Scopes[i])
		}
	}
	clear(r.Scopes[len(left):])
	r.Scopes = left
	r.Withdrawn.prune(now)
	return len(left) > 0 || !r.Withdrawn.IsZero() || r.Switch != (Switch{}) || max(r.Cleared, r.Succeeded, r.Released) > now-Instant(memory)
}

// prune drops what is over, and reports whether anything is left.
func (s *ScopeRecord) prune(now Instant) (left bool) {
	for kind := range NumKinds {
		left = s.Ledgers.Of(kind).Prune(now) != 0 || left
	}
	return left
}

// Latest is the latest stamp in a record.
func (r *Record) Latest() Instant {
	last := max(r.Switch.At, r.Cleared, r.Released, r.Withdrawn.Until)
	for _, t := range r.Withdrawn.Tags {
		last = max(last, t.At)
	}
	for i := range r.Scopes {
		for kind := range NumKinds {
			l := r.Scopes[i].Ledgers.Of(kind)
			last = max(last, l.Cleared)
			for _, e := range l.Observations {
				last = max(last, e.Received)
			}
			for _, d := range l.Doubts {
				last = max(last, d.Received)
			}
		}
	}
	return last
}
