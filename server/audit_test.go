package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/audit"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

// auditFile is an audit log in a file of the test. lines closes it, and returns its lines by request id.
func auditFile(t testing.TB) (log *audit.Log, lines func() map[string][]audit.Entry) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	log, err := audit.Open(audit.Config{Path: path, MaxSize: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return log, func() map[string][]audit.Entry {
		t.Helper()
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "key-of-") {
			t.Errorf("the audit log has a secret:\n%s", text)
		}
		found := make(map[string][]audit.Entry)
		for line := range strings.Lines(string(text)) {
			var e audit.Entry
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			found[e.RequestID] = append(found[e.RequestID], e)
		}
		return found
	}
}

// identified is a context whose call has a request id.
func identified(ctx context.Context, id string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "x-request-id", id)
}

// auditedRoles are those of methods that release a credential or change what others get.
const auditedRoles = access.Pick | access.Operate | access.WriteAuths

// Every method that releases a credential or changes something has its line, whoever calls it, and no other method has one. A new method
// cannot be forgotten.
func TestAuditOfEveryMethod(t *testing.T) {
	right, known := servertest.Token(1)
	weak, knownWeak := servertest.Token(2)
	callers := []access.Caller{
		{Name: "all", Roles: access.AllRoles, Tokens: []access.Token{known}},
		{Name: "weak", Roles: access.Metrics, Tokens: []access.Token{knownWeak}},
	}
	log, lines := auditFile(t)
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}, Callers: callers, Audit: log})
	roles := rolesOfMethods()
	audited := func(m method) bool {
		return roles[m.name] != everybody && roles[m.name] != anyCaller && roles[m.name]&auditedRoles != 0
	}
	for _, m := range methodsOf(t) {
		for who, token := range map[string]string{"all": right, "weak": weak, "nobody": ""} {
			h.Clock.Advance(time.Minute)
			m.call(identified(t.Context(), m.name+" by "+who), h.Conn, token)
		}
	}
	found := lines()
	for _, m := range methodsOf(t) {
		action := m.name[strings.LastIndex(m.name, "/")+1:]
		for who, outcome := range map[string]string{
			"all": "OK", "weak": string(server.ReasonPermissionDenied), "nobody": string(server.ReasonUnauthenticated),
		} {
			got := found[m.name+" by "+who]
			switch {
			case !audited(m):
				if len(got) > 0 {
					t.Errorf("%s by %s is audited: %+v", m.name, who, got)
				}
				continue
			case who == "all" && action == "PickCredentials":
				continue // it releases nothing yet
			case who == "all" && action != "PickCredential":
				outcome = string(server.ReasonInvalidRequest)
			}
			if len(got) != 1 || got[0].Action != action || got[0].Outcome != outcome || got[0].From == "" ||
				(got[0].Caller == who) != (who != "nobody") || (got[0].Proof == "token") != (who != "nobody") {
				t.Errorf("%s by %s: %+v, want a line that says %s", m.name, who, got, outcome)
			}
		}
	}
}

func TestAuditLines(t *testing.T) {
	log, lines := auditFile(t)
	h := servertest.New(t, servertest.Options{
		Auths: []*selector.Auth{servertest.Key("a", "claude"), servertest.Key("b", "codex")}, Audit: log,
	})
	picked, err := h.Broker.PickCredential(identified(t.Context(), "pick"), &credbrokerv1.PickCredentialRequest{Provider: "claude", Model: "m", SessionId: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Broker.PickCredential(identified(t.Context(), "dry"), &credbrokerv1.PickCredentialRequest{Provider: "claude", DryRun: true}); err != nil {
		t.Fatal(err)
	}
	for id, do := range map[string]func(ctx context.Context) error{
		"nobody": func(ctx context.Context) error {
			_, err := h.Broker.PickCredential(ctx, &credbrokerv1.PickCredentialRequest{Provider: "gemini"})
			return err
		},
		"unknown": func(ctx context.Context) error {
			_, err := h.Auths.EnableAuth(ctx, &credbrokerv1.EnableAuthRequest{AuthId: "x\u202e"})
			return err
		},
		"delete": func(ctx context.Context) error {
			_, err := h.Auths.DeleteAuth(ctx, &credbrokerv1.DeleteAuthRequest{AuthId: "b"})
			return err
		},
	} {
		_ = do(identified(t.Context(), id))
	}
	if _, err := h.Auths.DisableAuth(identified(t.Context(), "disable"), &credbrokerv1.DisableAuthRequest{AuthId: "a", Reason: "spent"}); err != nil {
		t.Fatal(err)
	}
	list, err := h.Auths.ListSessions(t.Context(), &credbrokerv1.ListSessionsRequest{})
	if err != nil || len(list.GetSessions()) != 1 {
		t.Fatalf("ListSessions: %v, %v", list, err)
	}
	hash := list.GetSessions()[0].GetSessionHash()
	found := lines()
	facts := func(state, why string) audit.Facts {
		f := audit.Facts{
			"bound_sessions": "1", "cooldowns": "0", "header_names": "Authorization", "kind": "api_key", "label": "a",
			"priority": "0", "provider": "claude", "source": "test.yaml:1", "state": state, "weight": "1",
		}
		if why != "" {
			f["state_reason"] = why
		}
		return f
	}
	base := audit.Entry{Time: servertest.Start().UTC(), From: "bufconn", Outcome: "OK", AuthID: "a"}
	pick, dry, disable := base, base, base
	pick.Action, pick.RequestID, pick.Provider, pick.Model = "PickCredential", "pick", "claude", "m"
	pick.PickID, pick.Session = picked.GetPickId(), hash
	dry.Action, dry.RequestID, dry.Provider, dry.DryRun = "PickCredential", "dry", "claude", true
	disable.Action, disable.RequestID, disable.Before, disable.After = "DisableAuth", "disable", facts("READY", ""), facts("DISABLED", "spent")
	for _, want := range []audit.Entry{pick, dry, disable} {
		if diff := cmp.Diff([]audit.Entry{want}, found[want.RequestID]); diff != "" {
			t.Errorf("line of %s: want -, got +\n%s", want.RequestID, diff)
		}
	}
	if got := found["nobody"]; len(got) > 0 {
		t.Errorf("a pick that finds nothing has the lines %+v", got)
	}
	if got := found["unknown"]; len(got) != 1 || got[0].Outcome != string(server.ReasonUnknownAuth) || got[0].AuthID != "x\u202e" || got[0].Before != nil {
		t.Errorf("an act on an unknown auth: %+v", got)
	}
	if got := found["delete"]; len(got) != 1 || got[0].Before["provider"] != "codex" {
		t.Errorf("a deletion: %+v", got)
	}
}

// Strangers and callers that are refused again and again do not make the log grow.
func TestRefusalsAreAuditedOnceAMinute(t *testing.T) {
	weak, known := servertest.Token(1)
	log, lines := auditFile(t)
	h := servertest.New(t, servertest.Options{Callers: []access.Caller{{Name: "weak", Roles: access.Read, Tokens: []access.Token{known}}}, Audit: log})
	for range 50 {
		for id, ctx := range map[string]context.Context{"weak": as(t.Context(), weak), "stranger": t.Context()} {
			ctx = identified(ctx, id)
			_, _ = h.Broker.PickCredential(ctx, &credbrokerv1.PickCredentialRequest{})
			_, _ = h.Auths.DeleteAuth(ctx, &credbrokerv1.DeleteAuthRequest{AuthId: "a"})
		}
	}
	found := lines()
	if len(found["weak"]) != 2 || len(found["stranger"]) != 1 {
		t.Errorf("%d lines of a caller and %d of a stranger, want 2 (one a method) and 1", len(found["weak"]), len(found["stranger"]))
	}
}

// When no further entry can wait, nothing is released and nothing changed, and what needs no line goes on.
func TestARefusedDiskRefusesCalls(t *testing.T) {
	log, _ := auditFile(t)
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}, Audit: log})
	var slots []*audit.Slot
	for {
		slot, err := log.Reserve()
		if errors.Is(err, audit.ErrFull) {
			break
		}
		slots = append(slots, &slot)
	}
	_, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{})
	wantError(t, err, codes.Unavailable, server.ReasonOverloaded)
	_, err = h.Auths.DisableAuth(t.Context(), &credbrokerv1.DisableAuthRequest{AuthId: "a"})
	wantError(t, err, codes.Unavailable, server.ReasonOverloaded)
	got, err := h.Auths.GetAuth(t.Context(), &credbrokerv1.GetAuthRequest{AuthId: "a"})
	if err != nil || got.GetAuth().GetState() != credbrokerv1.AuthState_AUTH_STATE_READY {
		t.Errorf("GetAuth: %v, %v, want it ready", got, err)
	}
	for _, slot := range slots {
		slot.Free()
	}
	if _, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{}); err != nil {
		t.Errorf("PickCredential with room again: %v", err)
	}
}
