package verdict_test

import (
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/internal/corpus"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/verdict"
)

// verdictCase is one upstream answer and what it means.
type verdictCase struct {
	ID         string
	Provider   string
	Kind       string `json:"credential_kind"`
	Model      string
	Status     int
	Headers    map[string]string
	Body       string
	Transport  string         `json:"transport_error"`
	Ending     verdict.Ending `json:"outcome"`
	Class      verdict.Class  `json:"error_class"`
	ReceivedAt time.Time      `json:"received_at"`
	Want       struct {
		Fault, Action, Scope, Reason string

		RetryAfter int64     `json:"retry_after_ms"`
		ResetAt    time.Time `json:"reset_at"`
		Backoff    bool

		// Only the project's own cases say these.
		Rule, Family, Domain, Retry, Ladder string
		Billing                             bool
	}
}

func (c *verdictCase) outcome() verdict.Outcome {
	return verdict.Outcome{
		Dialect: c.Provider, Kind: c.Kind, Model: c.Model, Status: c.Status, Headers: c.Headers, Body: []byte(c.Body),
		ReceivedAt: c.ReceivedAt, TransportError: c.Transport, Ending: c.Ending, Class: c.Class,
	}
}

// clock is the server's: its Date header, unless the answer comes from a cache.
func (c *verdictCase) clock() time.Time {
	date, err := time.Parse(time.RFC1123, c.Headers["date"])
	if _, cached := c.Headers["age"]; err != nil || cached {
		return c.ReceivedAt
	}
	return date
}

func (c *verdictCase) check(t *testing.T, got verdict.Verdict) {
	t.Helper()
	wantScope := c.Want.Scope
	if wantScope == "credential" {
		wantScope = cooldown.ScopeAuth.String()
	}
	if string(got.Fault) != c.Want.Fault || got.Action.String() != c.Want.Action || got.Scope.String() != wantScope || got.Reason != c.Want.Reason {
		t.Errorf("Judge(%s %d %s %v) = %s/%s/%s %s by rule %s, want %s/%s/%s %s", c.Provider, c.Status, c.Body, c.Headers,
			got.Fault, got.Action, got.Scope, got.Reason, got.Rule, c.Want.Fault, c.Want.Action, wantScope, c.Want.Reason)
	}
	want, tolerance := time.Duration(c.Want.RetryAfter)*time.Millisecond, time.Second
	if !c.Want.ResetAt.IsZero() {
		want, tolerance = c.Want.ResetAt.Sub(c.clock()), 2*time.Second
	}
	if (want == 0) != (got.Delay == 0) || (got.Delay-want).Abs() > tolerance {
		t.Errorf("Judge(%s %d %s %v).Delay = %v by rule %s, want %v", c.Provider, c.Status, c.Body, c.Headers, got.Delay, got.Rule, want)
	}
	if c.Want.Backoff != (got.Ladder != cooldown.LadderNone) {
		t.Errorf("Judge(%s %d %s %v).Ladder = %v by rule %s, want one: %v", c.Provider, c.Status, c.Body, c.Headers, got.Ladder, got.Rule, c.Want.Backoff)
	}
	if (got.Action == cooldown.ActionDisable || got.Action == cooldown.ActionInvalidate) && got.OperatorAction == "" {
		t.Errorf("Judge(%s) = %s %s by rule %s, and does not say what an operator must do", c.ID, got.Action, got.Reason, got.Rule)
	}
	if got.Delay > 0 && !got.Until.Equal(c.ReceivedAt.Add(got.Delay)) {
		t.Errorf("Judge(%s).Until = %v, want receipt + %v", c.ID, got.Until, got.Delay)
	}
}

// TestCases judges the shared cases.
func TestCases(t *testing.T) {
	rules := load(t)
	judged := make(map[string]int)
	for _, c := range sharedCases(t) {
		judged[c.Provider]++
		t.Run(c.ID, func(t *testing.T) { c.check(t, rules.Judge(c.outcome())) })
	}
	for _, provider := range slices.Sorted(mapKeys(judged)) {
		t.Logf("%-20s %3d cases", provider, judged[provider])
	}
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func load(t testing.TB, extra ...verdict.File) *verdict.Rules {
	t.Helper()
	rules, err := verdict.Load(extra...)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return rules
}

// sharedCases are the cases of all folders; each has some.
func sharedCases(t testing.TB) (all []verdictCase) {
	t.Helper()
	for _, folder := range corpus.Folders(t, corpus.Verdicts) {
		for _, file := range corpus.Files(t, folder) {
			all = append(all, corpus.Records[verdictCase](t, file)...)
		}
	}
	return all
}

func ownCases(t testing.TB) (all []verdictCase) {
	t.Helper()
	for _, file := range corpus.Files(t, "testdata") {
		all = append(all, corpus.Records[verdictCase](t, file)...)
	}
	return all
}
