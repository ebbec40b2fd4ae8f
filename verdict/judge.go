package verdict

import (
	"strings"
	"time"

	"github.com/credbroker/credbroker/internal/glob"
)

// Ids of verdicts that no row gives.
const (
	ruleSuccess   = "success"
	ruleUnmatched = "unmatched"
)

// Judge says what an outcome means. It never fails: what no row knows is a transient fault without consequences.
func (r *Rules) Judge(o Outcome) Verdict { return r.judge(o, marksOf(o.Headers)) }

// Read is Judge and [Windows] in one look at the headers.
func (r *Rules) Read(o Outcome) (Verdict, []Window) {
	m := marksOf(o.Headers)
	if !m.window {
		return r.judge(o, m), nil
	}
	return r.judge(o, m), windows(o.Dialect, o.Headers, o.ReceivedAt)
}

func (r *Rules) judge(o Outcome, m marks) Verdict {
	served := o.Status >= 200 && o.Status < 300
	if served && len(o.Body) == 0 && !m.failure {
		return success()
	}
	return r.ask(o, served && !m.failure)
}

// ask walks the rows. It is apart from judge because what it keeps of the outcome goes to the heap, which a success need not
// pay for.
func (r *Rules) ask(o Outcome, served bool) Verdict {
	set := r.set(o.Dialect)
	v := newView(&o, set)
	if served && !v.embedded {
		return success()
	}
	for _, row := range set.rows {
		if row.matches(v) {
			return r.verdict(row, v)
		}
	}
	return Verdict{
		Fault: FaultTransient, Action: ActionNone, Scope: ScopeNone, Block: BlockOther,
		Ladder: LadderOverload, Retry: RetryAnotherAuth, Rule: ruleUnmatched,
	}
}

func success() Verdict {
	return Verdict{Fault: FaultNone, Action: ActionNone, Scope: ScopeNone, Retry: RetryNobody, Rule: ruleSuccess}
}

func (r *Rules) verdict(row *rule, v *view) Verdict {
	reason := r.reasons[row.Reason]
	out := Verdict{
		Fault: row.fault, Action: row.action, Scope: row.scope, Reason: row.Reason, Block: reason.Block, Domain: row.domain,
		Retry: row.retry, Rule: row.ID, Repeat: row.repeat, Person: row.person.or(reason.person).of(v.o.Kind),
	}
	if out.Domain == "" && row.limit {
		out.Domain = v.set.limitDomain
	}
	if out.Domain == domainNone {
		out.Domain = ""
	}
	if row.family != "" && glob.Match(row.family, lower(v.o.Model)) {
		out.Family = row.family
	}
	if row.action == ActionInvalidate {
		out.Block = BlockAuthentication
	}
	if row.time != nil {
		if h, ok := row.time.eval(v, boundPlain); ok {
			out.Delay = ceilMillis(h.delay)
			out.Until = v.o.ReceivedAt.Add(out.Delay)
			out.FromHint = !h.billing
			return out
		}
	}
	if row.action == ActionCooldown || row.fault == FaultTransient {
		out.Ladder = reason.Ladder
		if out.Ladder == LadderQuota && v.speaksOfLongPeriod() {
			out.Ladder = LadderQuotaLong
		}
	}
	return out
}

// speaksOfLongPeriod reports whether a quota without a time is one of weeks or months.
func (v *view) speaksOfLongPeriod() bool {
	return strings.Contains(v.text, "week") || strings.Contains(v.text, "month") || strings.Contains(v.text, "cycle")
}

func ceilMillis(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}
