package verdict

import (
	"slices"
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

// fixedRetry are the headers that are looked at first.
var fixedRetry = [...]string{"retry-after-ms", "retry-after", "x-ratelimit-timeremaining"}

func (v *view) retryAfter(bound time.Duration) (hint, bool) {
	names := slices.Clip(fixedRetry[:])
	for name := range v.headers {
		if strings.Contains(name, "retry-after") && !slices.Contains(names, name) { // x-retry-after, x-ms-retry-after-ms
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names[len(fixedRetry):], strings.Compare)
	for _, unit := range [...]bool{true, false} { // those in milliseconds say more
		for _, name := range names {
			if strings.HasSuffix(name, "-ms") != unit {
				continue
			}
			if h, ok := v.delayHeader(name, bound); ok {
				return h, true
			}
		}
	}
	return hint{}, false
}

// delayHeader reads a delay in seconds, or in milliseconds if its header is called after them, a date, or an instant that
// somebody put where a delay belongs; of several numbers the first.
func (v *view) delayHeader(name string, bound time.Duration) (hint, bool) {
	value := v.headers[name]
	if strings.HasSuffix(name, "-ms") {
		d, ok := parseUnits(value, time.Millisecond)
		return bounded(d, ok, bound)
	}
	first, _, _ := strings.Cut(value, ",")
	n, rest, ok := readNumber(strings.TrimSpace(first))
	if !ok || rest != "" {
		date, dated := parseHTTPDate(value)
		return v.at(date, dated, bound)
	}
	if n.whole < leastUnix {
		return bounded(n.in(time.Second), true, bound)
	}
	instant, valid := n.instant()
	return v.at(instant, valid, bound)
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
		if !strings.Contains(name, "remaining") {
			continue
		}
		plain := strings.ReplaceAll(name, "rate-limit", "ratelimit")
		if !strings.Contains(plain, "ratelimit") && !strings.HasPrefix(name, "anthropic-priority-") {
			continue
		}
		if left, ok := parseDecimal(strings.TrimPrefix(value, "-")); ok && (left == 0 || strings.HasPrefix(value, "-")) {
			latest.extend(v.resetHeader(strings.Replace(name, "remaining", "reset", 1), bound))
		}
	}
	for _, lone := range [...]string{"x-ratelimit-", "x-rate-limit-", "ratelimit-"} {
		if _, found := v.headers[lone+"remaining"]; !found {
			latest.extend(v.resetHeader(lone+"reset", bound))
			latest.extend(v.delayHeader(lone+"reset-ms", bound))
		}
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
