package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// withAuthFile is a broker with one folder of auth files, which holds one file.
func withAuthFile(t *testing.T, file, text string, settings string) (b *runningBroker, folder string) {
	t.Helper()
	dir := t.TempDir()
	folder = filepath.Join(dir, "auths")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	replaceFile(t, filepath.Join(folder, file), text)
	config := filepath.Join(dir, "c.yaml")
	replaceFile(t, config, "listen: {grpc: [127.0.0.1:0], http: ''}\nstate: {path: ''}\nauth_dirs: [auths]\n"+settings)
	b = launch(t, config)
	b.ready()
	return b, folder
}

// violation is the first field that a call was refused for, and why.
func violation(t *testing.T, err error) (field, why string) {
	t.Helper()
	for _, detail := range status.Convert(err).Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			return bad.GetFieldViolations()[0].GetField(), bad.GetFieldViolations()[0].GetDescription()
		}
	}
	t.Fatalf("error %v names no field", err)
	return "", ""
}

// Who writes auths and does not know their secrets does not get them by having them sent to himself.
func TestWritingIsNotReading(t *testing.T) {
	b, folder := withAuthFile(t, "a.json", `{"type":"claude","access_token":"at-1","refresh_token":"rt-1","proxy_url":"http://u:p@proxy.example:1"}`, "")
	gateway, operator := b.connect()
	shown, err := operator.GetAuth(t.Context(), &credbrokerv1.GetAuthRequest{AuthId: "a.json"})
	if err != nil {
		t.Fatal(err)
	}
	put := func(change func(*credbrokerv1.AuthConfig), secret *credbrokerv1.AuthSecret) error {
		c := &credbrokerv1.AuthConfig{Id: "a.json", Provider: "claude", ProxyUrl: "http://u:p@proxy.example:1"}
		change(c)
		_, err := operator.PutAuth(t.Context(), &credbrokerv1.PutAuthRequest{Config: c, Secret: secret})
		return err
	}
	for want, change := range map[string]func(*credbrokerv1.AuthConfig){
		"config.base_url":            func(c *credbrokerv1.AuthConfig) { c.BaseUrl = "https://thief.example" },
		"config.proxy_url":           func(c *credbrokerv1.AuthConfig) { c.ProxyUrl = shown.GetAuth().GetConfig().GetProxyUrl() },
		"config.provider":            func(c *credbrokerv1.AuthConfig) { c.Provider = "thief" },
		"config.attributes.endpoint": func(c *credbrokerv1.AuthConfig) { c.Attributes = map[string]string{"endpoint": "thief.example"} },
	} {
		if field, why := violation(t, put(change, nil)); field != want || !strings.Contains(why, "a secret with it") {
			t.Errorf("a PutAuth that changes %s names %s: %s", want, field, why)
		}
	}
	if err := put(func(c *credbrokerv1.AuthConfig) { c.Note = "n" }, nil); err != nil {
		t.Errorf("a note takes the secret: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "a.json"))
	if err != nil || !strings.Contains(string(text), "rt-1") {
		t.Errorf("the file is %s, %v, want its refresh token in it", text, err)
	}
	again := &credbrokerv1.AuthSecret{Secret: &credbrokerv1.AuthSecret_AccessToken{AccessToken: "at-1"}}
	if err := put(func(c *credbrokerv1.AuthConfig) { c.BaseUrl = "https://other.example" }, again); err != nil {
		t.Errorf("with the secret: %v", err)
	}
	picked, err := gateway.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "claude"})
	if c := picked.GetCredential(); err != nil || c.GetBaseUrl() != "https://other.example" || c.GetRequestHeaders()["Authorization"] != "Bearer at-1" {
		t.Errorf("the pick is %v, %v", picked, err)
	}
}

// What DeleteAuth takes away can be brought back for as long as the configuration says.
func TestDeletedAuthsComeBack(t *testing.T) {
	b, folder := withAuthFile(t, "a.json", `{"type":"claude","access_token":"at-1","refresh_token":"rt-1"}`, "trash: {ttl: 48h}\n")
	_, operator := b.connect()
	if _, err := operator.DeleteAuth(t.Context(), &credbrokerv1.DeleteAuthRequest{AuthId: "a.json"}); err != nil {
		t.Fatal(err)
	}
	kept := func() string {
		files, err := filepath.Glob(filepath.Join(folder, ".trash", "*Z", "a.json.old"))
		if err != nil || len(files) > 1 {
			t.Fatalf("the trash has %q, %v", files, err)
		}
		return strings.Join(files, "")
	}
	if text, err := os.ReadFile(kept()); err != nil || !strings.Contains(string(text), `"refresh_token":"rt-1"`) {
		t.Fatalf("the trash has %s, %v, want the refresh token", text, err)
	}
	again := func(later time.Duration) {
		b.stop()
		b = launchAt(t, func() time.Time { return time.Now().Add(later) }, b.config)
		b.ready()
		if got := b.command("auths", "get", "a.json"); got.code != exitNotFound {
			t.Errorf("a deleted auth is in the pool: %d %s", got.code, got.stdout)
		}
	}
	again(47 * time.Hour)
	if err := os.Rename(kept(), filepath.Join(folder, "a.json")); err != nil {
		t.Fatal(err)
	}
	b.log.wait(t, logReloaded)
	if got := b.command("auths", "get", "a.json"); got.code != exitOK {
		t.Errorf("brought back, the auth is not there: %d %s", got.code, got.stderr)
	}
	_, operator = b.connect()
	if _, err := operator.DeleteAuth(t.Context(), &credbrokerv1.DeleteAuthRequest{AuthId: "a.json"}); err != nil || kept() == "" {
		t.Fatalf("DeleteAuth: %v, and the trash has %q", err, kept())
	}
	again(97 * time.Hour)
	b.stop() // it has swept when it ends
	if left := kept(); left != "" {
		t.Errorf("after its time there is still %s", left)
	}
}

// With keys nothing secret of what PutAuth writes and DeleteAuth keeps is on disk in the open.
func TestPutAuthEncrypts(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	replaceFile(t, keys, identity.String()+"\n")
	b, folder := withAuthFile(t, "shared.json", `{"type":"claude","api_key":"key-1"}`, "encryption: {identities: {file: '"+keys+"'}}\n")
	_, operator := b.connect()
	for _, id := range []string{"new", "gone"} {
		got, err := operator.PutAuth(t.Context(), &credbrokerv1.PutAuthRequest{
			Config: &credbrokerv1.AuthConfig{Id: id, Provider: "claude"},
			Secret: &credbrokerv1.AuthSecret{Secret: &credbrokerv1.AuthSecret_ApiKey{ApiKey: "canary-" + id}},
		})
		if err != nil || !got.GetPersisted() {
			t.Fatalf("PutAuth = %v, %v", got, err)
		}
	}
	if _, err := operator.DeleteAuth(t.Context(), &credbrokerv1.DeleteAuthRequest{AuthId: "gone"}); err != nil {
		t.Fatal(err)
	}
	files := 0
	if err := filepath.WalkDir(folder, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "canary") {
			t.Errorf("%s is %s", path, text)
		}
		return err
	}); err != nil || files != 3 {
		t.Errorf("the folder has %d files, %v, want the shared one, the new one and the one in the trash", files, err)
	}
	b.stop()
	b = launch(t, b.config)
	b.ready()
	gateway, _ := b.connect()
	picked, err := gateway.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "claude", ExcludeAuthIds: []string{"shared.json"}})
	if err != nil || picked.GetCredential().GetRequestHeaders()["x-api-key"] != "canary-new" {
		t.Errorf("after a restart the pick is %v, %v", picked, err)
	}
}
