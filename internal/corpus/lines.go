package corpus

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// maxLine is more than any line has; a recorded request is on one.
const maxLine = 256 << 20

// Files are the *.jsonl of a folder, in order of their names. A folder without any ends the test.
func Files(t testing.TB, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("%s: no *.jsonl", folder)
	}
	return files
}

// Records are the lines of a file, each a T in JSON. At least one.
func Records[T any](t testing.TB, file string) []T {
	t.Helper()
	var all []T
	eachLine(t, file, func(line []byte) {
		var record T
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatalf("%s: record %d: %v", file, len(all)+1, err)
		}
		all = append(all, record)
	})
	if len(all) == 0 {
		t.Fatalf("%s: empty", file)
	}
	return all
}

// eachLine calls do with every line that is not empty. The line is do's only until it returns.
func eachLine(t testing.TB, file string, do func(line []byte)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if len(lines.Bytes()) > 0 {
			do(lines.Bytes())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
