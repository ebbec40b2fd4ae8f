package cooldown

import "cmp"

// Observation is one thing that is known against an auth: it was made at one time and says until when to stay away.
type Observation struct {
	Received Instant `json:"received"`
	// Until is its end; Never: it has none.
	Until Instant `json:"until"`
	// Probe is from when on one request at a time may probe it, at most Until.
	Probe Instant `json:"probe"`
	// Level is the step of the ladder that gave the times, from 1; 0: they were told.
	Level  int    `json:"level,omitempty"`
	Ladder Ladder `json:"ladder,omitempty"`
	// Command: a caller ordered it. A success does not end it.
	Command bool `json:"command,omitempty"`
	// Claimed: a caller reported it that did not prove that it had asked the upstream.
	Claimed bool `json:"claimed,omitempty"`
	// Secret stands for the secret that was refused: it concerns the auths that have it. 0: it concerns all.
	Secret Fingerprint `json:"secret,omitempty"`
	// Reason is that of a command, or else of a finding, which has a rule and perhaps something that an operator must do.
	Reason         string `json:"reason,omitempty"`
	Rule           string `json:"rule,omitempty"`
	OperatorAction string `json:"person,omitempty"`
}

// alike: they are of one sort, so that one may stand for both.
func (e *Observation) alike(o *Observation) bool {
	return e.Ladder == o.Ladder && e.Command == o.Command && e.Claimed == o.Claimed && e.Secret == o.Secret
}

// covers reports whether o says nothing that e does not say. Of two that say the same, the one whose
// text sorts last covers the other, so that covering is an order and what is left of a set does not depend on the way there.
func (e *Observation) covers(o *Observation) bool {
	if !e.alike(o) || e.Received < o.Received || e.Until < o.Until || e.Probe < o.Probe || e.Level < o.Level {
		return false
	}
	if e.Received > o.Received || e.Until > o.Until || e.Probe > o.Probe || e.Level > o.Level {
		return true
	}
	return cmp.Or(cmp.Compare(e.Reason, o.Reason), cmp.Compare(e.Rule, o.Rule), cmp.Compare(e.OperatorAction, o.OperatorAction)) >= 0
}

// join raises e to what both say.
func (e *Observation) join(o *Observation) {
	if o.Until > e.Until {
		e.Reason, e.Rule, e.OperatorAction = o.Reason, o.Rule, o.OperatorAction
	}
	e.Received, e.Until = max(e.Received, o.Received), max(e.Until, o.Until)
	e.Probe, e.Level = max(e.Probe, o.Probe), max(e.Level, o.Level)
}

// compare is the order in a ledger: what covers another comes after it.
func (e *Observation) compare(o *Observation) int {
	return cmp.Or(
		cmp.Compare(e.Received, o.Received), cmp.Compare(e.Until, o.Until), cmp.Compare(e.Probe, o.Probe),
		cmp.Compare(e.Level, o.Level), cmp.Compare(e.Ladder, o.Ladder), compareBools(e.Command, o.Command),
		compareBools(e.Claimed, o.Claimed), cmp.Compare(e.Secret, o.Secret),
		cmp.Compare(e.Reason, o.Reason), cmp.Compare(e.Rule, o.Rule), cmp.Compare(e.OperatorAction, o.OperatorAction),
	)
}

// heard: an upstream said so, as far as is known, and not a caller alone.
func (e *Observation) heard() bool { return !e.Command && !e.Claimed }

// Message is the observation as a human-readable message.
func (e *Observation) Message() string {
	text := e.Reason
	if e.Rule != "" {
		text += " (rule " + e.Rule + ")"
	}
	if e.OperatorAction != "" {
		text += ": " + e.OperatorAction
	}
	return text
}
