package broker

import (
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// proof is what is known of the one who reports.
type proof uint8

const (
	// proven: the report is of a pick of its caller's, or its caller may operate, or there are no callers.
	proven proof = iota
	// unproven: nobody knows whether the caller was given the auth.
	unproven
	// repeated: the pick was reported before.
	repeated
)

// prove looks at the pick that a report names. One that is not the caller's pick of this auth for this model counts as none, so
// it is not in the report that comes back.
func (b *Broker) prove(r *Report, auth *selector.Auth, now time.Time) (*Report, proof) {
	if !r.Caller.isNamed() {
		return r, proven
	}
	if b.seals.good(&r.Pick, r.Caller.Name, auth, r.Outcome.Model, now) {
		if b.seals.spend(&r.Pick) {
			return r, proven
		}
		return r, repeated
	}
	unnamed := *r
	unnamed.Pick = PickID{}
	if r.Caller.Operate {
		return &unnamed, proven
	}
	return &unnamed, unproven
}

// Why less was done than a verdict says.
const (
	noteUnproven = "only the pick_id of the caller's own pick of this auth takes it out, or says something of others"
	noteRepeated = "this pick was reported before"
)

// limit is what of a finding counts that was proven so. What is not proven is held against the auth alone, and for a time.
func (p proof) limit(f cooldown.Finding) (limited cooldown.Finding, note string) {
	switch {
	case p == repeated:
		return cooldown.Finding{Reason: f.Reason, Rule: f.Rule}, noteRepeated
	case p == proven || f.Success:
		return f, ""
	case f.Action == cooldown.ActionInvalidate || f.Action == cooldown.ActionDisable:
		return cooldown.Finding{Reason: f.Reason, Rule: f.Rule}, noteUnproven
	case f.Domain != "" || f.Repeat != (cooldown.Repeat{}):
		note = noteUnproven
	}
	f.Domain, f.Repeat, f.Shared, f.Claimed = "", cooldown.Repeat{}, false, true
	return f, note
}
