package verdict

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// boundPlain is the longest delay believed where a row says nothing else: limits of a week or a month have no row of their own
// everywhere. A long hint is probed before its end, so one that was wrong does not cost as much.
const boundPlain = boundMonth

// generic is the order in which hints are taken where a row asks for no particular one. A sentence comes before reset
// headers: those tell when a bucket is full again, the sentence tells when this request can pass.
func (v *view) generic(bound time.Duration) (hint, bool) {
	for _, source := range [...]source{sourceRetryAfter, sourceBody, sourceProse, sourceInstant, sourceResetHeaders} {
		if h, ok := v.from(source, bound); ok {
			return h, true
		}
	}
	return hint{}, false
}

func (v *view) retryAfter(bound time.Duration) (hint, bool) {
	for _, name := range [...]string{"retry-after-ms", "x-ms-retry-after-ms"} {
		d, ok := parseUnits(v.headers[name], time.Millisecond)
		if h, valid := bounded(d, ok, bound); valid {
			return h, true
		}
	}
	for _, name := range [...]string{"retry-after", "x-retry-after", "x-ratelimit-timeremaining"} {
		if h, ok := v.seconds(v.headers[name], bound); ok {
			return h, true
		}
	}
	return hint{}, false
}

// seconds reads a delay in seconds, a date, or an instant that somebody put where a delay belongs.
func (v *view) seconds(value string, bound time.Duration) (hint, bool) {
	n, rest, ok := readNumber(strings.TrimSpace(value))
	if ok && rest == "" && n.whole < leastUnix {
		return bounded(n.in(time.Second), true, bound)
	}
	if ok && rest == "" {
		instant, valid := n.instant()
		return v.at(instant, valid, bound)
	}
	date, ok := parseHTTPDate(value)
	return v.at(date, ok, bound)
}

// at turns an instant of the server's clock into a delay.
func (v *view) at(instant time.Time, ok bool, bound time.Duration) (hint, bool) {
	return bounded(instant.Sub(v.clock), ok, bound)
}

func (v *view) instantText(s string, bound time.Duration) (hint, bool) {
	instant, ok := parseInstant(s)
	return v.at(instant, ok, bound)
}

// resetValue reads a value of a header with `reset` in its name, in any form of the grammar.
func (v *view) resetValue(s string, bound time.Duration) (hint, bool) {
	d, ok := parseDuration(s)
	if !ok {
		if n, rest, number := readNumber(strings.TrimSpace(s)); number && rest == "" && n.whole < leastUnix {
			d, ok = n.in(time.Second), true
		}
	}
	if ok {
		return bounded(d, true, bound)
	}
	return v.instantText(s, bound)
}

func (v *view) resetHeader(name string, bound time.Duration) (hint, bool) {
	return v.resetValue(v.headers[name], bound)
}

// structured takes delays from where bodies keep them.
func (v *view) structured(bound time.Duration) (hint, bool) {
	for _, source := range [...]source{sourceRetryInfo, sourceQuotaReset} {
		if h, ok := v.from(source, bound); ok {
			return h, true
		}
	}
	if h, ok := v.openRouterHeaders(bound); ok {
		return h, true
	}
	if h, ok := (codex{v}).bodyReset(bound); ok {
		return h, true
	}
	return v.members(bound)
}

// members reads what services call the delay in the body.
func (v *view) members(bound time.Duration) (hint, bool) {
	for _, at := range [...]gjson.Result{v.fault, v.fault.Get("metadata"), v.fault.Get("details"), v.root, v.root.Get("metadata"), v.passedOn()} {
		if !at.IsObject() {
			continue
		}
		for _, name := range [...]string{"retry_after_ms", "retryAfterMs"} {
			d, ok := parseUnits(scalar(at.Get(name)), time.Millisecond)
			if h, valid := bounded(d, ok, bound); valid {
				return h, true
			}
		}
		for _, name := range [...]string{
			"retry_after", "retryAfter", "retry_after_seconds", "retryAfterSeconds", "estimated_time", "reset_in", "resetIn", "reset_seconds",
			"reset_after_seconds", "reset_at", "resetAt", "resets_at", "resetsAt", "reset_time", "resetTime",
		} {
			if h, ok := v.resetValue(scalar(at.Get(name)), bound); ok {
				return h, true
			}
		}
	}
	return hint{}, false
}

func (v *view) retryInfo(bound time.Duration) (hint, bool) {
	return v.detail("retryDelay", func(s string) (hint, bool) {
		d, ok := parseDuration(s)
		return bounded(d, ok, bound)
	})
}

func (v *view) quotaReset(bound time.Duration) (hint, bool) {
	if h, ok := v.detail("metadata.quotaResetTimeStamp", func(s string) (hint, bool) { return v.instantText(s, bound) }); ok {
		return h, true
	}
	return v.detail("metadata.quotaResetDelay", func(s string) (hint, bool) {
		d, ok := parseDuration(s)
		return bounded(d, ok, bound)
	})
}

// detail returns the first valid hint among the details of a Google error.
func (v *view) detail(path string, read func(string) (hint, bool)) (found hint, ok bool) {
	for _, details := range [...]gjson.Result{v.fault.Get("details"), v.details, v.passedOn().Get("details")} {
		if !details.IsArray() {
			continue
		}
		details.ForEach(func(_, detail gjson.Result) bool {
			found, ok = read(scalar(detail.Get(path)))
			return !ok
		})
	}
	return found, ok
}

// openRouterHeaders reads the reset header that earlier forms of OpenRouter's answers carry in the body.
func (v *view) openRouterHeaders(bound time.Duration) (found hint, ok bool) {
	headers := v.fault.Get("metadata.headers")
	if !headers.IsObject() {
		return hint{}, false
	}
	headers.ForEach(func(name, value gjson.Result) bool {
		if strings.EqualFold(name.Str, "x-ratelimit-reset") {
			found, ok = v.resetValue(scalar(value), bound)
		}
		return !ok
	})
	return found, ok
}

// budgetReset reads when a budget of OpenRouter starts anew.
func (v *view) budgetReset(bound time.Duration) (hint, bool) {
	h, ok := v.instantText(scalar(v.fault.Get("metadata.resets_at")), bound)
	h.billing = ok
	return h, ok
}

func scalar(r gjson.Result) string {
	switch r.Type {
	case gjson.String:
		return r.Str
	case gjson.Number:
		return r.Raw
	default:
		return ""
	}
}

// resetHeaders returns the latest reset among the buckets that are empty. A lone x-ratelimit-reset counts as well.
func (v *view) resetHeaders(bound time.Duration) (hint, bool) {
	var latest hint
	for name, value := range v.headers {
		if !strings.Contains(name, "remaining") || !strings.Contains(name, "ratelimit") && !strings.HasPrefix(name, "anthropic-priority-") {
			continue
		}
		if left, ok := parseDecimal(strings.TrimPrefix(value, "-")); ok && (left == 0 || strings.HasPrefix(value, "-")) {
			latest.extend(v.resetHeader(strings.Replace(name, "remaining", "reset", 1), bound))
		}
	}
	if _, found := v.headers["x-ratelimit-remaining"]; !found {
		latest.extend(v.resetHeader("x-ratelimit-reset", bound))
	}
	if left, ok := v.headers["x-ratelimit-remaining"]; !ok || left == "0" {
		latest.extend(v.resetHeader("x-ratelimit-reset-after", bound))
	}
	latest.extend(v.structuredLimit(bound))
	return latest, latest.delay > 0
}

// structuredLimit reads the field of the IETF, of all its drafts: `"burst";r=0;t=30, "day";r=9`, `limit=10, remaining=0, reset=30`.
// Of an empty bucket that does not say when it resets, the policy says how long its window is at most.
func (v *view) structuredLimit(bound time.Duration) (hint, bool) {
	var latest hint
	for item := range strings.SplitSeq(strings.ReplaceAll(v.headers["ratelimit"], ", re", ";re"), ",") {
		var empty bool
		var resets hint
		for part := range strings.SplitSeq(item, ";") {
			switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
			case "r", "remaining":
				empty = value == "0"
			case "t", "reset":
				resets.extend(v.resetValue(value, bound))
			}
		}
		if empty && resets.delay == 0 {
			name, _, _ := strings.Cut(strings.TrimSpace(item), ";")
			resets.extend(v.policyWindow(name, bound))
		}
		latest.extend(resets, empty)
	}
	return latest, latest.delay > 0
}

// policyWindow reads the window of a bucket: `"burst";q=100;w=60`.
func (v *view) policyWindow(bucket string, bound time.Duration) (hint, bool) {
	for item := range strings.SplitSeq(v.headers["ratelimit-policy"], ",") {
		name, parts, _ := strings.Cut(strings.TrimSpace(item), ";")
		for part := range strings.SplitSeq(parts, ";") {
			if seconds, ok := strings.CutPrefix(strings.TrimSpace(part), "w="); ok && name == bucket {
				return v.resetValue(seconds, bound)
			}
		}
	}
	return hint{}, false
}
