package config

import (
	"os"
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

func TestExposedFilesAreWarnedOf(t *testing.T) {
	s := newScene(t, map[string]string{
		"c.yaml": "auths: [{id: y, provider: claude, secret: {file: key}}, {id: z, provider: claude, secret: {file: closed}}]\nauth_dirs: [auths]",
		"key":    "sk-1", "closed": "sk-2", "auths/a.json": key("a"), "auths/b.json": key("b"),
	})
	want := func(after string, parts ...string) {
		t.Helper()
		got := s.source.Warnings()
		text := strings.ReplaceAll(got.Error(), s.dir+"/", "")
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s: warnings are %s, want %s", after, text, part)
			}
		}
		if len(got) != len(parts) {
			t.Errorf("%s: warnings are %s, want %d", after, text, len(parts))
		}
	}
	chmod := func(name string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(s.path(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"key", "closed", "auths/a.json", "auths/b.json"} {
		chmod(name, 0o600)
	}
	s.source.Reload()
	want("mode 0600")
	chmod("key", 0o640)
	chmod("auths/b.json", 0o604)
	s.source.rescan(changes{}, tentative)
	const why = "holds a secret, and its group or others can read it (mode "
	want("others can read", "key: "+why+"0640)", "auths/b.json: "+why+"0604); chmod 600 is enough for the broker")
	if r := s.reloads[len(s.reloads)-1]; len(r.Warnings) != 2 {
		t.Errorf("the change told of %+v, want two new warnings", r)
	}
	chmod("auths/a.json", 0o644)
	s.source.rescan(changes{}, tentative)
	want("one more", "key: "+why+"0640)", "auths/a.json: "+why+"0644); chmod 600 is enough for the broker; auth files of the folder that this is true of: 2")
	chmod("key", 0o600)
	s.put("a.json", key("c")) // what is written anew is the broker's alone
	s.remove("auths/b.json")
	s.source.rescan(changes{}, tentative)
	want("mended")
	s.wantProblems()
}
