package main

import (
	"encoding/json"
	"regexp"
	"runtime"
	"testing"
)

func TestVersion(t *testing.T) {
	if got := command(t, nil, "version"); got.code != exitOK || !regexp.MustCompile(`^credbroker \S+ \(commit \S+, go\S+\)\n$`).MatchString(got.stdout) {
		t.Errorf("version = %d %q", got.code, got.stdout)
	}
	var shown struct{ Version, Commit, GoVersion string }
	got := command(t, nil, "version", "-o", "json")
	if err := json.Unmarshal([]byte(got.stdout), &shown); err != nil || shown.Version != version() || shown.Commit != commit() || shown.GoVersion != runtime.Version() {
		t.Errorf("version -o json = %d %q (%v)", got.code, got.stdout, err)
	}
}
