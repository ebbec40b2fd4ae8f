package cooldown

import (
	"cmp"
	"time"
)

// Report is one thing that was said of an auth.
type Report struct {
	ReceivedAt time.Time `json:"at,omitzero"`
	// What it was: `cooldown`, `invalidate`, `disable`, `enable`, `success`, or the reason of a judged answer.
	What string `json:"what,omitempty"`
	// Model key it was about; empty: the whole auth.
	Model  string `json:"model,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Rule is the id of the row that judged the answer; empty: it was no answer.
	Rule string `json:"rule,omitempty"`
}

// after orders reports by time, those of one time by their text.
func (r Report) after(o Report) bool {
	return cmp.Or(r.ReceivedAt.Compare(o.ReceivedAt), cmp.Compare(r.What, o.What), cmp.Compare(r.Model, o.Model),
		cmp.Compare(r.Reason, o.Reason), cmp.Compare(r.Rule, o.Rule)) > 0
}
