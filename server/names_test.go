package server_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

// Every call that names a provider takes each of its names.
func TestNamesOfProviders(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{
		servertest.Key("a", "claude"), servertest.Key("b", "claude"), servertest.Key("c", "gemini"),
	}})
	pick := func(provider string) *credbrokerv1.PickCredentialResponse {
		t.Helper()
		got, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: provider, Model: "m", SessionId: "s"})
		if err != nil {
			t.Fatalf("PickCredential of %s: %v", provider, err)
		}
		return got
	}
	first := pick("anthropic")
	if got := pick("claude"); got.GetSession().GetBinding() != credbrokerv1.Binding_BINDING_HIT ||
		got.GetCredential().GetAuthId() != first.GetCredential().GetAuthId() || got.GetCredential().GetProvider() != "claude" {
		t.Errorf("the session by another name: %v, want that of %v", got, first)
	}
	list, err := h.Auths.ListAuths(t.Context(), &credbrokerv1.ListAuthsRequest{Provider: "anthropic"})
	if err != nil || list.GetTotalSize() != 2 {
		t.Errorf("ListAuths: %v, %v, want two", list, err)
	}
	stream, err := h.Auths.WatchAuths(t.Context(), &credbrokerv1.WatchAuthsRequest{Provider: "google"})
	if err != nil {
		t.Fatal(err)
	}
	if event, err := stream.Recv(); err != nil || event.GetAuth().GetConfig().GetId() != "c" {
		t.Errorf("WatchAuths: %v, %v, want c", event, err)
	}
	released, err := h.Auths.ReleaseSession(t.Context(), &credbrokerv1.ReleaseSessionRequest{Session: &credbrokerv1.ReleaseSessionRequest_Name{
		Name: &credbrokerv1.SessionName{Provider: "claude-api", SessionId: "caller:s", Model: "m"},
	}})
	if err != nil || released.GetAuthId() != first.GetCredential().GetAuthId() {
		t.Errorf("ReleaseSession: %v, %v, want the session released", released, err)
	}
	_, err = h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "azure"})
	wantError(t, err, codes.NotFound, server.ReasonAuthNotFound)
	if message := status.Convert(err).Message(); !strings.Contains(message, "there are: claude, gemini") {
		t.Errorf("message %q names no providers", message)
	}
	wantMetric := `provider="claude"`
	if text := get(h, "/metrics").Body.String(); strings.Contains(text, `provider="anthropic"`) || !strings.Contains(text, wantMetric) {
		t.Errorf("metrics count under another name than %s", wantMetric)
	}
}
