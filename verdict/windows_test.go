package verdict_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/verdict"
)

func TestWindows(t *testing.T) {
	at := time.Date(2026, 10, 10, 10, 0, 0, 0, time.UTC)
	in := at.Add
	for _, c := range []struct {
		name, dialect string
		headers       map[string]string
		want          []cooldown.Window
	}{
		{"no windows", "openai", map[string]string{"content-type": "text/plain", "x-request-id": "r"}, nil},
		{"unified windows, names in any case", "claude-code", map[string]string{
			"Anthropic-RateLimit-Unified-5h-Utilization": "0.31", "anthropic-ratelimit-unified-5h-reset": "1791628200",
			"anthropic-ratelimit-unified-7d-utilization": "1.02", "anthropic-ratelimit-unified-status": "allowed",
		}, []cooldown.Window{{Name: "5h", UsedShare: 0.31, ResetsAt: in(30 * time.Minute)}, {Name: "7d", UsedShare: 1.02}}},
		{"rate limits of the API", "anthropic", map[string]string{
			"anthropic-ratelimit-input-tokens-limit": "50000", "anthropic-ratelimit-input-tokens-remaining": "12500",
			"anthropic-ratelimit-input-tokens-reset": "2026-10-10T10:00:30Z",
		}, []cooldown.Window{{Name: "input-tokens", UsedShare: 0.75, ResetsAt: in(30 * time.Second)}}},
		{"codex windows, both forms of the reset", "codex", map[string]string{
			"x-codex-primary-used-percent": "25", "x-codex-primary-reset-at": "1791630000",
			"x-codex-secondary-used-percent": "50", "x-codex-secondary-reset-after-seconds": "60",
		}, []cooldown.Window{
			{Name: "primary", UsedShare: 0.25, ResetsAt: in(time.Hour)},
			{Name: "secondary", UsedShare: 0.5, ResetsAt: in(time.Minute)},
		}},
		{"codex headers of somebody else are not believed", "openai", map[string]string{"x-codex-primary-used-percent": "25"}, nil},
		{"a window of the priority tier alone", "anthropic", map[string]string{
			"Anthropic-Priority-Input-Tokens-Limit": "100", "anthropic-priority-input-tokens-remaining": "25",
		}, []cooldown.Window{{Name: "priority-input-tokens", UsedShare: 0.75}}},
		{"a family of codex", "codex", map[string]string{
			"x-codex-spark-primary-used-percent": "5", "x-codex-active-limit": "codex",
		}, []cooldown.Window{{Name: "spark-primary", UsedShare: 0.05}}},
		{"names that only look like it", "openai", map[string]string{"x-r": "1", "x-ratelimit-remain": "1", "anthropic": "2", "x-codex": "3"}, nil},
		{"ordinary rate limits", "groq", map[string]string{
			"x-ratelimit-limit-requests": "1000", "x-ratelimit-remaining-requests": "900", "x-ratelimit-reset-requests": "2m59.56s",
			"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "NaN",
		}, []cooldown.Window{
			{Name: "requests", UsedShare: 0.1, ResetsAt: in(179560 * time.Millisecond)},
			{Name: "tokens", UsedShare: -1},
		}},
		{"a single limit, milliseconds, the server's clock", "openrouter", map[string]string{
			"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1791626760000", "date": "Sat, 10 Oct 2026 10:05:00 GMT",
		}, []cooldown.Window{{Name: "requests", UsedShare: 1, ResetsAt: in(time.Minute)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, got := load(t).Read(verdict.Outcome{Dialect: c.dialect, Status: 200, Headers: c.headers, ReceivedAt: at})
			for i := range c.want {
				c.want[i].SeenAt = at
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Errorf("Read(%s, %v) (-want +got):\n%s", c.dialect, c.headers, diff)
			}
		})
	}
}
