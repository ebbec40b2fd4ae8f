package config

import (
	"os"
	"strings"
	"testing"
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
			a := draft.build(testKey)
			if a.ID == "" || len(a.ID) > maxID || a.Provider == "" || len(a.Provider) > maxProvider || ids[a.ID] {
				t.Errorf("auth %+v was accepted", a)
			}
			ids[a.ID] = true
		}
		if len(c.Listen.GRPC) == 0 || c.Sessions.TTL < minTTL || c.Sessions.Max < 1 {
			t.Errorf("configuration %+v was accepted", c)
		}
	})
}

func FuzzAuthFile(f *testing.F) {
	for _, text := range []string{
		`{"type":"claude","access_token":"at","expired":"2026-01-31T12:00:00Z"}`, `{"type":"x","token":{"expiry":1769860800}}`,
		`{"type":"x","priority":"5","weight":1e3,"headers":{"A":"b"},"excluded-models":["a*"],"websockets":"true"}`,
		`{"id":"a","type":"x","proxy_url":"http://u:p@h:1","attributes":{"a":true}}`, `[1,{"a":null}]`, `{"type":`, "\ufeff{}", `{"type":"x"} x`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		draft, problems := parseAuth("a.json", "auths/a.json", text)
		checkProblems(t, problems, text)
		if len(problems) > 0 {
			return
		}
		a := draft.build([32]byte{})
		if a.Provider == "" || a.Provider != strings.ToLower(a.Provider) || a.ID != "a.json" && a.ID != "a" {
			t.Errorf("read %q = %+v", text, a)
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
