package verdict

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// maxWindows is how many windows of one answer are told.
const maxWindows = 16

// windows returns the quota windows that headers tell of, sorted by name: the unified windows and rate limits of
// Anthropic's dialects, those of codex, and x-ratelimit-* of every dialect.
func windows(dialect string, headers map[string]string, receivedAt time.Time) []cooldown.Window {
	o := Outcome{Dialect: dialect, ReceivedAt: receivedAt}
	v := &view{o: &o, headers: lowerNames(headers), clock: receivedAt}
	v.readClock()
	var all []cooldown.Window
	for name, value := range v.headers {
		if w, ok := v.window(name, value); ok {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b cooldown.Window) int { return strings.Compare(a.Name, b.Name) })
	return all[:min(len(all), maxWindows)]
}

// What names of headers begin with that tell of windows.
const (
	prefixAnthropic = "anthropic-"
	prefixCodex     = "x-codex-"
	prefixRemaining = "x-ratelimit-remaining"
)

// window reads the window that a header tells the use of; its other headers follow from the name.
func (v *view) window(name, value string) (cooldown.Window, bool) {
	claude := v.o.Dialect == "anthropic" || v.o.Dialect == "claude-code"
	if window, ok := cutBoth(name, unified, "-utilization"); ok && claude {
		used, known := parseDecimal(value)
		return v.seen(window, used, unified+window+"-reset"), known
	}
	if window, ok := cutBoth(name, prefixAnthropic, "-remaining"); ok && claude {
		base := prefixAnthropic + window
		used, known := v.share(value, base+"-limit")
		return v.seen(strings.TrimPrefix(window, "ratelimit-"), used, base+"-reset"), known
	}
	if window, ok := cutBoth(name, prefixCodex, "-used-percent"); ok && v.o.Dialect == "codex" {
		return codex{v}.window(window, value)
	}
	rest, ok := strings.CutPrefix(name, prefixRemaining)
	if !ok {
		return cooldown.Window{}, false
	}
	used, known := v.share(value, "x-ratelimit-limit"+rest)
	return v.seen(cmp.Or(strings.TrimPrefix(rest, "-"), "requests"), used, "x-ratelimit-reset"+rest), known
}

// cutBoth returns what is between a prefix and a suffix.
func cutBoth(s, prefix, suffix string) (between string, ok bool) {
	if s, ok = strings.CutPrefix(s, prefix); ok {
		s, ok = strings.CutSuffix(s, suffix)
	}
	return s, ok
}

func (v *view) seen(name string, used float64, reset string) cooldown.Window {
	return cooldown.Window{Name: name, UsedShare: used, ResetsAt: v.resetTime(v.resetHeader(reset, boundMonth)), SeenAt: v.o.ReceivedAt}
}

func (v *view) resetTime(h hint, ok bool) time.Time {
	if !ok {
		return time.Time{}
	}
	return v.o.ReceivedAt.Add(ceilMillis(h.delay))
}

// share returns which share of a limit is used up; -1 if the limit is not known.
func (v *view) share(remaining, limit string) (float64, bool) {
	left, ok := parseDecimal(remaining)
	if !ok {
		return 0, false
	}
	if all, known := parseDecimal(v.headers[limit]); known && all > 0 && left <= all {
		return 1 - left/all, true
	}
	return -1, true
}
