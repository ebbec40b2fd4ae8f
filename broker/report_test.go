package broker

import (
	"testing"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/verdict"
)

func TestKindsOfAuthsMeanTheSame(t *testing.T) {
	for kind, want := range map[selector.Kind]string{
		selector.KindAPIKey: verdict.KindAPIKey, selector.KindOAuth: verdict.KindOAuth, selector.KindUnknown: "",
	} {
		if got := kind.String(); got != want {
			t.Errorf("kind %d = %q, want %q", kind, got, want)
		}
	}
}
