package clientanswer

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/internal/corpus"
)

type cooldownCase struct {
	Family     string              `json:"family"`
	ID         string              `json:"id"`
	Model      string              `json:"model"`
	Provider   string              `json:"provider"`
	ResetInNS  int64               `json:"reset_in_ns"`
	WantStatus int32               `json:"want_http_status"`
	WantBody   string              `json:"want_body"`
	WantHeader map[string][]string `json:"want_headers"`
}

func TestConformanceCooldownError(t *testing.T) {
	count := 0
	for _, cases := range corpus.Cases(t, "units") {
		n := 0
		for _, unit := range cases {
			// Other families have members of other types under the same names.
			var of struct{ Family string }
			if unit.Decode(t, &of); of.Family != "cooldown_error" {
				continue
			}
			n++
			var c cooldownCase
			unit.Decode(t, &c)
			t.Run(c.ID, c.check)
		}
		if n == 0 {
			t.Error("a folder has no cases of family cooldown_error")
		}
		count += n
	}
	t.Logf("cooldown_error: %d cases", count)
}

func (c *cooldownCase) check(t *testing.T) {
	got := Write(&broker.Answer{Model: c.Model, Provider: c.Provider, Wait: max(time.Duration(c.ResetInNS), 0)})
	if got.GetStatus() != c.WantStatus {
		t.Errorf("status = %d, want %d", got.GetStatus(), c.WantStatus)
	}
	if diff := cmp.Diff(c.WantBody, string(got.GetBody())); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	header := make(map[string][]string)
	for name, value := range got.GetHeaders() {
		header[name] = []string{value}
	}
	if diff := cmp.Diff(c.WantHeader, header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestCooldownAnswer(t *testing.T) {
	for _, tt := range []struct {
		name            string
		model, provider string
		wait            time.Duration
		wantBody        string
	}{
		{
			name: "mixed is no provider to name", model: "m", provider: "mixed", wait: time.Minute,
			wantBody: `{"error":{"code":"model_cooldown","message":"All credentials for model m are cooling down","model":"m","reset_seconds":60,"reset_time":"1m0s"}}`,
		},
		{
			name: "invalid UTF-8 is replaced", model: "a\xffb", wait: 0,
			wantBody: `{"error":{"code":"model_cooldown","message":"All credentials for model a\ufffdb are cooling down","model":"a\ufffdb","reset_seconds":0,"reset_time":"0s"}}`,
		},
		{
			name: "control characters and quotes are escaped", model: "a\"\\\n\x00", wait: time.Hour,
			wantBody: `{"error":{"code":"model_cooldown","message":"All credentials for model a\"\\\n\u0000 are cooling down","model":"a\"\\\n\u0000","reset_seconds":3600,"reset_time":"1h0m0s"}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := string(Write(&broker.Answer{Model: tt.model, Provider: tt.provider, Wait: tt.wait}).GetBody())
			if diff := cmp.Diff(tt.wantBody, got); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnavailableAnswer(t *testing.T) {
	for _, tt := range []struct {
		name string
		wait time.Duration
		want *credbrokerv1.HttpError
	}{
		{
			name: "no time is known",
			want: &credbrokerv1.HttpError{
				Status: 503, Headers: map[string]string{"Content-Type": "application/json"},
				Body: []byte(`{"error":{"code":"auth_unavailable","message":"No credential for model m can be used via provider p","model":"m","provider":"p"}}`),
			},
		},
		{
			name: "the time is rounded up", wait: 1001 * time.Millisecond,
			want: &credbrokerv1.HttpError{
				Status: 503, Headers: map[string]string{"Content-Type": "application/json", "Retry-After": "2"},
				Body: []byte(`{"error":{"code":"auth_unavailable","message":"No credential for model m can be used via provider p","model":"m","provider":"p","reset_seconds":2,"reset_time":"1s"}}`),
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Write(&broker.Answer{Problem: broker.ProblemUnavailable, Model: "m", Provider: "p", Wait: tt.wait})
			if got.GetStatus() != tt.want.GetStatus() || !cmp.Equal(got.GetHeaders(), tt.want.GetHeaders()) ||
				!bytes.Equal(got.GetBody(), tt.want.GetBody()) {
				t.Errorf("Write = %v, want %v", got, tt.want)
			}
		})
	}
	if !strings.HasPrefix(shownDuration(time.Nanosecond), "1s") {
		t.Errorf("shownDuration(1ns) = %s, want 1s", shownDuration(time.Nanosecond))
	}
}
