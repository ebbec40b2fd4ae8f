package verdict

import (
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// codex is an answer of codex.
type codex struct{ *view }

// activeFamily returns the active limit if it is not that of the account.
func (v codex) activeFamily() string {
	switch name := lower(v.headers["x-codex-active-limit"]); name {
	case "", "codex", "premium":
		return ""
	default:
		return name
	}
}

func (v codex) bodyReset(bound time.Duration) (hint, bool) {
	if h, ok := v.instantText(scalar(v.fault.Get("resets_at")), bound); ok {
		return h, true
	}
	d, ok := parseUnits(scalar(v.fault.Get("resets_in_seconds")), time.Second)
	return bounded(d, ok, bound)
}

// fullReset returns the latest reset of the full windows: only a full one keeps the account out. Those of the limit that
// is named as active come before those of the account.
func (v codex) fullReset(bound time.Duration) (hint, bool) {
	if family := v.activeFamily(); family != "" {
		// The limit `codex_spark` has headers `x-codex-spark-...`; others repeat its whole name.
		dashed := strings.ReplaceAll(family, "_", "-")
		for _, prefix := range [...]string{"x-codex-" + family + "-", "x-codex-" + dashed + "-", "x-" + dashed + "-"} {
			if h, ok := v.fullOf(prefix, bound); ok {
				return h, true
			}
		}
	}
	return v.fullOf("x-codex-", bound)
}

func (v codex) fullOf(prefix string, bound time.Duration) (hint, bool) {
	var latest hint
	for _, window := range [...]string{"primary", "secondary"} {
		if used, ok := parseDecimal(v.headers[prefix+window+"-used-percent"]); !ok || used < 100 {
			continue
		}
		h, ok := v.instantText(v.headers[prefix+window+"-reset-at"], bound)
		if !ok {
			d, parsed := parseUnits(v.headers[prefix+window+"-reset-after-seconds"], time.Second)
			h, ok = bounded(d, parsed, bound)
		}
		latest.extend(h, ok)
	}
	return latest, latest.delay > 0
}

// window reads one window of the account.
func (v codex) window(window, value string) (cooldown.Window, bool) {
	used, known := parseDecimal(value)
	w := v.seen(window, used/100, prefixCodex+window+"-reset-at")
	if w.ResetsAt.IsZero() {
		d, valid := parseUnits(v.headers[prefixCodex+window+"-reset-after-seconds"], time.Second)
		w.ResetsAt = v.resetTime(bounded(d, valid, boundMonth))
	}
	return w, known
}
