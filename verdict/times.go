package verdict

import (
	"slices"
	"strings"
	"time"
)

// timeExpr is the `time` of a row: where its delay comes from. Exactly one of the parts is set.
type timeExpr struct {
	source source
	fixed  time.Duration
	next   period
	zone   *time.Location // of next, or of a time that is printed without one
	first  []*timeExpr
	latest []*timeExpr

	within  time.Duration // longest delay that is believed; 0: as the expression around it
	atLeast time.Duration // shortest delay that counts; 0: any
	clip    time.Duration // longest delay that is used; 0: as long as it is
}

// source is a place where upstreams put delays.
type source int

const (
	sourceNone source = iota
	sourceHint
	sourceRetryAfter
	sourceBody
	sourceProse
	sourceInstant
	sourceResetHeaders
	sourceRetryInfo
	sourceQuotaReset
	sourceBudgetReset
	sourceRegainAccess
	sourcePrinted
	sourceClaudeShared
	sourceClaudeModel
	sourceClaudeUnified
	sourceClaudePrinted
	sourceCodexBody
	sourceCodexWindows
)

// sourceNames are the sources as rows write them, in the order of the constants.
var sourceNames = [...]string{
	"", "hint", "retry_after", "body", "prose", "instant", "reset_headers", "retry_info", "quota_reset", "budget_reset", "regain_access", "printed",
	"claude_shared_window", "claude_model_window", "claude_unified", "claude_printed", "codex_body", "codex_windows",
}

type period int

const (
	periodNone period = iota
	periodDay
	periodMonday
	periodMonth
)

// periodNames are the periods as rows write them, in the order of the constants.
var periodNames = [...]string{"", "day", "monday", "month"}

func (e *timeExpr) yields(v *view) bool {
	_, ok := e.eval(v, boundPlain)
	return ok
}

func (e *timeExpr) eval(v *view, bound time.Duration) (hint, bool) {
	if e.within > 0 {
		bound = e.within
	}
	h, ok := e.evalPart(v, bound)
	if h.delay < e.atLeast {
		return hint{}, false
	}
	if e.clip > 0 {
		h.delay = min(h.delay, e.clip)
	}
	return h, ok
}

func (e *timeExpr) evalPart(v *view, bound time.Duration) (hint, bool) {
	switch {
	case e.fixed > 0:
		return hint{delay: e.fixed}, true
	case e.next != periodNone:
		return bounded(nextStart(v.clock, e.next, e.zone).Sub(v.clock), true, bound)
	case e.source == sourcePrinted:
		return v.printed(e.zone, bound)
	case e.source != sourceNone:
		return v.from(e.source, bound)
	}
	for _, part := range e.first {
		if h, ok := part.eval(v, bound); ok {
			return h, true
		}
	}
	var latest hint
	for _, part := range e.latest {
		latest.extend(part.eval(v, bound))
	}
	return latest, latest.delay > 0
}

// certain reports whether the expression yields a time for every outcome.
func (e *timeExpr) certain() bool {
	if e.fixed > 0 || e.next != periodNone && e.within >= boundMonth {
		return true
	}
	for _, part := range slices.Concat(e.first, e.latest) {
		if part.certain() {
			return true
		}
	}
	return false
}

func (v *view) from(s source, bound time.Duration) (hint, bool) {
	switch s {
	case sourceHint:
		return v.generic(bound)
	case sourceRetryAfter:
		return v.retryAfter(bound)
	case sourceBody:
		return v.structured(bound)
	case sourceProse:
		return v.sentences().prose(bound)
	case sourceInstant:
		return v.sentences().instant(bound)
	case sourceResetHeaders:
		return v.resetHeaders(bound)
	case sourceRetryInfo:
		return v.retryInfo(bound)
	case sourceQuotaReset:
		return v.quotaReset(bound)
	case sourceBudgetReset:
		return v.budgetReset(bound)
	case sourceRegainAccess:
		return v.regainAccess(bound)
	case sourceClaudeShared:
		return claude{v}.sharedReset()
	case sourceClaudeModel:
		return claude{v}.modelReset()
	case sourceClaudeUnified:
		return claude{v}.unifiedReset()
	case sourceClaudePrinted:
		return claude{v}.printedReset(bound)
	case sourceCodexBody:
		return codex{v}.bodyReset(bound)
	case sourceCodexWindows:
		return codex{v}.fullReset(bound)
	default:
		return hint{}, false
	}
}

// nextStart returns the next start of a period after t, by the calendar of a zone: a day there may have 23 or 25 hours.
func nextStart(t time.Time, p period, zone *time.Location) time.Time {
	year, month, day := t.In(zone).Date()
	switch p {
	case periodMonth:
		month, day = month+1, 1
	case periodMonday:
		day += 7 - (int(t.In(zone).Weekday())+6)%7
	default:
		day++
	}
	return time.Date(year, month, day, 0, 0, 0, 0, zone)
}

// regainAccess reads `regain access on 2026-11-01 at 00:00 UTC`.
func (v *view) regainAccess(bound time.Duration) (hint, bool) {
	const form = "2006-01-02 at 15:04 utc"
	_, after, found := strings.Cut(v.text.text, "regain access on ")
	if !found || len(after) < len(form) {
		return hint{}, false
	}
	instant, err := time.Parse(form, after[:len(form)])
	h, ok := v.at(instant, err == nil, bound)
	h.billing = ok
	return h, ok
}

// printed reads the first time in the text that is written without a zone, `2026-09-12 00:35:41`.
func (v *view) printed(zone *time.Location, bound time.Duration) (hint, bool) {
	found := v.set.grammar.printed.FindString(v.text.text)
	instant, err := time.ParseInLocation(time.DateTime, found, zone)
	return v.at(instant, err == nil, bound)
}

const printedTime = `\b20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\b`
