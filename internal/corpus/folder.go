package corpus

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Kind is a kind of shared data, and the name of its folder.
type Kind string

// The kinds of shared data.
const (
	Conformance Kind = "conformance" // cases of a reference implementation
	Traffic     Kind = "traffic"     // what real clients sent
	Verdicts    Kind = "verdicts"    // answers of upstreams and what they mean
)

// shared says that there is no shared data if its value is none.
const shared = "CREDBROKER_SHARED"

// Folders are the folders with data of a kind, at least one. Without any the test is skipped or fails.
func Folders(t testing.TB, kind Kind) []string {
	t.Helper()
	if os.Getenv(shared) == "none" {
		t.Skipf("%s=none: no %s data", shared, kind)
	}
	variable := "CREDBROKER_" + strings.ToUpper(string(kind))
	if folders := filepath.SplitList(os.Getenv(variable)); len(folders) > 0 {
		return folders
	}
	standard := filepath.Join(moduleRoot(t), "..", "shared", string(kind))
	switch _, err := os.Stat(standard); {
	case err == nil:
		return standardFolders(standard)
	case !errors.Is(err, fs.ErrNotExist):
		t.Fatal(err)
	case os.Getenv("CI") != "":
		t.Fatalf("no %s data: %s is not set and %s does not exist; if there is none, say so by %s=none", kind, variable, standard, shared)
	}
	t.Skipf("no %s data: %s is not set and %s does not exist", kind, variable, standard)
	return nil
}

// standardFolders are a folder and what was collected after it, under its name with a 2, where there is any.
func standardFolders(first string) []string {
	second := first + "2"
	if _, err := os.Stat(second); err != nil {
		return []string{first}
	}
	return []string{first, second}
}

// moduleRoot is the folder of go.mod: tests run in the folder of their package.
func moduleRoot(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if parent := filepath.Dir(folder); parent != folder {
			folder = parent
			continue
		}
		t.Fatal("no go.mod above the test's folder")
	}
}
