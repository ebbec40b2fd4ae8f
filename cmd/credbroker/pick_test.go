package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

func TestPickSendsWhatTheFlagsSay(t *testing.T) {
	fake, address := startFake(t)
	file := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want *credbrokerv1.PickCredentialRequest
	}{
		{"every flag",
			[]string{"--provider", "codex", "--model", "gpt-5.2(high)", "--session", "s", "--exclude", "a", "--exclude", "b,c",
				"--websocket", "--explain", "--dry-run", "--attempt-of", "p-0", "--client-format", "openai-responses"},
			&credbrokerv1.PickCredentialRequest{Provider: "codex", Model: "gpt-5.2(high)", SessionId: "s",
				ExcludeAuthIds: []string{"a", "b,c"}, DownstreamWebsocket: true, Explain: true, DryRun: true, AttemptOf: "p-0",
				ClientFormat: credbrokerv1.ClientFormat_CLIENT_FORMAT_OPENAI_RESPONSES}},
		{"the first value of a header that is not empty counts, and values may hold = and ,",
			[]string{"--header", "X-A=", "--header", "X-A=1=2,3", "--header", "X-A=4", "--body", "-"},
			&credbrokerv1.PickCredentialRequest{Headers: map[string]string{"X-A": "1=2,3"}, Body: []byte("from stdin")}},
		{"a body from a file", []string{"--body", file}, &credbrokerv1.PickCredentialRequest{Body: []byte("from a file")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := commandWith(t, "from stdin", nil, append([]string{"pick", "--address", address}, tt.args...)...)
			if got.code != exitOK {
				t.Fatalf("pick = %d %s", got.code, got.stderr)
			}
			if diff := cmp.Diff(tt.want, <-fake.picks, protocmp.Transform()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPickMasksSecrets(t *testing.T) {
	_, address := startFake(t)
	for _, output := range []string{"table", "json"} {
		got := command(t, nil, "pick", "--address", address, "-o", output).stdout
		if strings.Contains(got, "sk-very-secret") || strings.Contains(got, "hunter2") || !strings.Contains(got, masked) {
			t.Errorf("%s output does not mask: %s", output, got)
		}
		got = command(t, nil, "pick", "--address", address, "-o", output, "--show-secrets").stdout
		if !strings.Contains(got, "sk-very-secret") || !strings.Contains(got, "hunter2") {
			t.Errorf("%s output with --show-secrets masks: %s", output, got)
		}
	}
}

func TestPickRefusesAHugeBody(t *testing.T) {
	_, address := startFake(t)
	got := commandWith(t, strings.Repeat("x", maxBody+1), nil, "pick", "--address", address, "--body", "-")
	if got.code != exitUsage || !strings.Contains(got.stderr, "--body: - is over the limit of 32 MiB") {
		t.Errorf("pick with a body of 32 MiB and a byte = %d %q, want %d naming the limit", got.code, got.stderr, exitUsage)
	}
}

func TestMaskUserinfo(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"http://proxy:3128", "http://proxy:3128"},
		{"http://user:pass@proxy:3128", "http://[secret]@proxy:3128"},
		{"http://user:p@ss@proxy", "http://[secret]@proxy"},
		{"user:pass@proxy", "[secret]@proxy"},
		{"http://user:p://x@proxy", "http://[secret]@proxy"},
	} {
		if got := maskUserinfo(tt.in); got != tt.want {
			t.Errorf("maskUserinfo(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
