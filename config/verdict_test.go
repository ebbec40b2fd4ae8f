package config

import (
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/verdict"
)

// acme is a row that makes a quota of what would be a plain limit.
const acme = `
dialects: [openai]
rules:
  - id: acme-gateway-quota
    stage: limit
    when: {status: 429, text: [acme quota]}
    fault: credential
    action: cooldown
    scope: auth
    time: {first: [retry_after], within: 26h}
    reason: daily_quota
    source: the manual of a gateway
`

func judged(c *Config) string {
	return c.Rules.Judge(verdict.Outcome{
		Dialect: "openai", Kind: verdict.KindAPIKey, Model: "m", Status: 429, ReceivedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Body: []byte(`{"error":{"message":"ACME quota is used up"}}`),
	}).Rule
}

func TestFilesOfRulesAreFollowed(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "verdict: {rules: [rules/acme.yaml]}", "rules/acme.yaml": acme})
	if got := judged(s.source.Config()); got != "acme-gateway-quota" {
		t.Fatalf("judged by %s", got)
	}
	s.run(noRescan)
	s.replace("rules/acme.yaml", strings.ReplaceAll(acme, "acme-gateway-quota", "acme-other"))
	s.until("the changed row", func() bool { return judged(s.source.Config()) == "acme-other" })

	// A broken file is refused, and the last good rules go on.
	s.replace("rules/acme.yaml", strings.ReplaceAll(acme, "stage: limit", "stage: limits"))
	s.until("a problem", func() bool { return strings.Contains(s.problems(), "acme.yaml:5: rules[0].stage") })
	if got := judged(s.source.Config()); got != "acme-other" {
		t.Errorf("with a broken file: judged by %s", got)
	}
	s.replace("rules/acme.yaml", acme)
	s.until("the row again", func() bool { return judged(s.source.Config()) == "acme-gateway-quota" })
	s.untilProblems("")
	s.write("c.yaml", "verdict: {rules: []}")
	s.until("the program's own row", func() bool { return !strings.HasPrefix(judged(s.source.Config()), "acme") })
}

func TestChangedRulesAreANewGeneration(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "verdict: {rules: [acme.yaml]}", "acme.yaml": acme})
	generation := s.source.Status().Generation
	s.source.Reload()
	if got := s.source.Status().Generation; got != generation {
		t.Errorf("without a change: generation %d, then %d", generation, got)
	}
	s.write("acme.yaml", strings.ReplaceAll(acme, "26h", "25h"))
	s.source.Reload()
	if got := s.source.Status().Generation; got != generation+1 {
		t.Errorf("after a change: generation %d, want %d", got, generation+1)
	}
}

func TestFilesOfRulesAreBounded(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "{}"})
	s.write("acme.yaml", acme+"# "+strings.Repeat("x", 1<<20))
	s.write("c.yaml", "verdict: {rules: [acme.yaml]}")
	if _, err := Open(s.path("c.yaml"), testOptions); err == nil || !strings.Contains(err.Error(), "acme.yaml is too large; allowed: at most 1 MiB") {
		t.Errorf("Open = %v", err)
	}
	s.write("c.yaml", "verdict: {rules: ["+strings.Repeat("a, ", 17)+"]}")
	if _, err := Open(s.path("c.yaml"), testOptions); err == nil || !strings.Contains(err.Error(), "allowed: at most 16") {
		t.Errorf("Open = %v", err)
	}
}
