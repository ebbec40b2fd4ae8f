package clientanswer

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/sessions"
)

func TestEveryFormatSaysEveryProblem(t *testing.T) {
	type want struct {
		status int32
		body   string
	}
	const (
		limited = "All credentials for model m are cooling down via provider p"
		full    = "The upstream has no capacity for model m via provider p"
		lost    = `{"error":{"code":"previous_response_not_found","message":"Previous response not found: nothing can continue from it any more. ` +
			`Send the whole conversation without the reference","model":"m","param":"previous_response_id","provider":"p",` +
			`"reset_seconds":45,"reset_time":"44s","type":"invalid_request_error"}}`
	)
	for _, tt := range []struct {
		name   string
		answer broker.Answer
		want   want
	}{
		{"Anthropic, limited", broker.Answer{Problem: broker.ProblemLimited, Format: sessions.FormatAnthropic},
			want{429, `{"error":{"message":"` + limited + `","type":"rate_limit_error"},"type":"error"}`}},
		{"Anthropic, overloaded", broker.Answer{Problem: broker.ProblemOverloaded, Format: sessions.FormatAnthropic},
			want{529, `{"error":{"message":"` + full + `","type":"overloaded_error"},"type":"error"}`}},
		{"Anthropic, no such model", broker.Answer{Problem: broker.ProblemModel, Format: sessions.FormatAnthropic},
			want{404, `{"error":{"message":"No credential may use model m via provider p","type":"not_found_error"},"type":"error"}`}},
		{"Gemini, limited", broker.Answer{Problem: broker.ProblemLimited, Format: sessions.FormatGemini},
			want{429, `{"error":{"code":429,"message":"` + limited + `","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"45s"}]}}`}},
		{"Gemini, overloaded", broker.Answer{Problem: broker.ProblemOverloaded, Format: sessions.FormatGemini},
			want{503, `{"error":{"code":503,"message":"` + full + `","status":"UNAVAILABLE","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"45s"}]}}`}},
		{"OpenAI chat, limited", broker.Answer{Problem: broker.ProblemLimited, Format: sessions.FormatOpenAIChat},
			want{429, `{"error":{"code":"model_cooldown","message":"` + limited + `","model":"m","param":null,"provider":"p","reset_seconds":45,"reset_time":"44s","type":"rate_limit_error"}}`}},
		{"OpenAI Responses, overloaded", broker.Answer{Problem: broker.ProblemOverloaded, Format: sessions.FormatOpenAIResponses},
			want{503, `{"error":{"code":"upstream_overloaded","message":"` + full + `","model":"m","param":null,"provider":"p","reset_seconds":45,"reset_time":"44s","type":"server_error"}}`}},
		{"OpenAI Responses, a reference that is lost", broker.Answer{Problem: broker.ProblemReference, Format: sessions.FormatOpenAIResponses},
			want{400, lost}},
		{"nobody knows, a reference that is lost", broker.Answer{Problem: broker.ProblemReference}, want{400, lost}},
		{"Anthropic, too large", broker.Answer{Problem: broker.ProblemTooLarge, Format: sessions.FormatAnthropic},
			want{413, `{"error":{"message":"A part of the request is larger than it may be","type":"request_too_large"},"type":"error"}`}},
		{"nobody knows, overloaded", broker.Answer{Problem: broker.ProblemOverloaded},
			want{503, `{"error":{"code":"upstream_overloaded","message":"` + full + `","model":"m","provider":"p","reset_seconds":45,"reset_time":"44s"}}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.answer
			a.Model, a.Provider, a.Wait = "m", "p", 44*time.Second+1
			got := Write(&a)
			if got.GetStatus() != tt.want.status || string(got.GetBody()) != tt.want.body || got.GetHeaders()["Retry-After"] != "45" {
				t.Errorf("Write = %d %v %s, want %d %s, after 45 s", got.GetStatus(), got.GetHeaders(), got.GetBody(), tt.want.status, tt.want.body)
			}
		})
	}
}

// A time that nobody knows is not made up.
func TestNoTimeIsInvented(t *testing.T) {
	for p := broker.ProblemUnavailable; p <= broker.ProblemTooLarge; p++ {
		for f := sessions.FormatUnknown; f <= sessions.FormatGemini; f++ {
			got := Write(&broker.Answer{Problem: p, Format: f, Model: "m"})
			if _, found := got.GetHeaders()["Retry-After"]; found || got.GetStatus() < 400 || len(got.GetBody()) == 0 {
				t.Errorf("problem %d in format %d = %v", p, f, got)
			}
		}
	}
}
