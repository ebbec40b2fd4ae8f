package server_test

import (
	"testing"

	"google.golang.org/grpc/status"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/server/servertest"
)

// A gateway never has to make up what its client is told, whatever the reason of a refusal is.
func TestEveryRefusedPickHasItsAnswer(t *testing.T) {
	h := gatewayAt(t, servertest.Options{}, "a", "b")
	served(t, h, wantPick(t, h, ask(`{"input":"hello"}`), "a", begun), &credbrokerv1.ReportResultRequest{ResponseId: "r1"})
	h.Core.Update(nil, []string{"a"}, h.Clock.Now())
	for _, tt := range []struct {
		name   string
		change func(*credbrokerv1.PickCredentialRequest)
		format credbrokerv1.ClientFormat
		status int32
		body   string
	}{
		{"a provider that is not there", func(r *pickRequest) { r.Provider = "nobody" }, credbrokerv1.ClientFormat_CLIENT_FORMAT_ANTHROPIC,
			503, `{"error":{"message":"No credential for model m can be used via provider nobody","type":"api_error"},"type":"error"}`},
		{"a reference that is lost", func(r *pickRequest) { r.Body = []byte(byReference) }, credbrokerv1.ClientFormat_CLIENT_FORMAT_OPENAI_RESPONSES,
			400, `{"error":{"code":"previous_response_not_found","message":"Previous response not found: nothing can continue from it any more. ` +
				`Send the whole conversation without the reference","model":"m","param":"previous_response_id","provider":"openai","type":"invalid_request_error"}}`},
		{"too large a request", func(r *pickRequest) { r.Model = text(257) }, credbrokerv1.ClientFormat_CLIENT_FORMAT_GEMINI,
			413, `{"error":{"code":413,"message":"A part of the request is larger than it may be","status":"INVALID_ARGUMENT"}}`},
		{"a mistake of the gateway", func(r *pickRequest) { r.AttemptOf = "x" }, credbrokerv1.ClientFormat_CLIENT_FORMAT_ANTHROPIC,
			503, `{"error":{"message":"No credential for model requested model can be used","type":"api_error"},"type":"error"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := ask("")
			req.ClientFormat = tt.format
			tt.change(req)
			_, err := h.Broker.PickCredential(t.Context(), req)
			got := detail[*credbrokerv1.HttpError](t, status.Convert(err))
			if got.GetStatus() != tt.status || string(got.GetBody()) != tt.body {
				t.Errorf("%v: answer %d %s, want %d %s", err, got.GetStatus(), got.GetBody(), tt.status, tt.body)
			}
		})
	}
}
