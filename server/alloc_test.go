package server

import (
	"testing"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

func TestCheckingAGoodPickAllocatesNothing(t *testing.T) {
	req := &credbrokerv1.PickCredentialRequest{
		Provider: "claude", Model: "claude-opus-4-5", Headers: map[string]string{"X-Session-ID": "s", "Accept": "*/*"},
		Body: make([]byte, 100<<10), ExcludeAuthIds: []string{"a", "b"},
	}
	allocs := testing.AllocsPerRun(100, func() {
		var v violations
		var request broker.PickRequest
		v.checkPick(req, &request, DefaultMessage)
		if err := v.err(); err != nil {
			t.Error(err)
		}
	})
	if allocs != 0 {
		t.Errorf("checking a pick allocates %v times, want 0", allocs)
	}
}
