package authdoc

import (
	"strings"
	"testing"
)

func FuzzAuthFile(f *testing.F) {
	for _, text := range []string{
		`{"type":"claude","access_token":"at","expired":"2026-01-31T12:00:00Z"}`, `{"type":"x","token":{"expiry":1769860800}}`,
		`{"type":"x","priority":"5","weight":1e3,"headers":{"A":"b"},"excluded-models":["a*"],"websockets":"true"}`,
		`{"id":"a","type":"x","proxy_url":"http://u:p@h:1","attributes":{"a":true}}`, `[1,{"a":null}]`, `{"type":`, "\ufeff{}", `{"type":"x"} x`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		draft, problems := Parse("a.json", "auths/a.json", text)
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 || p.Line > strings.Count(string(text), "\n")+1 || strings.Contains(p.Field, "\n") || len(p.String()) > 2000 {
				t.Errorf("problem %+v of %q", p, text)
			}
		}
		if len(problems) > 0 {
			return
		}
		a := draft.Build([32]byte{})
		if a.Provider == "" || a.Provider != strings.ToLower(a.Provider) || a.ID != "a.json" && a.ID != "a" {
			t.Errorf("read %q = %+v", text, a)
		}
	})
}
