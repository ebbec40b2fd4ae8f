package verdict_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/selector/cooldown"
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
		if r.Ladder != cooldown.LadderNone {
			ladder = "`" + r.Ladder.String() + "`"
		}
		want := fmt.Sprintf("| `%s` | %s | %s | `%s` | %s |", r.Name, r.Meaning, ladder, r.Kind, cmp.Or(r.OperatorAction, "-"))
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
