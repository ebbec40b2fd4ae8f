package verdict_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/verdict"
)

// TestDocumentedReasons compares the table of reasons with what the rules declare.
func TestDocumentedReasons(t *testing.T) {
	const page = "../docs/verdicts.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## Reasons\n")
	var documented []string
	for line := range strings.SplitSeq(table, "\n") {
		if strings.HasPrefix(line, "| `") {
			documented = append(documented, line)
		}
	}
	for _, r := range load(t).Reasons() {
		ladder := "-"
		if r.Ladder != "" {
			ladder = "`" + string(r.Ladder) + "`"
		}
		want := fmt.Sprintf("| `%s` | %s | %s | `%s` | %s |", r.Name, r.Meaning, ladder, r.Block, cmp.Or(r.Person, "-"))
		at := slices.Index(documented, want)
		if at < 0 {
			t.Errorf("%s lacks the line\n%s", page, want)
			continue
		}
		documented = slices.Delete(documented, at, at+1)
	}
	for _, line := range documented {
		t.Errorf("%s has a reason that no file declares:\n%s", page, line)
	}
}

// TestDocumentedWords: the page names every stage, ladder and dialect's file that there is.
func TestDocumentedWords(t *testing.T) {
	text, err := os.ReadFile("../docs/verdicts.md")
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"quota_long"}
	for _, row := range load(t).Rows() {
		words = append(words, row.Stage)
	}
	for _, word := range slices.Compact(words) {
		if !strings.Contains(string(text), "`"+word+"`") {
			t.Errorf("docs/verdicts.md does not name `%s`", word)
		}
	}
}

func TestLadders(t *testing.T) {
	for _, c := range []struct {
		ladder verdict.Ladder
		want   string // levels 0, 1, 100
	}{
		{verdict.LadderRate, "2s 4s 5m0s"},
		{verdict.LadderOverload, "1s 2s 1m0s"},
		{verdict.LadderEgress, "10s 20s 30m0s"},
		{verdict.LadderQuota, "15m0s 30m0s 5h0m0s"},
		{verdict.LadderQuotaLong, "15m0s 30m0s 24h0m0s"},
		{"", "2s 4s 5m0s"},
	} {
		if got := fmt.Sprint(c.ladder.Delay(0), c.ladder.Delay(1), c.ladder.Delay(100)); got != c.want {
			t.Errorf("%q.Delay(0, 1, 100) = %s, want %s", c.ladder, got, c.want)
		}
	}
}
