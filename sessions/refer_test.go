package sessions_test

import (
	"slices"
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

// What the body refers to holds beside an id that the caller worked out.
func TestRefer(t *testing.T) {
	caller, err := sessions.Caller("s")
	if err != nil {
		t.Fatal(err)
	}
	got := sessions.Refer(caller, []byte(`{"prompt_cache_key":"k","previous_response_id":"r","input":"a"}`))
	if !slices.Equal(got.IDs, caller.IDs) || got.Source != sessions.SourceCaller || !slices.Equal(got.Pins, []string{"resp:r"}) {
		t.Errorf("Refer = %+v", got)
	}
	if got := sessions.Refer(caller, []byte(`{"thread":{"previous_message_id":"m"}}`)); !slices.Equal(got.Pins, []string{"message:m"}) {
		t.Errorf("Refer = %+v", got)
	}
	for _, body := range []string{``, `x`, `[]`, `{"messages":[{"role":"user","content":"a"}]}`} {
		if got := sessions.Refer(caller, []byte(body)); len(got.Pins)+len(got.Marks) > 0 || got.Reasoning != sessions.ReasoningNone {
			t.Errorf("Refer(%s) = %+v", body, got)
		}
	}
}
