package config

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/credbroker/credbroker/selector"
)

// newIdentity makes a key of age.
func newIdentity(t *testing.T) string {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity.String()
}

// encrypted is a scene that encrypts with the keys of the file keys.
func encrypted(t *testing.T, keys string, files map[string]string) *scene {
	t.Helper()
	all := map[string]string{"c.yaml": "encryption: {identities: {file: keys}}\nauth_dirs: [auths]", "keys": "# made by a test\n" + keys + "\n"}
	maps.Copy(all, files)
	return newScene(t, all)
}

const account = `{"type":"claude","access_token":"canary-at","refresh_token":"canary-rt"}`

func (s *scene) wantNowhere(text string) {
	s.t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			s.t.Errorf("%s holds %s", path, text)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}

func TestWhatPutMakesIsEncrypted(t *testing.T) {
	keys := newIdentity(t)
	s := encrypted(t, keys, nil)
	for _, id := range []string{"team/a", "b.json", "team/a"} {
		s.put(id, account)
		if a := s.auth(id); !hasHeader(a, "Bearer canary-at") || a.Source != s.path("auths/"+strings.TrimSuffix(id, ".json")+".json.age") {
			t.Errorf("Put(%s): the auth is %+v", id, s.auth(id))
		}
	}
	s.put("team/a", `{"type":"claude","note":"n"}`) // keeps the account
	if err := s.source.Delete(t.Context(), "b.json"); err != nil {
		t.Fatal(err)
	}
	s.wantNowhere("canary")
	if got := s.inTrash(); !strings.Contains(got, "Z-1/b.json.age.old") || !strings.Contains(got, "Z/team/a.json.age.old") {
		t.Errorf("the trash holds %s", got)
	}
	info, err := os.Stat(s.path("auths/team/a.json.age"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	restarted := &scene{target: newTarget(t), dir: s.dir}
	restarted.open()
	if a := restarted.auth("team/a"); restarted.ids() != "team/a" || !hasHeader(a, "Bearer canary-at") || a.Note != "n" {
		t.Errorf("after a restart the auths are %s, %+v", restarted.ids(), a)
	}
	kept := strings.Fields(s.inTrash())
	s.rename("auths/.trash/"+kept[0], "auths/b.json.age")
	restarted.source.Reload()
	if restarted.ids() != "b.json team/a" {
		t.Errorf("brought back, the auths are %s", restarted.ids())
	}
	restarted.wantProblems()
}

// What other programs share stays as they know it, and is read as ever; only its copy in the trash is encrypted.
func TestSharedFilesStayPlain(t *testing.T) {
	keys := newIdentity(t)
	s := encrypted(t, keys, map[string]string{"auths/a.json": account})
	s.put("a.json", `{"type":"claude","note":"n"}`)
	if m := s.members("auths/a.json"); m["refresh_token"] != "canary-rt" || s.auth("a.json").Note != "n" {
		t.Errorf("the file is %v", m)
	}
	if err := s.source.Delete(t.Context(), "a.json"); err != nil {
		t.Fatal(err)
	}
	s.wantNowhere("canary")
	kept := s.inTrash()
	if !strings.HasSuffix(kept, "/a.json.old.age") {
		t.Fatalf("the trash holds %s", kept)
	}
	identity, err := age.ParseX25519Identity(keys)
	if err != nil {
		t.Fatal(err)
	}
	e := encryption{identities: []age.Identity{identity}}
	if text, err := e.decrypt([]byte(s.read("auths/.trash/" + kept))); err != nil || !strings.Contains(string(text), "canary-rt") {
		t.Errorf("the copy is %s, %v", text, err)
	}
}

func TestKeysThatDoNotFit(t *testing.T) {
	first, second := newIdentity(t), newIdentity(t)
	s := encrypted(t, first, map[string]string{"auths/plain.json": key("k")})
	s.put("a", account)
	text := s.read("auths/a.json.age")
	const another = "auths/a.json.age: is encrypted with another key"
	restart := func(keys string, ids string, problems ...string) *scene {
		t.Helper()
		s.write("keys", keys)
		r := &scene{target: newTarget(t), dir: s.dir}
		r.open()
		r.wantProblems(problems...)
		if r.ids() != ids || s.read("auths/a.json.age") != text {
			t.Errorf("auths are %s, want %s, and the file as it was", r.ids(), ids)
		}
		return r
	}
	r := restart(second, "plain.json", another)
	if _, err := r.source.Put(t.Context(), "a", []byte(key("k"))); err == nil || !strings.Contains(err.Error(), "with another key") || s.read("auths/a.json.age") != text {
		t.Errorf("Put over what cannot be read: %v", err)
	}
	// The right key, beside the new one, and the file is there again.
	s.write("keys", second+"\n"+first)
	r.source.Reload()
	r.wantProblems()
	if r.ids() != "a plain.json" {
		t.Errorf("with both keys auths are %s", r.ids())
	}
	r.put("b", account)
	r.remove("auths/a.json.age")
	s.write("keys", second)
	r.source.Reload()
	if r.wantProblems(); r.ids() != "b plain.json" {
		t.Errorf("what was written with the first of two keys: auths are %s", r.ids())
	}
	s.write("auths/a.json.age", text[:len(text)-1])
	s.write("keys", first+"\n"+second)
	r.source.Reload()
	r.wantProblems("auths/a.json.age: cannot be decrypted: it is damaged")
	s.write("auths/a.json.age", "{}")
	r.source.Reload()
	r.wantProblems("auths/a.json.age: cannot be decrypted: it is damaged, or no file of age")
	s.remove("auths/a.json.age")
	s.write("c.yaml", "auth_dirs: [auths]")
	r.source.Reload()
	r.wantProblems("auths/b.json.age: is encrypted; allowed: encryption.identities")
	if _, err := r.source.Put(t.Context(), "b", []byte(key("k"))); err == nil || r.auth("b") == nil {
		t.Errorf("without keys Put writes an encrypted file: %v", err)
	}
}

func TestKeysOfAge(t *testing.T) {
	post, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{
		newIdentity(t): true, "# c\n\n" + newIdentity(t) + "\n": true, post.String(): true, "": false, "# c": false, "canary": false,
		strings.Repeat(newIdentity(t)+"\n", maxIdentities): true, strings.Repeat(newIdentity(t)+"\n", maxIdentities+1): false,
		newIdentity(t)[:40]: false, "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq": false,
	} {
		e, wrong := newEncryption(text)
		if (wrong == "") != good || strings.Contains(wrong, "canary") {
			t.Errorf("newEncryption(%q): %s", text, wrong)
		}
		if !good {
			continue
		}
		sealed, err := e.encrypt([]byte("text"))
		if err != nil || bytes.Contains(sealed, []byte("text")) {
			t.Fatalf("encrypt: %v", err)
		}
		if plain, err := e.decrypt(sealed); err != nil || string(plain) != "text" {
			t.Errorf("decrypt: %s, %v", plain, err)
		}
	}
	env := testOptions
	env.LookupEnv = func(string) (string, bool) { return newIdentity(t) + "\n" + newIdentity(t), true }
	s := &scene{target: newTarget(t), dir: t.TempDir()}
	s.write("c.yaml", "encryption: {identities: {env: KEYS}}\nauth_dirs: [auths]")
	s.openWith(func(o *Options) { o.LookupEnv = env.LookupEnv })
	s.put("a", key("canary"))
	s.wantNowhere("canary")
	if a := s.auth("a"); a == nil || a.Origin != selector.OriginFile {
		t.Errorf("the auth is %+v", a)
	}
}
