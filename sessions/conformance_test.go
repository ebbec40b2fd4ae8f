package sessions_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"testing"

	"github.com/credbroker/credbroker/internal/corpus"
	"github.com/credbroker/credbroker/sessions"
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
	got := primaryAndFallback(sessions.Identify(allHeaders(c.Headers), c.Body, sessions.IdentificationReference))
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
	got := []string{messageID(c.System, c.User, c.Assistant)}
	if c.System != "" || c.User != "" { // else a request has no id
		got = append(got, requestOf(t, c).IDs[0])
	}
	passed := !slices.ContainsFunc(got, func(id string) bool { return id != c.Want })
	run.count(c.Family, passed)
	if !passed {
		t.Errorf("%s: the id of %q, %q and %q = %q, want %v", c.ID, c.System, c.User, c.Assistant, got, c.Want)
	}
}

// requestOf is the identity of a request with the texts of a case.
func requestOf(t *testing.T, c unitCase) sessions.Identity {
	t.Helper()
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	body, err := json.Marshal(map[string]any{
		"messages": []message{{"system", c.System}, {"user", c.User}, {"assistant", c.Assistant}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return sessions.Identify(nil, body, sessions.IdentificationReference)
}

// messageID is the id of a conversation with these texts, by the standard library's hash.
func messageID(system, user, assistant string) string {
	h := fnv.New64a()
	for _, text := range [][2]string{{"sys:", system}, {"usr:", user}, {"ast:", assistant}} {
		if text[1] != "" {
			_, _ = h.Write([]byte(text[0] + text[1] + "\n"))
		}
	}
	return fmt.Sprintf("msg:%016x", h.Sum64())
}

// primaryAndFallback are the two ids that the rules give today; empty for none.
func primaryAndFallback(id sessions.Identity) []string {
	ids := append(slices.Clone(id.IDs), "", "")
	return ids[:max(2, len(id.IDs))]
}
