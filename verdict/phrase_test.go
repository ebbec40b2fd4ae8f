package verdict_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credbroker/credbroker/verdict"
)

func TestNeeds(t *testing.T) {
	for _, c := range []struct {
		name, expression string
		want             [][]string
	}{
		{"the words of a sentence", `not authorized to perform`, [][]string{{"not authorized to perform"}}},
		{"words around a gap", `item with id .* not found`, [][]string{{"item with id "}, {" not found"}}},
		{"one of some", `\b(openai|grok)(.s)? models?\b`, [][]string{{"openai", "grok"}, {" model"}}},
		{"what need not be there counts for nothing", `(insufficient|any)? balance( due)*`, [][]string{{" balance"}}},
		{"what must be there once does", `(quota)+ (left){2,3}`, [][]string{{"quota"}, {"left"}}},
		{"an alternative that needs nothing", `(quota|[0-9]+) left`, [][]string{{" left"}}},
		{"short words tell nothing", `\bip\b`, nil},
		{"letters in any case tell nothing", `(?i)quota`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, verdict.Needs(c.expression)); diff != "" {
				t.Errorf("Needs(%s) (-want +got):\n%s", c.expression, diff)
			}
		})
	}
}

// FuzzSearch: what is told at a glance is what a search finds.
func FuzzSearch(f *testing.F) {
	f.Add("you have run out of credits", "out of credits")
	f.Add("请在30秒后重试", "后")
	f.Add(strings.Repeat("no such phrase ", 1000), "such phrases")
	f.Add("insufficient balance", `(insufficient|not enough) (balance|credits?)`)
	f.Fuzz(func(t *testing.T, text, wanted string) {
		if got, want := verdict.Contains(text, wanted), strings.Contains(text, wanted); got != want {
			t.Errorf("Contains(%q, %q) = %t, want %t", text, wanted, got, want)
		}
		re, err := regexp.Compile(wanted)
		if err != nil {
			return
		}
		if got, want := verdict.Matches(text, re), re.MatchString(text); got != want {
			t.Errorf("Matches(%q, %q) = %t, want %t", text, wanted, got, want)
		}
	})
}
