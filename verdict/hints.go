package verdict

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// boundPlain is the longest delay believed where a row says nothing else. Azure really sends a whole day.
const boundPlain = 24 * time.Hour

// generic is the order in which hints are taken where a row asks for no particular one. A sentence comes before reset
// headers: those tell when a bucket is full again, the sentence tells when this request can pass.
func (v *view) generic(bound time.Duration) (hint, bool) {
	for _, source := range [...]source{sourceRetryAfter, sourceBody, sourceProse, sourceResetHeaders} {
		if h, ok := v.from(source, bound); ok {
			return h, true
		}
	}
	return hint{}, false
}

func (v *view) retryAfter(bound time.Duration) (hint, bool) {
	d, ok := parseUnits(v.headers["retry-after-ms"], time.Millisecond)
	if h, valid := bounded(d, ok, bound); valid {
		return h, true
	}
	value := v.headers["retry-after"]
	if d, ok = parseUnits(value, time.Second); ok {
		return bounded(d, true, bound)
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
	return codex{v}.bodyReset(bound)
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

// prose finds `try again in 6m0s`, `retry after 22 seconds`, `reset after 1h43m56s`.
func (v *view) prose(bound time.Duration) (hint, bool) {
	for _, verb := range [...]string{"try again", "retry", "reset"} {
		for rest := v.text; ; {
			_, after, found := strings.Cut(rest, verb)
			if !found {
				break
			}
			rest = after
			if h, ok := delayPhrase(after, bound); ok {
				return h, true
			}
		}
	}
	return hint{}, false
}

// delayPhrase reads `in 5s` or `after 5 seconds` at the start of s.
func delayPhrase(s string, bound time.Duration) (hint, bool) {
	s = strings.TrimPrefix(s, "s")
	trimmed := strings.TrimLeft(s, " ")
	rest, found := strings.CutPrefix(trimmed, "in ")
	if !found {
		rest, found = strings.CutPrefix(trimmed, "after ")
	}
	if !found || trimmed == s {
		return hint{}, false
	}
	d, _, ok := readDuration(rest)
	return bounded(d, ok, bound)
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
	if _, told := v.headers["x-ratelimit-remaining"]; !told {
		latest.extend(v.resetHeader("x-ratelimit-reset", bound))
	}
	return latest, latest.delay > 0
}
