package verdict_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/verdict"
)

var errWrong = errors.New("wrong verdict")

// sound returns what is wrong with a verdict, whatever the outcome was.
func sound(o verdict.Outcome, v verdict.Verdict) error {
	switch {
	case v.Rule == "" || v.Fault == "" || v.Retry == "":
		return fmt.Errorf("%w: a part is missing", errWrong)
	case v.Delay < 0 || v.Delay > 32*24*time.Hour || v.Delay%time.Millisecond != 0:
		return fmt.Errorf("%w: delay %v", errWrong, v.Delay)
	case v.Delay > 0 && !v.Until.Equal(o.ReceivedAt.Add(v.Delay)) || v.Delay == 0 && !v.Until.IsZero():
		return fmt.Errorf("%w: until %v after a delay of %v", errWrong, v.Until, v.Delay)
	case (v.Action == cooldown.ActionCooldown) != (v.Delay > 0 || v.Ladder != cooldown.LadderNone && v.Scope != cooldown.ScopeNone):
		return fmt.Errorf("%w: %s without a time or a ladder, or the other way round", errWrong, v.Action)
	case v.Fault == verdict.FaultCaller && v.Action != cooldown.ActionNone:
		return fmt.Errorf("%w: the caller is at fault, the auth pays", errWrong)
	default:
		return nil
	}
}

func FuzzJudge(f *testing.F) {
	rules := load(f)
	for _, c := range ownCases(f) {
		header, value := "retry-after", c.Headers["retry-after"]
		f.Add(c.Provider, c.Status, header, value, []byte(c.Body))
	}
	f.Fuzz(func(t *testing.T, dialect string, status int, header, value string, body []byte) {
		o := verdict.Outcome{
			Dialect: dialect, Kind: verdict.KindOAuth, Model: "m", Status: status, Headers: map[string]string{header: value}, Body: body,
			ReceivedAt: time.Unix(1_791_626_400, 0),
		}
		got := rules.Judge(o)
		if err := sound(o, got); err != nil {
			t.Errorf("Judge(%s %d %q: %q %q) = %+v: %v", dialect, status, header, value, body, got, err)
		}
		if again, _ := rules.Read(o); again != got {
			t.Errorf("Judge(%s %d %q: %q %q) = %+v, then %+v", dialect, status, header, value, body, got, again)
		}
	})
}

// FuzzHint: whatever stands where a delay should, the cooldown is within its bound or left to the ladder.
func FuzzHint(f *testing.F) {
	rules := load(f)
	for _, s := range []string{"-1", "0", "NaN", "9e99", "Infinity", "24", "1.5", "6m0s", "1h34m52.896s", "Mon, 05 Oct 2026 08:00:30 GMT", "1774472400", "1786320000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, o := range []verdict.Outcome{
			{Dialect: "openai", Headers: map[string]string{"retry-after": s, "retry-after-ms": s}},
			{Dialect: "openai", Headers: map[string]string{"x-ratelimit-remaining": s, "x-ratelimit-reset": s, "date": s}},
			{Dialect: "openai", Body: []byte("try again in " + s)},
			{Dialect: "claude-code", Headers: map[string]string{"anthropic-ratelimit-unified-status": "rejected", "anthropic-ratelimit-unified-reset": s}},
			{Dialect: "codex", Body: fmt.Appendf(nil, `{"error":{"type":"usage_limit_reached","resets_at":%q,"resets_in_seconds":%q}}`, s, s)},
			{Dialect: "zhipu", Body: fmt.Appendf(nil, `{"error":{"code":"1310","message":%q}}`, s)},
			{Dialect: "gemini", Body: fmt.Appendf(nil, `{"error":{"details":[{"retryDelay":%q,"metadata":{"quotaResetDelay":%q}}]}}`, s, s)},
		} {
			o.Status, o.ReceivedAt = 429, time.Unix(1_791_626_400, 0)
			if got := rules.Judge(o); sound(o, got) != nil {
				t.Errorf("Judge(%s %v %q) = %+v: %v", o.Dialect, o.Headers, o.Body, got, sound(o, got))
			}
		}
	})
}

// TestHostile: bodies that are large or senseless are judged by what is left of them.
func TestHostile(t *testing.T) {
	rules := load(t)
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"1 MB of HTML", html(), "edge-blocked"},
		{"1 MB of JSON", []byte(`{"error":{"message":"` + strings.Repeat("x", 1<<20) + `"}}`), "limit-rate"},
		{"deep nesting", []byte(strings.Repeat(`{"error":`, 1<<16)), "limit-rate"},
		{"deep nesting that fits", []byte(strings.Repeat(`[`, 30_000) + strings.Repeat(`]`, 30_000)), "limit-rate"},
		{"gzip", gzipped(), "limit-rate"},
		{"retry a million times", bytes.Repeat([]byte("retry after "), 1<<17), "limit-rate"},
		{"a stream without an end", bytes.Repeat([]byte("data: {\n"), 1<<17), "limit-rate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := verdict.Outcome{Dialect: "openai", Status: 429, Body: c.body}
			got := rules.Judge(o)
			if got.Rule != c.want || sound(o, got) != nil {
				t.Errorf("Judge = %+v (%v), want rule %s", got, sound(o, got), c.want)
			}
		})
	}
}

func html() []byte {
	return append([]byte("<!DOCTYPE html><html><body>"), bytes.Repeat([]byte("<p>retry</p>"), 1<<20/12)...)
}

func gzipped() []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for i := range 1 << 15 {
		fmt.Fprintf(w, "%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
	}
	w.Close()
	return b.Bytes()
}

func BenchmarkRead(b *testing.B) {
	rules := load(b)
	at := time.Unix(1_791_626_400, 0)
	headers := map[string]string{}
	for i := range 24 {
		headers[fmt.Sprintf("x-some-header-%d", i)] = "value"
	}
	limited := map[string]string{"retry-after": "12", "content-type": "application/json", "date": "Sat, 10 Oct 2026 10:00:00 GMT"}
	for _, c := range []struct {
		name string
		o    verdict.Outcome
	}{
		{"success", verdict.Outcome{Dialect: "openai", Status: 200, Headers: headers, ReceivedAt: at}},
		{"429", verdict.Outcome{Dialect: "openai", Status: 429, Model: "gpt-5.5", Headers: limited, ReceivedAt: at, Body: []byte(
			`{"error":{"message":"Rate limit reached for gpt-5.5 in organization org-x on tokens per min (TPM): Limit 30000, Used 29100, ` +
				`Requested 1500. Please try again in 1.2s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`)}},
		{"html-1MB", verdict.Outcome{Dialect: "openai", Status: 502, Headers: limited, Body: html(), ReceivedAt: at}},
		{"text-1MB", verdict.Outcome{Dialect: "openai", Status: 429, Headers: limited, Body: bytes.Repeat([]byte("no such phrase "), 1<<16), ReceivedAt: at}},
	} {
		b.Run("outcome="+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rules.Read(c.o)
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verdict.Load(); err != nil {
			b.Fatal(err)
		}
	}
}
