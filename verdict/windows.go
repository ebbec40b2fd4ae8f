package verdict

import (
	"slices"
	"strings"
	"time"
)

// Window is a quota window as the upstream showed it, on a success or a refusal.
type Window struct {
	Name      string    // 5h, 7d, primary, tokens, ...: the upstream's own word
	UsedShare float64   // 0 is unused, 1 is full; more than 1 occurs; -1: not told
	ResetsAt  time.Time // on our clock; zero: not told, or not believable
}

// maxWindows is how many windows of one answer are told.
const maxWindows = 16

// Windows returns the quota windows that headers tell of, in text order of their names: the unified windows and rate limits of
// Anthropic's dialects, those of codex, and x-ratelimit-* of every dialect. Headers of any other kind cost next to nothing.
func Windows(dialect string, headers map[string]string, receivedAt time.Time) []Window {
	if !anyWindow(headers) {
		return nil
	}
	o := Outcome{Dialect: dialect, ReceivedAt: receivedAt}
	v := &view{o: &o, headers: lowerNames(headers), clock: receivedAt}
	if _, cached := v.headers["age"]; !cached {
		if date, ok := parseHTTPDate(v.headers["date"]); ok {
			v.clock = date
		}
	}
	var all []Window
	for name, value := range v.headers {
		if w, ok := v.window(name, value); ok {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b Window) int { return strings.Compare(a.Name, b.Name) })
	return all[:min(len(all), maxWindows)]
}

func anyWindow(headers map[string]string) bool {
	for name := range headers {
		if len(name) > len("x-codex-") && (containsFold(name, "ratelimit") || strings.EqualFold(name[:len("x-codex-")], "x-codex-")) {
			return true
		}
	}
	return false
}

func containsFold(s, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		if (s[i]|0x20) == word[0] && strings.EqualFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// window reads the window that a header tells the use of; its other headers follow from the name.
func (v *view) window(name, value string) (Window, bool) {
	claude := v.o.Dialect == "anthropic" || v.o.Dialect == "claude-code"
	switch {
	case claude && strings.HasPrefix(name, unified):
		window, ok := strings.CutSuffix(strings.TrimPrefix(name, unified), "-utilization")
		used, told := parseDecimal(value)
		return v.seen(window, used, unified+window+"-reset"), ok && told
	case claude && strings.HasPrefix(name, "anthropic-"):
		window, ok := strings.CutSuffix(name, "-remaining")
		used, told := v.share(value, window+"-limit")
		short := strings.TrimPrefix(strings.TrimPrefix(window, "anthropic-"), "ratelimit-")
		return v.seen(short, used, window+"-reset"), ok && told
	case v.o.Dialect == "codex" && strings.HasPrefix(name, "x-codex-"):
		window, ok := strings.CutSuffix(name, "-used-percent")
		used, told := parseDecimal(value)
		w := v.seen(strings.TrimPrefix(window, "x-codex-"), used/100, window+"-reset-at")
		if w.ResetsAt.IsZero() {
			d, valid := parseUnits(v.headers[window+"-reset-after-seconds"], time.Second)
			w.ResetsAt = v.resetTime(bounded(d, valid, boundMonth))
		}
		return w, ok && told
	default:
		rest, ok := strings.CutPrefix(name, "x-ratelimit-remaining")
		used, told := v.share(value, "x-ratelimit-limit"+rest)
		window := strings.TrimPrefix(rest, "-")
		if window == "" {
			window = "requests"
		}
		return v.seen(window, used, "x-ratelimit-reset"+rest), ok && told
	}
}

func (v *view) seen(name string, used float64, reset string) Window {
	return Window{Name: name, UsedShare: used, ResetsAt: v.resetTime(v.resetHeader(reset, boundMonth))}
}

func (v *view) resetTime(h hint, ok bool) time.Time {
	if !ok {
		return time.Time{}
	}
	return v.o.ReceivedAt.Add(ceilMillis(h.delay))
}

// share returns which share of a limit is used up; -1 if the limit is not told.
func (v *view) share(remaining, limit string) (float64, bool) {
	left, ok := parseDecimal(remaining)
	if !ok {
		return 0, false
	}
	if all, told := parseDecimal(v.headers[limit]); told && all > 0 && left <= all {
		return 1 - left/all, true
	}
	return -1, true
}
