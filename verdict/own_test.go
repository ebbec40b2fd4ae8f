package verdict_test

import (
	"slices"
	"testing"

	"github.com/credbroker/credbroker/verdict"
)

// TestOwnCases judges the project's own cases: every row of the decision table, its phrases and codes, and the grammar of hints.
func TestOwnCases(t *testing.T) {
	rules := load(t)
	for _, c := range ownCases(t) {
		t.Run(c.ID, func(t *testing.T) {
			got := rules.Judge(c.outcome())
			c.check(t, got)
			for _, more := range [...]struct{ name, got, want string }{
				{"Rule", got.Rule, c.Want.Rule},
				{"Family", got.ModelFamily, c.Want.Family},
				{"Domain", got.Domain, c.Want.Domain},
				{"Retry", string(got.Retry), c.Want.Retry},
				{"Ladder", got.Ladder.String(), c.Want.Ladder},
			} {
				if more.want != "" && more.got != more.want {
					t.Errorf("Judge(%s).%s = %q by rule %s, want %q", c.ID, more.name, more.got, got.Rule, more.want)
				}
			}
			if want := got.Delay > 0 && !c.Want.Billing; got.Hint != want {
				t.Errorf("Judge(%s).Hint = %v, want %v", c.ID, got.Hint, want)
			}
		})
	}
}

// TestClientAnswers: what the client cannot mend is not passed on to it, by whatever row.
func TestClientAnswers(t *testing.T) {
	rules, answers := load(t), map[string]verdict.ClientAnswer{
		"client_cancelled": verdict.ClientAnswerCancelled, "clock_skew": verdict.ClientAnswerUnavailable, "client_gate": verdict.ClientAnswerRefused,
	}
	for _, c := range ownCases(t) {
		if got := rules.Judge(c.outcome()); got.ClientAnswer != answers[got.Reason] {
			t.Errorf("Judge(%s).ClientAnswer = %q by rule %s, want %q", c.ID, got.ClientAnswer, got.Rule, answers[got.Reason])
		}
	}
}

// TestRows holds what every embedded row promises: a source, an id of its own, and a case that it decides.
func TestRows(t *testing.T) {
	rules := load(t)
	decided := make(map[string]bool)
	for _, c := range ownCases(t) {
		decided[rules.Judge(c.outcome()).Rule] = true
	}
	known, seen := rules.Reasons(), make(map[string]bool)
	for _, row := range rules.Rows() {
		if row.Source == "" || seen[row.ID] {
			t.Errorf("%s:%d: row %s has no source, or an id that is taken", row.File, row.Line, row.ID)
		}
		seen[row.ID] = true
		if !slices.ContainsFunc(known, func(r verdict.Reason) bool { return r.Name == row.Reason }) {
			t.Errorf("%s:%d: row %s has the undeclared reason %q", row.File, row.Line, row.ID, row.Reason)
		}
		if !decided[row.ID] {
			t.Errorf("%s:%d: no case of testdata/cases.jsonl is decided by row %s: add one, or drop the row", row.File, row.Line, row.ID)
		}
	}
	for _, r := range known {
		if !slices.ContainsFunc(rules.Rows(), func(row verdict.Row) bool { return row.Reason == r.Name }) {
			t.Errorf("no row gives the reason %s", r.Name)
		}
	}
}

// TestAlternatives: there is a case for each code, phrase and exception of the rows, so that none can be lost unnoticed.
func TestAlternatives(t *testing.T) {
	rules, cases := load(t), ownCases(t)
	want := make([]verdict.Verdict, len(cases))
	for i := range cases {
		want[i] = rules.Judge(cases[i].outcome())
	}
	rules.WithoutEach(func(row, what string) {
		for i := range cases {
			// But for exceptions, what is away changes only what the row decided.
			concerned := want[i].Rule == row || what == "its exception"
			if concerned && rules.Judge(cases[i].outcome()) != want[i] {
				return
			}
		}
		t.Errorf("no case of testdata/cases.jsonl needs %s (row %q): add one, or drop it", what, row)
	})
}
