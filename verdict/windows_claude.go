package verdict

import (
	"strings"
	"time"
)

// claude is an answer of one of Anthropic's dialects.
type claude struct{ *view }

// unified is the prefix of the headers of Anthropic's subscription windows.
const unified = "anthropic-ratelimit-unified-"

const (
	boundSession = 6 * time.Hour
	boundWeek    = 8 * 24 * time.Hour
	boundMonth   = 32 * 24 * time.Hour
)

// rejected is the status of a window that is closed.
const rejected = "rejected"

// status returns the word in one of the unified headers.
func (v claude) status(name string) string {
	return lower(strings.TrimSpace(v.headers[unified+name]))
}

// closed reports whether a window is closed: by its status, or by its use where no status is given.
func (v claude) closed(window string) bool {
	if status := v.status(window + "-status"); status != "" {
		return status == rejected
	}
	used, ok := parseDecimal(v.headers[unified+window+"-utilization"])
	return ok && used >= 1
}

// shared: an overall `allowed` beside a closed window means that overage pays for it.
func (v claude) shared() bool {
	status := v.status("status")
	return (status == "" || status == rejected) && v.sharedWindow()
}

func (v claude) sharedWindow() bool { return v.closed("5h") || v.closed("7d") }

func (v claude) model() bool {
	if v.sharedWindow() {
		return false
	}
	if len(v.modelWindows()) > 0 {
		return true
	}
	// A claim stands in answers that are allowed, too; there it closes nothing.
	if strings.HasPrefix(v.status("status"), "allowed") {
		return false
	}
	switch v.status("representative-claim") {
	case "seven_day_opus", "seven_day_sonnet", "seven_day_overage_included":
		return true
	default:
		return false
	}
}

// modelWindows returns the closed windows that are not those of the account: 7d_oi, 7d_opus and whatever comes next.
func (v claude) modelWindows() []string {
	var closed []string
	for name := range v.headers {
		rest, ok := strings.CutPrefix(name, unified)
		if !ok {
			continue
		}
		window, ok := strings.CutSuffix(rest, "-status")
		if !ok {
			window, ok = strings.CutSuffix(rest, "-utilization")
		}
		if ok && window != "5h" && window != "7d" && window != "" && window[0] >= '0' && window[0] <= '9' && v.closed(window) {
			closed = append(closed, window)
		}
	}
	return closed
}

// sharedReset: the account is back when its last closed window is, and not before the upstream wants to hear of us.
func (v claude) sharedReset() (hint, bool) {
	bound := boundSession
	var latest hint
	if v.closed("5h") {
		latest.extend(v.resetHeader(unified+"5h-reset", boundSession))
	}
	if v.closed("7d") {
		bound = boundWeek
		latest.extend(v.resetHeader(unified+"7d-reset", boundWeek))
	}
	latest.extend(v.retryAfter(bound))
	return latest, latest.delay > 0
}

func (v claude) modelReset() (hint, bool) {
	if h, ok := v.retryAfter(boundWeek); ok {
		return h, true
	}
	var latest hint
	for _, window := range v.modelWindows() {
		latest.extend(v.resetHeader(unified+window+"-reset", boundWeek))
	}
	if latest.delay > 0 {
		return latest, true
	}
	return v.resetHeader(unified+"reset", boundWeek)
}

func (v claude) unifiedReset() (hint, bool) {
	bound := boundWeek
	if v.status("representative-claim") == "five_hour" {
		bound = boundSession
	}
	var latest hint
	latest.extend(v.resetHeader(unified+"reset", bound))
	latest.extend(v.retryAfter(bound))
	return latest, latest.delay > 0
}

// printedReset reads `usage limit reached|UNIX`.
func (v claude) printedReset(bound time.Duration) (hint, bool) {
	_, after, found := strings.Cut(v.text.text, "usage limit reached|")
	if !found {
		return hint{}, false
	}
	end := 0
	for end < len(after) && '0' <= after[end] && after[end] <= '9' {
		end++
	}
	return v.instantText(after[:end], bound)
}
