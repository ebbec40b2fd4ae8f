package config

import (
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": `
auths:
  - {id: known, provider: anthropic, secret: {value: k}}
  - {id: known-by-dialect, provider: my-relay, dialect: new-api, secret: {value: k}}
  - {id: without-rules, provider: iflow, secret: {value: k}}
  - {id: mistyped, provider: antropic, secret: {value: k}}
  - {id: mistyped-too, provider: antropic, secret: {value: l}}
  - {id: odd, provider: openai, dialect: open, secret: {value: k}}
auth_dirs: [auths]
`})
	want := func(parts ...string) {
		t.Helper()
		got := s.source.Warnings()
		if len(got) != len(parts) {
			t.Fatalf("warnings are %v, want %d", got, len(parts))
		}
		for i, part := range parts {
			if text := strings.ReplaceAll(got[i].String(), s.dir+"/", ""); !strings.HasPrefix(text, part) {
				t.Errorf("warning %d is %s, want it to begin %s", i, text, part)
			}
		}
	}
	mistyped := `c.yaml:6: provider: nothing is known of the name "antropic": a secret is sent in Authorization`
	odd := `c.yaml:8: dialect: "open" has no rules of its own`
	want(mistyped, odd)
	s.write("auths/a.json", `{"type":"claude","api_key":"k"}`)
	s.source.Reload()
	want("c.yaml:3: provider: the names anthropic, claude mean one provider", mistyped, odd)
	if r := s.reloads[len(s.reloads)-1]; len(r.Warnings) != 1 || len(r.New) != 0 {
		t.Errorf("the reload tells of %+v, want the one new warning", r)
	}
	s.wantProblems()
}
