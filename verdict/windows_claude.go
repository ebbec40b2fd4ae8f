package verdict

import (
	"strings"
	"time"
)

// unified is the prefix of the headers of Anthropic's subscription windows.
const unified = "anthropic-ratelimit-unified-"

const (
	boundSession = 6 * time.Hour
	boundWeek    = 8 * 24 * time.Hour
	boundMonth   = 32 * 24 * time.Hour
)

// rejected is the status of a window that is closed.
const rejected = "rejected"

// unifiedStatus returns the word in one of the unified headers.
func (v *view) unifiedStatus(name string) string {
	return lower(strings.TrimSpace(v.headers[unified+name]))
}

// claudeClosed reports whether a window is closed: by its status, or by its use where no status is given.
func (v *view) claudeClosed(window string) bool {
	if status := v.unifiedStatus(window + "-status"); status != "" {
		return status == rejected
	}
	used, ok := parseDecimal(v.headers[unified+window+"-utilization"])
	return ok && used >= 1
}

// claudeShared: an overall `allowed` beside a closed window means that overage pays for it.
func (v *view) claudeShared() bool {
	status := v.unifiedStatus("status")
	return (status == "" || status == rejected) && v.claudeSharedWindow()
}

func (v *view) claudeSharedWindow() bool { return v.claudeClosed("5h") || v.claudeClosed("7d") }

func (v *view) claudeModel() bool {
	if v.claudeSharedWindow() {
		return false
	}
	if len(v.claudeModelWindows()) > 0 {
		return true
	}
	// A claim stands in answers that are allowed, too; there it closes nothing.
	if strings.HasPrefix(v.unifiedStatus("status"), "allowed") {
		return false
	}
	switch v.unifiedStatus("representative-claim") {
	case "seven_day_opus", "seven_day_sonnet", "seven_day_overage_included":
		return true
	default:
		return false
	}
}

// claudeModelWindows returns the closed windows that are not those of the account: 7d_oi, 7d_opus and whatever comes next.
func (v *view) claudeModelWindows() []string {
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
		if ok && window != "5h" && window != "7d" && window != "" && window[0] >= '0' && window[0] <= '9' && v.claudeClosed(window) {
			closed = append(closed, window)
		}
	}
	return closed
}

// claudeSharedReset: the account is back when its last closed window is, and not before the upstream wants to hear of us.
func (v *view) claudeSharedReset() (hint, bool) {
	bound := boundSession
	var latest hint
	if v.claudeClosed("5h") {
		latest.extend(v.resetHeader(unified+"5h-reset", boundSession))
	}
	if v.claudeClosed("7d") {
		bound = boundWeek
		latest.extend(v.resetHeader(unified+"7d-reset", boundWeek))
	}
	latest.extend(v.retryAfter(bound))
	return latest, latest.delay > 0
}

func (v *view) claudeModelReset() (hint, bool) {
	if h, ok := v.retryAfter(boundWeek); ok {
		return h, true
	}
	var latest hint
	for _, window := range v.claudeModelWindows() {
		latest.extend(v.resetHeader(unified+window+"-reset", boundWeek))
	}
	if latest.delay > 0 {
		return latest, true
	}
	return v.resetHeader(unified+"reset", boundWeek)
}

func (v *view) claudeUnifiedReset() (hint, bool) {
	bound := boundWeek
	if v.unifiedStatus("representative-claim") == "five_hour" {
		bound = boundSession
	}
	var latest hint
	latest.extend(v.resetHeader(unified+"reset", bound))
	latest.extend(v.retryAfter(bound))
	return latest, latest.delay > 0
}

// claudePrinted reads `usage limit reached|UNIX`.
func (v *view) claudePrinted(bound time.Duration) (hint, bool) {
	_, after, found := strings.Cut(v.text, "usage limit reached|")
	if !found {
		return hint{}, false
	}
	end := 0
	for end < len(after) && '0' <= after[end] && after[end] <= '9' {
		end++
	}
	return v.instantText(after[:end], bound)
}
