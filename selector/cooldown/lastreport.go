package cooldown

import (
	"cmp"
	"time"
)

// Report is one thing that was said of an auth.
type Report struct {
	ReceivedAt time.Time
	// What it was: `cooldown`, `invalidate`, `disable`, `enable`, `success`, or the reason of a judged answer.
	What string
	// Model key it was about; empty: the whole auth.
	Model  string
	Reason string
	// Rule is the id of the row that judged the answer; empty: it was no answer.
	Rule string
}

// after orders reports by time, those of one time by their words.
func (r Report) after(o Report) bool {
	return cmp.Or(r.ReceivedAt.Compare(o.ReceivedAt), cmp.Compare(r.What, o.What), cmp.Compare(r.Model, o.Model),
		cmp.Compare(r.Reason, o.Reason), cmp.Compare(r.Rule, o.Rule)) > 0
}
