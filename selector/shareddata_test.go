package selector_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// conformanceCases reads every case of the *.jsonl files of the conformance folders whose header says format, and skips
// the test by name where there is no such data: never when the folders are named or in CI.
func conformanceCases(t *testing.T, format string) []json.RawMessage {
	t.Helper()
	const variable, standard = "CREDBROKER_CONFORMANCE", "../../shared/conformance"
	folders := os.Getenv(variable)
	if folders == "" {
		if _, err := os.Stat(standard); err != nil && os.Getenv("CI") == "" {
			t.Skipf("no conformance data: %s is not set and %s does not exist", variable, standard)
		}
		folders = standard
	}
	var all []json.RawMessage
	for _, folder := range filepath.SplitList(folders) {
		files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		before := len(all)
		for _, file := range files {
			all = append(all, readCases(t, file, format)...)
		}
		if len(all) == before {
			t.Fatalf("folder %s has no cases of format %s", folder, format)
		}
	}
	return all
}

func readCases(t *testing.T, file, format string) []json.RawMessage {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	var cases []json.RawMessage
	for first := true; lines.Scan(); first = false {
		line := lines.Bytes()
		if first {
			var header struct{ Record, Format string }
			if err := json.Unmarshal(line, &header); err != nil || header.Record != "header" {
				t.Fatalf("%s: the first line is no header", file)
			}
			if !strings.HasPrefix(header.Format, format+"/") {
				return nil
			}
			continue
		}
		cases = append(cases, json.RawMessage(append([]byte(nil), line...)))
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return cases
}

func decode[T any](t *testing.T, line json.RawMessage) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(line, &value); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return value
}
