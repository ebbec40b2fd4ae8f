package verdict

import (
	"time"

	"github.com/credbroker/credbroker/internal/glob"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// Ids of verdicts that no row gives.
const (
	ruleSuccess   = "success"
	ruleUnmatched = "unmatched"
)

// Judge says what an outcome means. It never fails: what no row knows is a transient fault without consequences.
func (r *Rules) Judge(o Outcome) Verdict { return r.judge(o, marksOf(o.Headers)) }

// Read is Judge, and the quota windows that the answer tells of, in one look at the headers.
func (r *Rules) Read(o Outcome) (Verdict, []cooldown.Window) {
	m := marksOf(o.Headers)
	if !m.window {
		return r.judge(o, m), nil
	}
	return r.judge(o, m), windows(o.Dialect, o.Headers, o.ReceivedAt)
}

func (r *Rules) judge(o Outcome, m marks) Verdict {
	served := o.Status >= 200 && o.Status < 300 || o.Status == 101
	if served && len(o.Body) == 0 && !m.failure && !o.failed() {
		return success()
	}
	return r.ask(o, served && !m.failure)
}

// ask walks the rows. It is apart from judge because what it keeps of the outcome goes to the heap, which a success need not
// pay for.
func (r *Rules) ask(o Outcome, served bool) Verdict {
	set := r.set(o.Dialect)
	v := newView(&o, set)
	if served && !v.embedded && v.status != 0 {
		return success()
	}
	for _, row := range set.rows {
		if row.matches(v) {
			return r.verdict(set.unlessPassedOn(row, v), v)
		}
	}
	return Verdict{
		Fault: FaultTransient, Retry: RetryAnotherAuth,
		Finding: cooldown.Finding{Kind: cooldown.Other, Ladder: cooldown.LadderOverload, Rule: ruleUnmatched, Shared: true},
	}
}

// unlessPassedOn returns the row that matched; one of the stage passed_on in its place if the auth is blamed in an answer that
// was given to somebody else, such as the account of an aggregator.
func (s *ruleSet) unlessPassedOn(row *rule, v *view) *rule {
	if row.fault != FaultCredential {
		return row
	}
	for _, other := range s.passedOn {
		if other.matches(v) {
			return other
		}
	}
	return row
}

func success() Verdict {
	return Verdict{
		Fault: FaultNone, Retry: RetryNobody,
		Finding: cooldown.Finding{Success: true, Kind: cooldown.Other, Rule: ruleSuccess},
	}
}

func (r *Rules) verdict(row *rule, v *view) Verdict {
	reason := r.reasons[row.Reason]
	out := Verdict{Fault: row.fault, Retry: row.retry, ClientAnswer: row.client, Finding: cooldown.Finding{
		Action: row.Action, Scope: row.scope, Reason: row.Reason, Kind: reason.Kind, Domain: row.domain, Rule: row.ID,
		Repeat: row.repeat, OperatorAction: row.operator.or(reason.operator).of(v.o.Kind),
	}}
	if out.Domain == "" && row.limit {
		out.Domain = v.set.limitDomain
	}
	if out.Domain == domainNone {
		out.Domain = ""
	}
	out.Doubt = anyHolds(row.doubt, v)
	out.Shared = row.fault == FaultTransient || row.fault == FaultProvider || out.Domain == DomainEgress
	if row.modelFamily != "" && glob.Match(row.modelFamily, lower(v.o.Model)) {
		out.ModelFamily = row.modelFamily
	}
	if row.Action == cooldown.ActionInvalidate {
		out.Kind = cooldown.Authentication
	}
	if row.time != nil {
		if h, ok := row.time.eval(v, boundPlain); ok {
			out.Delay = ceilMillis(h.delay)
			out.Until = v.o.ReceivedAt.Add(out.Delay)
			out.Hint = !h.billing
			return out
		}
	}
	if row.Action == cooldown.ActionCooldown || row.fault == FaultTransient {
		out.Ladder = reason.Ladder
		if out.Ladder == cooldown.LadderQuota && v.sentences().speakOfLongPeriod() {
			out.Ladder = cooldown.LadderQuotaLong
		}
	}
	return out
}

func ceilMillis(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}
