package config

import (
	"os"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/internal/authdoc"
)

// Whatever is in the file, the answer is with a configuration that can be used or with problems that can be shown.
func FuzzConfig(f *testing.F) {
	for _, pattern := range []string{"testdata/accept/*.yaml", "testdata/reject/*.yaml", "../examples/*.yaml"} {
		for _, file := range globFiles(f, pattern) {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		c := Default()
		c.Path = dir + "/c.yaml"
		problems := c.read(text, testOptions)
		checkProblems(t, problems, text)
		if len(problems) > 0 {
			return
		}
		ids := make(map[string]bool)
		for _, draft := range c.drafts {
			a := draft.Build(testKey)
			if a.ID == "" || len(a.ID) > authdoc.MaxID || a.Provider == "" || len(a.Provider) > authdoc.MaxProvider || ids[a.ID] {
				t.Errorf("auth %+v was accepted", a)
			}
			ids[a.ID] = true
		}
		if len(c.Listen.GRPC) == 0 || c.Sessions.TTL < minTTL || c.Sessions.Max < 1 {
			t.Errorf("configuration %+v was accepted", c)
		}
	})
}

func checkProblems(t *testing.T, problems Problems, text []byte) {
	t.Helper()
	lines := strings.Count(string(text), "\n") + strings.Count(string(text), "\r") + strings.Count(string(text), "\u0085") +
		strings.Count(string(text), "\u2028") + strings.Count(string(text), "\u2029") + 2
	for _, p := range problems {
		if p.Message == "" || p.Line < 0 || p.Line > lines || strings.Contains(p.Field, "\n") || len(p.String()) > 2000 {
			t.Errorf("problem %+v of %q", p, text)
		}
	}
}
