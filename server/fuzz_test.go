package server_test

import (
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

// FuzzPickRequest sends whatever decodes as a request. No request may panic, and every answer is a credential or one of
// the reasons that a pick can have.
func FuzzPickRequest(f *testing.F) {
	for _, req := range []*credbrokerv1.PickCredentialRequest{
		{Provider: "claude", Model: "m(high)", SessionId: "s", Explain: true},
		{Provider: "nobody"},
		{Headers: map[string]string{"X-Session-ID": "a"}, Body: []byte(`{"messages":[{"role":"user","content":"hi"}]}`)},
		{ExcludeAuthIds: []string{"a", "b"}, DryRun: true, DownstreamWebsocket: true},
		{SessionId: "\x00", Model: strings.Repeat("x", 300)},
	} {
		data, err := proto.Marshal(req)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	h := servertest.New(f, servertest.Options{Auths: []*selector.Auth{
		servertest.Key("a", "claude"), servertest.Key("b", "codex"),
	}})
	h.Server.Configure(server.Settings{})
	f.Fuzz(func(t *testing.T, data []byte) {
		req := &credbrokerv1.PickCredentialRequest{}
		if proto.Unmarshal(data, req) != nil {
			return
		}
		got, err := h.Broker.PickCredential(t.Context(), req)
		if err == nil {
			if got.GetCredential().GetAuthId() == "" || req.GetDryRun() != (got.GetPickId() == "") {
				t.Errorf("PickCredential(%v) = %v", req, got)
			}
			return
		}
		s := status.Convert(err)
		reason := detail[*errdetails.ErrorInfo](t, s).GetReason()
		switch server.Reason(reason) {
		case server.ReasonInvalidRequest, server.ReasonAuthNotFound, server.ReasonAuthUnavailable, server.ReasonModelCooldown:
		default:
			t.Errorf("PickCredential(%v): %v %s", req, s, reason)
		}
	})
}
