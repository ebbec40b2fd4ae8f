package sessions

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/credbroker/credbroker/internal/corpus"
)

// identifyCase is one case of a file of format identify/.
type identifyCase struct {
	ID, Family, Class string
	Headers           map[string][]string
	Body              []byte `json:"body_b64"`
	WantPrimary       string `json:"want_primary"`
	WantPrimaryBytes  []byte `json:"want_primary_b64"`
	WantFallback      string `json:"want_fallback"`
}

// unitCase is one case of a file of format units/; the members beside the first two are those of family message_hash.
type unitCase struct {
	ID, Family, System, User, Assistant string
	Want                                any
}

// score counts the cases of one kind.
type score struct{ passed, total int }

func (s score) String() string { return fmt.Sprintf("%d of %d", s.passed, s.total) }

// conformance counts what was run, by kind.
type conformance map[string]score

func (c conformance) count(kind string, passed bool) {
	s := c[kind]
	s.total++
	if passed {
		s.passed++
	}
	c[kind] = s
}

func (c conformance) cases() int {
	return c["strict"].total + c["lenient"].total + c["message_hash"].total
}

func TestConformanceIdentify(t *testing.T) {
	run := conformance{}
	for _, cases := range corpus.Cases(t, "identify", "units") {
		before := run.cases()
		for _, line := range cases {
			if line.Format == "identify" {
				conformanceIdentify(t, line, run)
			} else {
				conformanceUnit(t, line, run)
			}
		}
		if run.cases() == before {
			t.Error("a folder has no cases of session identification")
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(run)) {
		t.Logf("%-32s %v", kind, run[kind])
	}
	fmt.Printf("conformance identify: strict %v, lenient %v (reported only), message_hash %v\n",
		run["strict"], run["lenient"], run["message_hash"])
}

func conformanceIdentify(t *testing.T, line corpus.Case, run conformance) {
	t.Helper()
	var c identifyCase
	line.Decode(t, &c)
	want := []string{c.WantPrimary, c.WantFallback}
	if c.WantPrimaryBytes != nil {
		want[0] = string(c.WantPrimaryBytes)
	}
	got := primaryAndFallback(Identify(allHeaders(c.Headers), c.Body, IdentificationReference))
	passed := slices.Equal(got, want)
	run.count(c.Class, passed)
	run.count(c.Class+" "+c.Family, passed)
	switch {
	case c.Class == "strict" && !passed:
		t.Errorf("%s/%s: Identify(%q, %.300q) = %q, want %q", c.Family, c.ID, c.Headers, c.Body, got, want)
	case c.Class == "lenient" && !passed:
		t.Logf("%s/%s (lenient): Identify(%q, %.300q) = %q, the reference %q", c.Family, c.ID, c.Headers, c.Body, got, want)
	case c.Class != "strict" && c.Class != "lenient":
		t.Errorf("%s/%s: unknown class %q", c.Family, c.ID, c.Class)
	}
}

func conformanceUnit(t *testing.T, line corpus.Case, run conformance) {
	t.Helper()
	var c unitCase
	line.Decode(t, &c)
	switch c.Family {
	case "message_hash":
	case "canonical_model", "priority", "websockets", "cooldown_error":
		return // of package selector
	default:
		t.Errorf("%s/%s: unknown family", c.Family, c.ID)
		return
	}
	got := messageID(c.System, c.User, c.Assistant)
	run.count(c.Family, got == c.Want)
	if got != c.Want {
		t.Errorf("%s: messageID(%q, %q, %q) = %q, want %v", c.ID, c.System, c.User, c.Assistant, got, c.Want)
	}
}

// messageID is the id of a conversation with these texts.
func messageID(system, user, assistant string) string {
	return newFNV1a().addText("sys:", []byte(system)).addText("usr:", []byte(user)).addText("ast:", []byte(assistant)).id()
}

// primaryAndFallback are the two ids that the rules give today; empty for none.
func primaryAndFallback(id Identity) []string {
	ids := append(slices.Clone(id.IDs), "", "")
	return ids[:max(2, len(id.IDs))]
}
