package config

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/selector"
)

func (s *scene) put(id, document string) (persisted bool) {
	s.t.Helper()
	persisted, err := s.source.Put(s.t.Context(), id, []byte(document))
	if err != nil {
		s.t.Fatalf("Put(%s): %v", id, err)
	}
	return persisted
}

func (s *scene) members(file string) map[string]any {
	s.t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s.read(file)), &m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// sends tells whether the auth carries the secret in its first header.
func (s *scene) sends(id, secret string) bool {
	a := s.auth(id)
	return a != nil && len(a.Headers) > 0 && a.Headers[0].Value.Equal(selector.NewSecret(secret))
}

func TestPutWritesFiles(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths, more]", "more/other.json": key("other")})
	steps := []struct{ id, file string }{
		{"team-1", "auths/team-1.json"}, {"a/b/team-2", "auths/a/b/team-2.json"}, {"team-3.json", "auths/team-3.json"},
		{"other.json", "more/other.json"}, // where it is already
	}
	for _, step := range steps {
		if !s.put(step.id, `{"id":"`+step.id+`","type":"claude","api_key":"sk-1","note":"<put>"}`) {
			t.Errorf("Put(%s) is not persisted", step.id)
		}
		if !s.sends(step.id, "sk-1") || s.auth(step.id).Origin != selector.OriginFile || s.auth(step.id).Source != s.path(step.file) {
			t.Errorf("Put(%s): the target has %+v, want it from %s", step.id, s.auth(step.id), step.file)
		}
		info, err := os.Stat(s.path(step.file))
		if err != nil {
			t.Fatal(err)
		}
		if step.id != "other.json" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", step.file, info.Mode())
		}
	}
	s.wantProblems()
}

func TestPutOutlivesARestart(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]"})
	for _, id := range []string{"team-1", "team-2.json", "a/team 3", "team-1"} {
		s.put(id, key("sk-1"))
	}
	want := s.ids()
	s.takeUpdates()
	s.source.Reload()
	if got := s.takeUpdates(); got != "" {
		t.Errorf("a reload after Put hands over %s", got)
	}
	restarted := &scene{target: newTarget(t), dir: s.dir}
	restarted.open()
	if got := restarted.ids(); got != want || want != "a/team 3 team-1 team-2.json" {
		t.Errorf("after a restart the auths are %q, before %q", got, want)
	}
	restarted.wantProblems()
}

func TestPutInMemory(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auths: [{id: y, provider: claude}]"})
	if s.put("m", `{"id":"m","type":"claude","access_token":"at","expired":4073544000,"email":"e@example.com"}`) {
		t.Error("Put without a folder is persisted")
	}
	if a := s.auth("m"); a == nil || a.Origin != selector.OriginMemory || a.Source != "" {
		t.Fatalf("the target has %+v, want m in memory", a)
	}
	// Without a secret the token, its end and the account stay; settings do not.
	s.put("m", `{"type":"claude","note":"n"}`)
	if a := s.auth("m"); a.Note != "n" || a.ExpiresAt.IsZero() || a.Identity != "account:claude:e@example.com" || len(a.Headers) != 2 {
		t.Errorf("the target has %+v, want the account with a note", a)
	}
	// A reload leaves memory alone, and a folder takes it over at the next write.
	s.write("c.yaml", "auths: [{id: y, provider: claude}]\nauth_dirs: [auths]")
	s.write("auths/x.json", key("x"))
	s.source.Reload()
	if !s.put("m", `{"type":"claude","note":"o"}`) {
		t.Error("Put with a folder is not persisted")
	}
	if a := s.auth("m"); a.Origin != selector.OriginFile || a.Identity != "account:claude:e@example.com" {
		t.Errorf("the target has %+v, want the account in a file", a)
	}
	s.wantProblems()
	if err := s.source.Delete(t.Context(), "m"); err != nil || s.auth("m") != nil {
		t.Errorf("Delete: %v, and the target has %v", err, s.auth("m"))
	}
}

func TestPutKeepsTheAccount(t *testing.T) {
	const file = `{"type":"codex","email":"e@example.com","access_token":"at","refresh_token":"rt","expired":"2099-01-01T00:00:00Z",
		"client":{"id":"for another program"},"priority":5,"prefix":"p","websockets":true,"headers":{"X-A":"b"},"proxy_url":"http://p:1"}`
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": file})
	s.put("a.json", `{"type":"codex","weight":3,"expiry":"2098-01-01T00:00:00Z","proxy_url":"http://p:1"}`)
	m := s.members("auths/a.json")
	for _, name := range []string{"email", "access_token", "refresh_token", "client", "websockets", "headers", "weight", "expiry", "proxy_url"} {
		if m[name] == nil {
			t.Errorf("the file has no %s: %v", name, m)
		}
	}
	for _, name := range []string{"priority", "prefix", "expired", "id"} {
		if m[name] != nil {
			t.Errorf("the file still has %s: %v", name, m)
		}
	}
	if !s.sends("a.json", "Bearer at") || s.auth("a.json").ExpiresAt.Year() != 2098 {
		t.Errorf("the target has %+v, want the old token with the new end", s.auth("a.json"))
	}
	// A secret replaces everything.
	s.put("a.json", `{"type":"codex","api_key":"sk"}`)
	if m := s.members("auths/a.json"); len(m) != 2 {
		t.Errorf("the file is %v, want type and key", m)
	}
}

func TestPutRefuses(t *testing.T) {
	s := newScene(t, map[string]string{
		"c.yaml": "auths: [{id: y, provider: claude}]\nauth_dirs: [auths]", "auths/a.json": key("a"), "auths/b.json": key("b"),
		"auths/folder.json/c.json": key("c"),
	})
	before := s.ids()
	tests := []struct{ name, id, document, field string }{
		{"an id that leaves the folder", "../x", key("k"), "id"},
		{"an absolute id", "/etc/x", key("k"), "id"},
		{"a part that leaves the folder", "a/../../x", key("k"), "id"},
		{"a hidden id", ".x", key("k"), "id"},
		{"a hidden part", "a/.x/y", key("k"), "id"},
		{"an empty part", "a//b", key("k"), "id"},
		{"a folder as id", "a/", key("k"), "id"},
		{"a backslash", `a\b`, key("k"), "id"},
		{"a NUL", "a\x00b", key("k"), "id"},
		{"an empty id", "", key("k"), "id"},
		{"a long id", strings.Repeat("x", 257), key("k"), "id"},
		{"a long part", strings.Repeat("x", 241), key("k"), "id"},
		{"a deep id", strings.Repeat("x/", 9) + "x", key("k"), "id"},
		{"the file of another auth", "a", key("k"), "id"},
		{"another id in the document", "z", `{"id":"zz","type":"claude"}`, "id"},
		{"no JSON", "z", `{"type":`, "document"},
		{"a list", "z", `[]`, "document"},
		{"too much", "z", `{"type":"x","note":"` + strings.Repeat("n", authdoc.MaxFile) + `"}`, "document"},
		{"no provider", "z", `{}`, "document"},
		{"a bad weight", "z", `{"type":"x","weight":-1}`, "weight"},
		{"a bad header", "z", `{"type":"x","headers":{"A":"b\nc"}}`, "headers.A"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := s.source.Put(t.Context(), test.id, []byte(test.document))
			var field *selector.FieldError
			if !errors.As(err, &field) || field.Field != test.field {
				t.Errorf("Put(%q): %v, want a fault of %s", test.id, err, test.field)
			}
		})
	}
	if _, err := s.source.Put(t.Context(), "y", []byte(key("k"))); !errors.Is(err, selector.ErrManagedByConfig) {
		t.Errorf("Put of an auth of the YAML file: %v, want ErrManagedByConfig", err)
	}
	if _, err := s.source.Put(t.Context(), "folder", []byte(key("k"))); err == nil {
		t.Error("Put over a folder: no error")
	}
	if s.ids() != before || s.takeUpdates() != "" {
		t.Errorf("auths are %q, want %q", s.ids(), before)
	}
	s.source.Reload()
	s.wantProblems()
}

// Links in a folder are followed for reading, and never for writing to somewhere else.
func TestPutStaysInTheFolder(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": key("a"), "outside/keep": ""})
	s.link("../outside", "auths/out")
	if _, err := s.source.Put(t.Context(), "out/x", []byte(key("k"))); err == nil {
		t.Error("Put through a link out of the folder: no error")
	}
	if entries, _ := os.ReadDir(s.path("outside")); len(entries) != 1 {
		t.Errorf("the folder outside has %v", entries)
	}
}

func TestDelete(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auths: [{id: y, provider: claude}]\nauth_dirs: [auths]", "auths/team/a.json": key("a")})
	if err := s.source.Delete(t.Context(), "y"); !errors.Is(err, selector.ErrManagedByConfig) {
		t.Errorf("Delete of an auth of the YAML file: %v, want ErrManagedByConfig", err)
	}
	if err := s.source.Delete(t.Context(), "none"); !errors.Is(err, selector.ErrUnknownAuth) {
		t.Errorf("Delete of nothing: %v, want ErrUnknownAuth", err)
	}
	if err := s.source.Delete(t.Context(), "team/a.json"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if _, err := os.Stat(s.path("auths/team/a.json")); err == nil || s.ids() != "y" {
		t.Errorf("after Delete there is the file (%v), and auths are %q", err, s.ids())
	}
	// A broken file whose last good version is in force goes too.
	s.put("b", key("b"))
	s.write("auths/b.json", "{")
	s.source.Reload()
	if err := s.source.Delete(t.Context(), "b"); err != nil || s.ids() != "y" {
		t.Errorf("Delete of a broken file: %v, auths are %q", err, s.ids())
	}
	s.wantProblems()
}

// What Put wrote and what the watcher sees of it are one change, not two.
func TestPutWhileRunning(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": note("1")})
	s.run(noRescan)
	for range 5 {
		s.put("p", note("1"))
		if s.auth("p") == nil {
			t.Fatal("Put returned before the target had the auth")
		}
	}
	s.write("auths/z.json", note("1"))
	s.untilIDs("a.json p z.json")
	if got := s.takeUpdates(); got != "+p; +z.json" {
		t.Errorf("updates are %q, want one for p and one for z.json", got)
	}
}

func (s *scene) saysSecretless() bool {
	said, ok := s.members("auths/a.json")["secretless"].(bool)
	return ok && said
}

// An auth that is put without anything to send is meant so, and one that gets a secret needs no such word.
func TestPutWithoutASecret(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]"})
	s.put("a", `{"type":"ollama"}`)
	if !s.saysSecretless() || s.auth("a") == nil {
		t.Errorf("Put wrote %v, want secretless: true", s.members("auths/a.json"))
	}
	s.put("a", `{"type":"ollama","note":"n"}`)
	if !s.saysSecretless() {
		t.Errorf("the second Put wrote %v, want secretless: true", s.members("auths/a.json"))
	}
	s.put("a", `{"type":"ollama","api_key":"sk-1"}`)
	if m := s.members("auths/a.json"); m["secretless"] != nil || !s.sends("a", "Bearer sk-1") {
		t.Errorf("with a secret Put wrote %v", m)
	}
	s.wantProblems()
}

// A key that is blank is none, so the one that is there stays.
func TestPutWithABlankSecret(t *testing.T) {
	for _, secret := range []string{`"api_key":" "`, `"api_key":null`, `"access_token":""`, `"token":{}`, `"token":{"access_token":" "}`} {
		s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": key("sk-1")})
		s.put("a.json", `{"type":"claude","note":"n",`+secret+`}`)
		if !s.sends("a.json", "sk-1") || s.auth("a.json").Note != "n" || s.members("auths/a.json")["secretless"] != nil {
			t.Errorf("%s: the auth is %+v in %v, want its key kept", secret, s.auth("a.json"), s.members("auths/a.json"))
		}
	}
}

// Who may write an auth cannot lead its secret to himself.
func TestPutDoesNotRedirect(t *testing.T) {
	const file = `{"type":"claude","api_key":"sk-1","base_url":"https://a.example","headers":{"X-A":"b"},"attributes":{"region":"eu"}}`
	const kept = `"base_url":"https://a.example","attributes":{"region":"eu"}`
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": file})
	for document, field := range map[string]string{
		`{"type":"openai",` + kept + `}`:                                 "type",
		`{"type":"claude","base_url":"https://thief.example"}`:           "base_url",
		`{"type":"claude"}`:                                              "base_url",
		`{"type":"claude",` + kept + `,"proxy_url":"http://thief:1"}`:    "proxy_url",
		`{"type":"claude",` + kept + `,"headers":{"X-A":"c"}}`:           "headers",
		`{"type":"claude","base_url":"https://a.example"}`:               "attributes.region",
		`{"type":"claude","api_key":" ","base_url":"https://t.example"}`: "base_url",
	} {
		_, err := s.source.Put(t.Context(), "a.json", []byte(document))
		var fault *selector.FieldError
		if !errors.As(err, &fault) || fault.Field != field || !strings.Contains(fault.Problem, "a secret with it") || strings.Contains(fault.Problem, "sk-1") {
			t.Errorf("Put(%s): %v, want a fault of %s that asks for the secret", document, err, field)
		}
	}
	if s.read("auths/a.json") != file || s.takeUpdates() != "" {
		t.Errorf("what was refused changed something: %s", s.read("auths/a.json"))
	}
	s.put("a.json", `{"type":"claude",`+kept+`,"note":"n"}`)
	for _, secret := range []string{"sk-1", "sk-2"} {
		s.put("a.json", `{"type":"claude","base_url":"https://b.example","api_key":"`+secret+`"}`)
		if a := s.auth("a.json"); a.BaseURL != "https://b.example" || !s.sends("a.json", secret) || len(a.Headers) != 1 {
			t.Errorf("with the secret %s the auth is %+v", secret, a)
		}
	}
	// In memory it is the same.
	m := newScene(t, map[string]string{"c.yaml": "{}"})
	m.put("m", key("sk-1"))
	if _, err := m.source.Put(t.Context(), "m", []byte(`{"type":"claude","base_url":"https://thief.example"}`)); err == nil {
		t.Error("Put redirects an auth in memory")
	}
}
