package corpus

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// Case is one case of a reference implementation.
type Case struct {
	// Format of its file, without the version.
	Format string
	text   json.RawMessage
}

// Cases are the conformance cases of one or several formats, folder by folder. Each folder must have some.
func Cases(t testing.TB, formats ...string) (folders [][]Case) {
	t.Helper()
	for _, folder := range Folders(t, Conformance) {
		var cases []Case
		for _, file := range Files(t, folder) {
			if of := readCases(t, file); slices.Contains(formats, of[0].Format) {
				cases = append(cases, of...)
			}
		}
		if len(cases) == 0 {
			t.Fatalf("%s: no cases of format %q", folder, formats)
		}
		folders = append(folders, cases)
	}
	return folders
}

// Decode reads the case into a struct of the test's.
func (c Case) Decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(c.text, into); err != nil {
		t.Fatalf("%s: %v", c.text, err)
	}
}

// readCases reads a file whose first line is a header, which says its format and how many cases follow.
func readCases(t testing.TB, file string) []Case {
	t.Helper()
	lines := Records[json.RawMessage](t, file)
	var header struct {
		Record, Format string
		Records        int
	}
	if err := json.Unmarshal(lines[0], &header); err != nil || header.Record != "header" || header.Format == "" {
		t.Fatalf("%s: the first line is no header with a format: %v", file, err)
	}
	if len(lines)-1 != header.Records || header.Records == 0 {
		t.Fatalf("%s has %d records, its header says %d", file, len(lines)-1, header.Records)
	}
	format, _, _ := strings.Cut(header.Format, "/")
	cases := make([]Case, 0, header.Records)
	for _, line := range lines[1:] {
		cases = append(cases, Case{format, line})
	}
	return cases
}
