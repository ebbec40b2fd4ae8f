package server

import (
	"testing"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/sessions"
)

func TestCheckingAGoodPickAllocatesNothing(t *testing.T) {
	req := &credbrokerv1.PickCredentialRequest{
		Provider: "claude", Model: "claude-opus-4-5", Headers: map[string]string{"X-Session-ID": "s", "Accept": "*/*"},
		Body: make([]byte, 100<<10), ExcludeAuthIds: []string{"a", "b"},
	}
	allocs := testing.AllocsPerRun(100, func() {
		var v violations
		var headers sessions.Headers
		v.checkPick(req, &headers)
		if err := v.err(); err != nil {
			t.Error(err)
		}
	})
	if allocs != 0 {
		t.Errorf("checking a pick allocates %v times, want 0", allocs)
	}
}
