package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// golden compares what a command printed with text that is indented by tabs here.
func golden(t *testing.T, got, want string) {
	t.Helper()
	want = strings.ReplaceAll(strings.TrimPrefix(want, "\n"), "\t", "")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestTables(t *testing.T) {
	_, address := startFake(t)
	for _, tt := range []struct{ name, args, want string }{
		{"a pick is a column of facts with its secrets masked", "pick --provider claude --model m(high)", pickTable + "\n" + explainTable[1:]},
		{"every page of auths is one table", "auths list", `
			ID      PROVIDER  PRIORITY  STATE    LEFT   COOLING MODELS                 SESSIONS  PICKS  WHY
			team-1  claude    10        COOLING  4m10s  claude-opus-4,claude-sonnet-*  7         120    weekly limit
			team-2  claude    10        READY    -      -                              0         0      -
			`},
		{"one auth has all its facts and cooldowns", "auths get team-1", authTable},
		{"enable shows the auth", "auths enable team-2", `
			ID      PROVIDER  PRIORITY  STATE  LEFT  COOLING MODELS  SESSIONS  PICKS  WHY
			team-2  claude    10        READY  -     -               0         0      -
			`},
		{"disable shows the auth", "auths disable team-2 --reason tired", `
			ID      PROVIDER  PRIORITY  STATE     LEFT  COOLING MODELS  SESSIONS  PICKS  WHY
			team-2  claude    10        DISABLED  -     -               0         0      tired
			`},
		{"clear-cooldown says what it did", "auths clear-cooldown team-2", "cleared 1 cooldown of team-2, which is READY now\n"},
		{"invalidate says what it did", "auths invalidate team-2 --disable", "released 3 sessions of team-2\n"},
		{"sessions stop at the limit and say so", "sessions list --limit 1", `
			SESSION                           SOURCE  AUTH    LEFT    IDS
			00000000000000000000000000000001  CLAUDE  team-1  1h0m0s  2
			1 shown of 4 bindings in all; --limit 0 lists every one
			`},
		{"limit 0 lists every page", "sessions list --limit 0", `
			SESSION                           SOURCE  AUTH    LEFT    IDS
			00000000000000000000000000000001  CLAUDE  team-1  1h0m0s  2
			00000000000000000000000000000002  CLAUDE  team-1  1h0m0s  2
			00000000000000000000000000000003  CLAUDE  team-1  1h0m0s  2
			00000000000000000000000000000004  CLAUDE  team-1  1h0m0s  2
			`},
		{"release says where the session was", "sessions release 0123", "released a session of team-1\n"},
		{"status shows problems whole", "status", `
			VERSION        v1.2.3
			UPTIME         1h30m0s
			CONFIGURATION  /etc/credbroker.yaml
			GENERATION     2, loaded 1h0m0s ago
			BINDINGS       5 of at most 1000
			ENGINE         memory, healthy
			ENGINE         redis, NOT HEALTHY: no route
			PROBLEMS       1
			  auths/x.json: type: is required

			PROVIDER  STATE  AUTHS
			claude    READY  2
			`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := command(t, nil, append(strings.Fields(tt.args), "--address", address)...)
			if got.code != exitOK || got.stderr != "" {
				t.Fatalf("%s: exit code %d, stderr %q, want 0 and nothing", tt.args, got.code, got.stderr)
			}
			golden(t, got.stdout, tt.want)
		})
	}
}

const pickTable = `
AUTH        team-2
LABEL       team two
PROVIDER    claude
MODEL       m(high)
BASE URL    -
PROXY URL   http://[secret]@proxy:3128
HEADER      anthropic-beta: [secret]
HEADER      x-api-key: [secret]
ATTRIBUTE   websockets=true
EXPIRES IN  3h0m0s
SESSION     caller:abc
SOURCE      CALLER
BINDING     HIT
BOUND FOR   1h0m0s
ATTEMPT     2
PICK ID     p-1
`

const explainTable = `
strategy round-robin, position 12; auths by reason: COOLING_MODEL=1 SELECTED=1

CANDIDATE  PROVIDER  PRIORITY  REASON         UNTIL                 LEFT   BOUND  DETAIL
team-2     claude    10        SELECTED       -                     -      yes    -
team-1     claude    10        COOLING_MODEL  2026-11-22T12:04:10Z  4m10s  -      five�hours
`

const authTable = `
ID           team-1
PROVIDER     claude
LABEL        of team-1
NOTE         -
KIND         API_KEY
DIALECT      anthropic
PRIORITY     10
WEIGHT       0
MODELS       claude-*
PREFIX       -
BASE URL     -
PROXY URL    -
DOMAINS      -
ATTRIBUTE    -
HEADERS      x-api-key
ORIGIN       CONFIG
SOURCE       credbroker.yaml:12
EXPIRES IN   -
STATE        COOLING
WHY          weekly limit
LEFT         4m10s
SESSIONS     7
PICKS        120
LAST PICK    1m0s ago
LAST REPORT  cooldown of claude-opus-4 50s ago (weekly limit) by rule claude-window

COOLDOWN OF                  KIND       UNTIL                 LEFT    PROBE IN  LEVEL  RULE           REASON
(whole auth)                 QUOTA      2026-11-22T12:04:10Z  4m10s   -         -      -              weekly limit
claude-opus-4                TRANSIENT  2026-11-22T12:00:00Z  1s      -         3      -              -
claude-sonnet-* of org:acme  QUOTA      2026-11-22T13:00:00Z  1h0m0s  1m0s      -      claude-window  usage_window
provider:claude              TRANSIENT  2026-11-22T12:01:00Z  1m0s    -         -      common-5xx     upstream_error

QUOTA  USED  RESETS IN  SEEN
5h     25%   2h0m0s     1s ago
7d     -     -          1h0m0s ago
`

func TestErrors(t *testing.T) {
	_, address := startFake(t)
	for _, tt := range []struct {
		name, args string
		code       int
		stderr     string
	}{
		{"a cooldown says when and what to look at", "pick --model cooling", exitNoAuth,
			"MODEL_COOLDOWN: every auth for model cooling is cooling down; try again in 4m10s, at 2026-11-22T12:04:10Z; " +
				"`credbroker pick --explain --dry-run` says why of each auth"},
		{"an unavailable pool gives its counts", "pick --model unavailable", exitNoAuth,
			"AUTH_UNAVAILABLE: no auth for model unavailable can be used (BLOCKED=1, DISABLED=2); " +
				"`credbroker pick --explain --dry-run` says why of each auth"},
		{"a reference says when its issuer is back", "pick --model pinned", exitNoAuth,
			"SESSION_PINNED: its issuer is out; try again in 1m0s, at 2026-11-22T12:01:00Z; " +
				"without the reference any auth can serve the request, if it holds the whole conversation"},
		{"an unknown provider is no auth", "pick --model nobody", exitNoAuth,
			"AUTH_NOT_FOUND: no auth of that provider in the pool; `credbroker status` lists the providers of the pool"},
		{"a wrong request names its fields", "pick --model bad", exitFailed,
			"INVALID_REQUEST: the request is wrong (model: over 256 bytes)"},
		{"a broker that sheds load is reachable", "pick --model shed", exitFailed, "OVERLOADED: too much at once"},
		{"a late answer is no answer", "pick --model slow", exitUnreachable,
			"no answer from " + address + " in time; --timeout sets how long to wait"},
		{"an unknown auth is not found", "auths get nope", exitNotFound,
			"UNKNOWN_AUTH: no auth \"nope\"; `credbroker auths list` shows the ids"},
		{"an unknown session is not found", "sessions release unknown", exitNotFound,
			"UNKNOWN_SESSION: no such session; `credbroker sessions list` shows the hashes"},
		{"an auth of the configuration stays", "auths enable owned", exitFailed,
			"MANAGED_BY_CONFIG: the configuration owns this auth; `credbroker auths get` says where it is configured"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append(strings.Fields(tt.args), "--address", address)
			got := command(t, nil, args...)
			if want := "credbroker: " + tt.stderr + "\n"; got.code != tt.code || got.stderr != want {
				t.Errorf("%s = %d %q, want %d %q", tt.args, got.code, got.stderr, tt.code, want)
			}
			asJSON := command(t, nil, append(args, "-o", "json")...)
			var answer struct {
				Code    int
				Message string
			}
			if err := json.Unmarshal([]byte(asJSON.stdout), &answer); err != nil || answer.Code == 0 || answer.Message == "" {
				t.Errorf("%s as JSON = %q, want a google.rpc.Status", tt.args, asJSON.stdout)
			}
			if asJSON.code != tt.code || asJSON.stderr != got.stderr {
				t.Errorf("%s as JSON = %d %q, want the same code and words as without", tt.args, asJSON.code, asJSON.stderr)
			}
		})
	}
}

func TestRefusedPickExplains(t *testing.T) {
	_, address := startFake(t)
	got := command(t, nil, "pick", "--model", "cooling", "--explain", "--address", address)
	golden(t, got.stdout, explainTable)
}

func TestUnreachable(t *testing.T) {
	for _, address := range []string{"127.0.0.1:1", "unix://" + t.TempDir() + "/none.sock"} {
		got := command(t, []string{"CREDBROKER_ADDRESS=" + address}, "status")
		if got.code != exitUnreachable || !strings.HasPrefix(got.stderr, "credbroker: no broker answers at "+address+": ") {
			t.Errorf("status at %s = %d %q, want %d naming the address", address, got.code, got.stderr, exitUnreachable)
		}
		if strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("stderr %q is not one line", got.stderr)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range []string{
		"bogus", "auths", "auths bogus", "sessions bogus", "status extra", "status --bogus", "pick extra",
		"pick --header novalue", "pick --body /does/not/exist", "auths get", "auths get a b", "auths list --state bogus",
		"auths list --watch --model m", "sessions list --limit -1", "sessions release", "sessions release h --session s",
		"status --output xml", "status --address nowhere", "status --address unix://relative", "status --timeout 0s",
		"status --timeout soon",
	} {
		got := command(t, nil, strings.Fields(args)...)
		if got.code != exitUsage || got.stdout != "" || !strings.HasPrefix(got.stderr, "credbroker: ") || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s = %d, stdout %q, stderr %q, want %d and one line", args, got.code, got.stdout, got.stderr, exitUsage)
		}
	}
}

func TestJSONIsTheMessage(t *testing.T) {
	fake, address := startFake(t)
	one, _ := fake.auth("team-1")
	two, _ := fake.auth("team-2")
	state, _ := fake.GetStatus(t.Context(), nil)
	for _, tt := range []struct {
		args string
		want proto.Message
	}{
		{"auths list", &credbrokerv1.ListAuthsResponse{Auths: []*credbrokerv1.Auth{one, two}, TotalSize: 2}},
		{"auths get team-1", &credbrokerv1.GetAuthResponse{Auth: one}},
		{"auths enable team-2", &credbrokerv1.EnableAuthResponse{Auth: two}},
		{"auths clear-cooldown team-2", &credbrokerv1.ClearCooldownResponse{Cleared: 1, Auth: two}},
		{"auths invalidate team-2", &credbrokerv1.InvalidateAuthResponse{ReleasedSessions: 3}},
		{"sessions release 0123", &credbrokerv1.ReleaseSessionResponse{AuthId: "team-1"}},
		{"status", state},
	} {
		got := command(t, nil, append(strings.Fields(tt.args), "--address", address, "--output", "json")...)
		message := tt.want.ProtoReflect().New().Interface()
		if err := protojson.Unmarshal([]byte(got.stdout), message); err != nil {
			t.Errorf("%s: %v in %s", tt.args, err, got.stdout)
		} else if !proto.Equal(message, tt.want) {
			t.Errorf("%s = %v, want %v", tt.args, message, tt.want)
		}
	}
	golden(t, command(t, nil, "auths", "invalidate", "team-2", "--address", address, "-o", "json").stdout,
		"{\n  \"releasedSessions\": \"3\"\n}\n")
}

func TestIdsComplete(t *testing.T) {
	_, address := startFake(t)
	got := command(t, nil, "__complete", "auths", "disable", "--address", address, "")
	if want := "team-1\tof team-1\n:4\n"; got.stdout != want {
		t.Errorf("completion = %q, want %q", got.stdout, want)
	}
	if got := command(t, nil, "__complete", "auths", "get", "--address", "127.0.0.1:1", ""); got.stdout != ":4\n" {
		t.Errorf("completion without a broker = %q, want nothing", got.stdout)
	}
}
