package sessions

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// sharedFolders are the folders of shared test data: those that the environment variable names, else the default beside
// the module root. Without either the test is skipped, except in CI, where missing data is a failure.
func sharedFolders(t *testing.T, variable, name string) []string {
	t.Helper()
	if folders := filepath.SplitList(os.Getenv(variable)); len(folders) > 0 {
		return folders
	}
	folder := filepath.Join("..", "..", "shared", name)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skipf("%s is not set and there is no %s", variable, folder)
	}
	return []string{folder}
}

// sharedFiles are the files of a folder with JSON Lines. A folder without any is a failure.
func sharedFiles(t *testing.T, folder string) []string {
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

// readLines calls line with every line of a file.
func readLines(t *testing.T, file string, line func(number int, text []byte)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 256<<20)
	for number := 1; lines.Scan(); number++ {
		if len(lines.Bytes()) > 0 {
			line(number, lines.Bytes())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// decode reads one line of a file.
func decode(t *testing.T, file string, number int, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s:%d: %v", file, number, err)
	}
}
