package sessions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
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
	for _, folder := range sharedFolders(t, "CREDBROKER_CONFORMANCE", "conformance") {
		before := run.cases()
		for _, file := range sharedFiles(t, folder) {
			conformanceFile(t, file, run)
		}
		if run.cases() == before {
			t.Errorf("%s: no cases of session recognition", folder)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(run)) {
		t.Logf("%-32s %v", kind, run[kind])
	}
	fmt.Printf("conformance identify: strict %v, lenient %v (reported only), message_hash %v\n",
		run["strict"], run["lenient"], run["message_hash"])
}

// conformanceFile runs the cases of one file, if its format is one for this package.
func conformanceFile(t *testing.T, file string, run conformance) {
	t.Helper()
	var header struct {
		Record, Format string
		Records        int
	}
	records := 0
	readLines(t, file, func(number int, text []byte) {
		if number == 1 {
			decode(t, file, number, text, &header)
			if header.Record != "header" || header.Format == "" {
				t.Fatalf("%s: the first line is no header with a format", file)
			}
			return
		}
		records++
		switch format, _, _ := strings.Cut(header.Format, "/"); format {
		case "identify":
			var c identifyCase
			decode(t, file, number, text, &c)
			conformanceIdentify(t, c, run)
		case "units":
			var c unitCase
			decode(t, file, number, text, &c)
			conformanceUnit(t, c, run)
		}
	})
	if records != header.Records {
		t.Errorf("%s has %d records, its header says %d", file, records, header.Records)
	}
}

func conformanceIdentify(t *testing.T, c identifyCase, run conformance) {
	t.Helper()
	want := []string{c.WantPrimary, c.WantFallback}
	if c.WantPrimaryBytes != nil {
		want[0] = string(c.WantPrimaryBytes)
	}
	var h Headers
	for name, values := range c.Headers {
		for _, value := range values {
			h.Add(name, value)
		}
	}
	got := primaryAndFallback(Identify(&h, c.Body, RecognitionReference))
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

func conformanceUnit(t *testing.T, c unitCase, run conformance) {
	t.Helper()
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
	return newFNV1a().side("sys:", []byte(system)).side("usr:", []byte(user)).side("ast:", []byte(assistant)).id()
}

// primaryAndFallback are the two ids that the rules give today; empty for none.
func primaryAndFallback(id Identity) []string {
	ids := append(slices.Clone(id.IDs), "", "")
	return ids[:max(2, len(id.IDs))]
}
