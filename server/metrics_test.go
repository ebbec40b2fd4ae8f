package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server/servertest"
)

func TestMetrics(t *testing.T) {
	off := servertest.Key("off", "codex")
	off.Disabled = true
	h := servertest.New(t, servertest.Options{
		Auths:  []*selector.Auth{servertest.Key("a", "claude"), servertest.Key("b", "claude"), off},
		Status: broker.ConfigStatus{Generation: 7, Problems: []string{"one", "two"}},
	})
	pick := func(req *credbrokerv1.PickCredentialRequest) { _, _ = h.Broker.PickCredential(t.Context(), req) }
	pick(&credbrokerv1.PickCredentialRequest{Provider: "claude", Model: "claude-opus-4(high)", SessionId: "s"})
	pick(&credbrokerv1.PickCredentialRequest{Provider: "claude", Model: "claude-opus-4", SessionId: "s"})
	pick(&credbrokerv1.PickCredentialRequest{Provider: "claude", Model: "claude-opus-4", SessionId: "s", DryRun: true})
	pick(&credbrokerv1.PickCredentialRequest{Model: "invented-1"})
	pick(&credbrokerv1.PickCredentialRequest{Provider: "nobody-1"})
	pick(&credbrokerv1.PickCredentialRequest{Provider: "codex", Model: "gpt-5"})
	pick(&credbrokerv1.PickCredentialRequest{Provider: text(65)})
	for _, id := range []string{"a", "nobody-2"} {
		_, _ = h.Broker.ReportCooldown(t.Context(), &credbrokerv1.ReportCooldownRequest{
			AuthId: id, End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(time.Minute)},
		})
	}
	_, _ = h.Broker.InvalidateAuth(t.Context(), &credbrokerv1.InvalidateAuthRequest{AuthId: "b"})

	body := get(h, "/metrics").Body.String()
	for _, want := range []string{
		`credbroker_picks_total{binding="NEW",model_class="claude-opus",provider="claude",result="OK"} 1`,
		`credbroker_picks_total{binding="HIT",model_class="claude-opus",provider="claude",result="OK"} 1`,
		`credbroker_picks_total{binding="NONE",model_class="other",provider="claude",result="OK"} 1`,
		`credbroker_picks_total{binding="NONE",model_class="none",provider="other",result="AUTH_NOT_FOUND"} 1`,
		`credbroker_picks_total{binding="NONE",model_class="gpt",provider="codex",result="AUTH_UNAVAILABLE"} 1`,
		`credbroker_picks_total{binding="NONE",model_class="none",provider="other",result="INVALID_REQUEST"} 1`,
		`credbroker_reports_total{report="QUOTA",result="OK"} 1`,
		`credbroker_reports_total{report="QUOTA",result="UNKNOWN_AUTH"} 1`,
		`credbroker_reports_total{report="INVALIDATE",result="OK"} 1`,
		`credbroker_auths{provider="claude",state="COOLING"} 1`,
		`credbroker_auths{provider="claude",state="READY"} 1`,
		`credbroker_auths{provider="codex",state="DISABLED"} 1`,
		`credbroker_bindings_max 1e+06`,
		`credbroker_config_generation 7`,
		`credbroker_config_problems 2`,
		`credbroker_rpc_handled_total{code="OK",method="/credbroker.v1.CredentialBroker/PickCredential"} 4`,
		`credbroker_rpc_handled_total{code="NOT_FOUND",method="/credbroker.v1.CredentialBroker/PickCredential"} 1`,
		`credbroker_rpc_duration_seconds_bucket{method="/credbroker.v1.CredentialBroker/PickCredential",le="1e-05"} 7`,
		`credbroker_panics_total 0`,
		`credbroker_build_info{goversion="go`,
		`process_start_time_seconds`,
		`go_goroutines`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	for _, name := range []string{"invented-1", "nobody-", "xxxx"} {
		if strings.Contains(body, name) {
			t.Errorf("/metrics has %q, which a caller made up", name)
		}
	}
}

func TestProvidersOfMetricsAreBounded(t *testing.T) {
	h := servertest.New(t, servertest.Options{})
	for i := range 100 {
		auth := servertest.Key(fmt.Sprint(i), fmt.Sprintf("provider-%d", i))
		h.Core.Update([]*selector.Auth{auth}, nil, h.Clock.Now())
		_, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: auth.Provider})
		if err != nil {
			t.Fatal(err)
		}
	}
	body := get(h, "/metrics").Body.String()
	if n := strings.Count(body, "\ncredbroker_picks_total{"); n != 65 {
		t.Errorf("%d series of picks for 100 providers, want 64 and one for the others", n)
	}
}
