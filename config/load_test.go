package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/credbroker/credbroker/selector"
)

// environment is what the fixtures find.
func environment(name string) (value string, set bool) {
	switch name {
	case "CLAUDE_TEAM_1", "GOOD_KEY":
		return "  sk-from-environment\n", true
	case "FLEET_SECRET":
		return "0123456789abcdef0123456789abcdef", true
	case "EMPTY_KEY":
		return " ", true
	case "TWO_LINES":
		return "sk-one\nsk-two", true
	}
	return "", false
}

var (
	testOptions = Options{LookupEnv: environment}
	testKey     = [32]byte{1}
)

// loadFile reads a YAML file as a broker does, and what it makes of its auths.
func loadFile(file string, o Options) (*Config, []*selector.Auth, error) {
	s, err := Open(file, o)
	if err != nil {
		return nil, nil, err
	}
	var found collector
	s.Attach(&found, testKey)
	return s.Config(), found, nil
}

// Each fixture is one mistake, or mistakes that belong together, and beside it is what Open says of it.
func TestLoadReject(t *testing.T) {
	fixtures := globFiles(t, "testdata/reject/*.yaml")
	for _, fixture := range fixtures {
		t.Run(filepath.Base(fixture), func(t *testing.T) {
			want, err := os.ReadFile(strings.TrimSuffix(fixture, ".yaml") + ".want")
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(fixture, testOptions)
			if _, ok := errors.AsType[Problems](err); !ok {
				t.Fatalf("Open(%s): %v, want Problems", fixture, err)
			}
			got := strings.ReplaceAll(err.Error(), "testdata/reject/", "") + "\n"
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("Open(%s): want -, got +\n%s", fixture, diff)
			}
		})
	}
}

func globFiles(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

func TestLoadAccept(t *testing.T) {
	for _, fixture := range globFiles(t, "testdata/accept/*.yaml") {
		t.Run(filepath.Base(fixture), func(t *testing.T) {
			if _, err := Open(fixture, testOptions); err != nil {
				t.Errorf("Open(%s): %v", fixture, err)
			}
		})
	}
}

func TestLoadReadsEveryKey(t *testing.T) {
	const file = "testdata/accept/everything.yaml"
	got, auths, err := loadFile(file, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	header := func(name, value string) selector.Header {
		return selector.Header{Name: name, Value: selector.NewSecret(value)}
	}
	want := &Config{
		Path:    file,
		Listen:  everyListener(),
		Callers: everyCaller(),
		Limits: Limits{
			Message: 32 << 20, ReceiveBytes: 1 << 30, ReceiveTimeout: 30 * time.Second,
			Connections: 5000, CallsPerConnection: 1000, CallRate: 100_000, Idle: time.Hour,
			ConnectionAge: 12 * time.Hour, Watches: 12, WatchTimeout: 20 * time.Second,
		},
		Selection: Selection{
			Strategy: selector.WeightedRoundRobin, MaxAttempts: 3,
			Rules: []Rule{
				{Provider: "claude", Model: "claude-opus-*", Strategy: selector.FillFirst},
				{Strategy: selector.RoundRobin},
			},
		},
		Sessions: Sessions{
			TTL: 90 * time.Minute, Max: 5000, Patience: 5 * time.Second, Failback: true,
			Identification: IdentificationReference, Subagents: PolicyFollow, AuxiliaryRequests: PolicySpread,
			Rules: []SessionRule{
				{Provider: "codex", Subagents: PolicySpread, AuxiliaryRequests: PolicyFollow}, {Provider: "claude", Subagents: PolicySpread},
			},
		},
		Cooldown: Cooldown{MaxHint: 5 * time.Minute, ProbeTimeout: 20 * time.Second},
		State: State{
			Path: "/var/lib/credbroker/state.db",
			Redis: Redis{
				Addresses: []string{"sentinel-1.example.com:26379", "[::1]:26379"}, Namespace: "team-1.eu",
				Username: "broker", Password: selector.NewSecret("sk-from-environment"), Database: 3,
				Secret: selector.NewSecret("0123456789abcdef0123456789abcdef"),
				TLS: RedisTLS{
					Enabled: true, CA: "testdata/secrets/key", Cert: "testdata/accept/client.pem", Key: "testdata/accept/client.key",
					ServerName: "redis.example.com", Insecure: true,
				},
				Sentinel: Sentinel{Master: "main", Username: "watcher", Password: selector.NewSecret("sk-from-file")},
			},
		},
		Trash:   Trash{TTL: 720 * time.Hour},
		Verdict: Verdict{Rules: []string{"testdata/accept/rules/own"}},
		Audit: Audit{
			File: "testdata/accept/audit/audit.jsonl", MaxSize: 1 << 30, Secret: selector.NewSecret("sk-from-environment"), OnFailure: OnFailureDrop,
		},
		Log:      Log{Level: "debug", Format: "console"},
		AuthDirs: []string{"testdata/accept/auths", "/var/lib/credbroker/auths"},
	}
	for i := range got.Listen.GRPC {
		got.Listen.GRPC[i] = got.Listen.GRPC[i].started()
	}
	ignored := cmp.Options{cmpopts.IgnoreUnexported(Config{}, TLS{}), cmpopts.IgnoreFields(Config{}, "Rules"), cmpopts.IgnoreFields(TLS{}, "Files")}
	if diff := cmp.Diff(want, got, ignored, cmp.Comparer(selector.Secret.Equal)); diff != "" {
		t.Errorf("Config() of %s: want -, got +\n%s", file, diff)
	}
	wantAuths := []*selector.Auth{{
		ID: "claude-team-1", Provider: "claude", Label: "team one", Note: "two\nlines\n",
		Identity: "account:claude:someone@example.com", Kind: selector.KindOAuth, Dialect: "anthropic",
		Priority: new(int64(-10)), Weight: new(uint32(0)),
		Models: []string{"claude-*", "m?"}, ExcludeModels: []string{"claude-opus-4"}, Prefix: "team", Disabled: true,
		BaseURL:  "https://api.anthropic.com/v1?x=y",
		ProxyURL: selector.NewSecret("socks5://user:sk-proxy@proxy.example.com:1080"),
		Headers: []selector.Header{
			header("anthropic-beta", "sk-from-environment"), header("Authorization", "Bearer sk-from-file"), header("X-Title", "plain"),
		},
		Attributes: map[string]string{"websockets": "true", "tier": "3", "text": "yes", "none": ""},
		Domains:    []string{"org:acme", "egress:eu"},
		Origin:     selector.OriginConfig, Source: file + ":83",
	}}
	if diff := cmp.Diff(wantAuths, auths, cmp.Comparer(selector.Secret.Equal)); diff != "" {
		t.Errorf("auths of %s: want -, got +\n%s", file, diff)
	}
	settings := selector.Settings{
		Strategy: selector.WeightedRoundRobin, Failback: true, MaxHint: 5 * time.Minute, ProbeTimeout: 20 * time.Second, Patience: 5 * time.Second,
		Rules: []selector.Rule{
			{Provider: "claude", Model: "claude-opus-*", Strategy: selector.FillFirst}, {Strategy: selector.RoundRobin},
		},
	}
	if diff := cmp.Diff(settings, got.Settings()); diff != "" {
		t.Errorf("Settings(): want -, got +\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	want := Default()
	unread := cmp.Options{cmpopts.IgnoreUnexported(Config{}), cmpopts.IgnoreFields(Config{}, "Path", "Rules")}
	if got, _, err := loadFile("", Options{}); err != nil || got.Rules == nil || cmp.Diff(want, got, unread, cmp.Comparer(selector.Secret.Equal)) != "" {
		t.Errorf("Open without a file = %+v, %v, want %+v", got, err, want)
	}
	for _, file := range []string{"testdata/accept/comment.yaml", "testdata/accept/empty-sections.yaml"} {
		got, _, err := loadFile(file, testOptions)
		if err != nil {
			t.Fatal(err)
		}
		// The file of state lies beside the one of the configuration.
		want.State.Path = "testdata/accept/credbroker.db"
		if diff := cmp.Diff(want, got, unread, cmp.Comparer(selector.Secret.Equal)); diff != "" {
			t.Errorf("Config() of %s is not the defaults: want -, got +\n%s", file, diff)
		}
	}
}

func TestLoadFileFaults(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	write(t, large, "# "+strings.Repeat("x", maxConfigFile))
	for _, test := range []struct{ name, file, want string }{
		{"a file that is missing", filepath.Join(dir, "none.yaml"), "none.yaml: cannot be read: no such file or directory"},
		{"a folder", dir, ": is not a regular file"},
		{"a file that is too large", large, "large.yaml: is too large; allowed: at most 8 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Open(test.file, testOptions); err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("Open(%s): %v, want it to end in %q", test.file, err, test.want)
			}
		})
	}
}

// A small file must not become a large document, and not a long list of problems.
func TestLoadIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bomb.yaml")
	var b strings.Builder
	b.WriteString("auths:\n- &auth {id: a, provider: claude, models: &globs [" + strings.Repeat("m,", 250) + "m]}\n")
	for range 20_000 {
		b.WriteString("- *auth\n")
	}
	write(t, file, b.String())
	_, err := Open(file, testOptions)
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 1001 {
		t.Fatalf("Open of aliases of aliases: %d problems, want 1001", len(problems))
	}
	if last := problems[1000].Message; !strings.HasSuffix(last, "more problems") {
		t.Errorf("the last problem is %q, want a count", last)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The sample of a configuration is read with every key of state as it stands there.
func TestStateIsOptional(t *testing.T) {
	for _, test := range []struct{ name, text, path string }{
		{"nothing said", "# nothing", "credbroker.db"},
		{"nothing kept", "state: {path: ''}", ""},
		{"a path", "state: {path: data/state.db}", "data/state.db"},
		{"no servers", "state:\n  path: credbroker.db\n  redis: {addresses: [], namespace: default}\n", "credbroker.db"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "c.yaml")
			write(t, file, test.text)
			c, _, err := loadFile(file, Options{})
			if err != nil {
				t.Fatal(err)
			}
			want := test.path
			if want != "" {
				want = filepath.Join(filepath.Dir(file), want)
			}
			if c.State.Path != want || len(c.State.Redis.Addresses) > 0 || c.State.Redis.Namespace != "default" {
				t.Errorf("State = %+v, want path %q and no servers", c.State, want)
			}
		})
	}
}
