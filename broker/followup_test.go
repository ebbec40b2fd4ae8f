package broker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/verdict"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// brokerOf is a broker whose pool is that many auths of one provider, named a, b and so on.
func brokerOf(n int) *broker.Broker {
	b := broker.New(broker.Config{Settings: broker.Settings{Affinity: true}})
	auths := make([]*selector.Auth, n)
	for i := range auths {
		auths[i] = &selector.Auth{ID: string(rune('a' + i)), Provider: "openai", Dialect: "openai", Kind: selector.KindAPIKey}
	}
	b.Update(auths, nil, noon)
	return b
}

// play makes the attempts of one request, each of which is answered alike, until the broker says something else than to pick
// again, and returns what it said each time.
func play(t *testing.T, b *broker.Broker, o verdict.Outcome) []broker.FollowUp {
	t.Helper()
	var said []broker.FollowUp
	req := broker.PickRequest{Provider: "openai", Model: "m"}
	for attempt := 1; ; attempt++ {
		picked, err := b.Pick(t.Context(), &req, noon)
		if err != nil {
			t.Fatalf("attempt %d: %v", attempt, err)
		}
		if picked.Attempt != attempt {
			t.Errorf("attempt = %d, want %d", picked.Attempt, attempt)
		}
		id, err := broker.ParsePickID(picked.ID)
		if err != nil {
			t.Fatal(err)
		}
		o.Model = picked.Model
		reported, err := b.Report(t.Context(), &broker.Report{AuthID: picked.Auth.ID, Pick: id, Outcome: o, Tried: req.Exclude}, noon)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, reported.FollowUp)
		if reported.Next != broker.NextPickAgain {
			return said
		}
		if attempt == 1 {
			req.AttemptOf = id
		}
		req.Exclude = append(req.Exclude, picked.Auth.ID)
	}
}

// last is how the attempts of a request ended.
type last struct {
	attempts int
	next     broker.Next
	wait     time.Duration
	problem  broker.Problem
	// shown is the time that the client is told.
	shown time.Duration
}

// noAnswer: what the upstream answered is passed on, or nothing is.
const noAnswer = broker.Problem(255)

// aWhile is a step of a ladder, which has chance in it: up to a minute.
const aWhile = -1

var (
	done     = last{1, broker.NextDone, 0, noAnswer, 0}
	asItCame = last{1, broker.NextReturn, 0, noAnswer, 0}
)

func returned(attempts int, p broker.Problem, seconds int) last {
	return last{attempts, broker.NextReturn, 0, p, time.Duration(seconds) * time.Second}
}

// sameFor is the same end with one, two and three auths.
func sameFor(l last) [3]last {
	return [3]last{l, l, l}
}

func waits(attempts int, p broker.Problem, seconds int) last {
	wait := time.Duration(seconds) * time.Second
	return last{attempts, broker.NextWait, wait, p, wait}
}

func TestWhatComesNext(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    verdict.Outcome
		// with one, two and three auths. All of three at once is an outage, which stops at once.
		want [3]last
	}{
		{"served", verdict.Outcome{Status: 200}, [3]last{done, done, done}},
		{"a client that hung up", verdict.Outcome{TransportError: "context canceled"}, [3]last{done, done, done}},
		{"a client that is gone", verdict.Outcome{Ending: verdict.EndingClientCancelled}, [3]last{done, done, done}},
		{"a stream that broke", verdict.Outcome{Status: 200, Ending: verdict.EndingStreamBroken}, [3]last{done, done, done}},
		{"a stream that broke with an error", verdict.Outcome{
			Status: 200, Ending: verdict.EndingStreamBroken, Body: []byte(`{"error":{"type":"overloaded_error","message":"x"}}`),
		}, [3]last{done, done, done}},
		{"a request that is too long", failed(400, `{"error":{"code":"context_length_exceeded","message":"x"}}`), [3]last{asItCame, asItCame, asItCame}},
		{"a request that is too long, by its class", verdict.Outcome{Class: "caller"}, sameFor(returned(1, broker.ProblemRequest, 0))},
		{"a message that is too long for a WebSocket", verdict.Outcome{
			TransportError: "websocket: close 1009 (message too big)",
		}, sameFor(returned(1, broker.ProblemRequest, 0))},
		{"an upstream that says it was cancelled", failed(499, `{"error":{"code":"client_closed_request","message":"x"}}`), sameFor(returned(1, broker.ProblemFailed, 0))},
		{"an upstream that says so by gRPC", failed(200, ``, "Grpc-Status", "1"), sameFor(returned(1, broker.ProblemFailed, 0))},
		{"an upstream that says so after its client went away", verdict.Outcome{Status: 499, Ending: verdict.EndingClientCancelled}, sameFor(done)},
		{"a clock that is wrong", failed(400, `{"error":"invalid_grant","error_description":"check your iat and exp"}`), sameFor(returned(1, broker.ProblemUnavailable, 0))},
		{"a client that the subscription does not serve", failed(403, `{"error":{"message":"only available for Coding Agents"}}`), sameFor(returned(1, broker.ProblemRequest, 0))},
		{"a refused key", failed(401, `{"error":{"code":"invalid_api_key","message":"x"}}`), [3]last{
			returned(1, broker.ProblemUnavailable, 0), returned(2, broker.ProblemUnavailable, 0), returned(3, broker.ProblemUnavailable, 0),
		}},
		{"a limit of 45 s", failed(429, `{"error":{"message":"x"}}`, "Retry-After", "45"), [3]last{
			waits(1, broker.ProblemLimited, 45), waits(2, broker.ProblemLimited, 45), returned(3, broker.ProblemLimited, 45),
		}},
		{"a limit of ten minutes", failed(429, `{"error":{"message":"x"}}`, "Retry-After", "600"), [3]last{
			returned(1, broker.ProblemLimited, 600), returned(2, broker.ProblemLimited, 600), returned(3, broker.ProblemLimited, 600),
		}},
		{"no money left", failed(429, `{"error":{"code":"insufficient_quota","message":"x"}}`), [3]last{
			returned(1, broker.ProblemUnavailable, 0), returned(2, broker.ProblemUnavailable, 0), returned(3, broker.ProblemUnavailable, 0),
		}},
		{"overloaded for 5 s", failed(503, ``, "Retry-After", "5"), [3]last{
			waits(1, broker.ProblemOverloaded, 5), waits(2, broker.ProblemOverloaded, 5), returned(3, broker.ProblemOverloaded, aWhile),
		}},
		{"overloaded for 5 s, as Anthropic says it", failed(529, ``, "Retry-After", "5"), [3]last{
			waits(1, broker.ProblemOverloaded, 5), waits(2, broker.ProblemOverloaded, 5), returned(3, broker.ProblemOverloaded, aWhile),
		}},
		{"a model that is not there", failed(404, `{"error":{"code":"model_not_found","message":"x"}}`), [3]last{
			returned(1, broker.ProblemModel, 0), returned(2, broker.ProblemModel, 0), returned(3, broker.ProblemModel, 0),
		}},
		{"no connection, by its outcome", verdict.Outcome{Ending: verdict.EndingConnectFailed}, [3]last{
			returned(1, broker.ProblemFailed, 0), returned(2, broker.ProblemFailed, 0), returned(3, broker.ProblemUnavailable, aWhile),
		}},
		{"no answer in time", verdict.Outcome{Ending: verdict.EndingTimedOut}, [3]last{
			returned(1, broker.ProblemFailed, 0), returned(2, broker.ProblemFailed, 0), returned(3, broker.ProblemUnavailable, aWhile),
		}},
		{"no connection", verdict.Outcome{TransportError: "connection refused"}, [3]last{
			returned(1, broker.ProblemFailed, 0), returned(2, broker.ProblemFailed, 0), returned(3, broker.ProblemUnavailable, aWhile),
		}},
	} {
		for i, want := range tt.want {
			t.Run(fmt.Sprintf("%s, %d auths", tt.name, i+1), func(t *testing.T) {
				said := play(t, brokerOf(i+1), tt.o)
				end := said[len(said)-1]
				got := last{len(said), end.Next, end.Wait, noAnswer, 0}
				if end.Answer != nil {
					got.problem, got.shown = end.Answer.Problem, end.Answer.Wait
				}
				if want.shown == aWhile*time.Second && got.shown > 0 && got.shown <= broker.MaxWait {
					got.shown = want.shown
				}
				if got != want {
					t.Errorf("ends with %+v, want %+v", got, want)
				}
			})
		}
	}
}

// failed is an answer that failed.
func failed(status int, body string, header ...string) verdict.Outcome {
	o := verdict.Outcome{Status: status, Body: []byte(body), Headers: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		o.Headers[header[i]] = header[i+1]
	}
	return o
}

// A rule of the operator's says, too, that its fault is none that a client can mend.
func TestOwnRulesSayWhatTheClientGets(t *testing.T) {
	for answer, want := range map[string]last{
		"": asItCame, "refused": returned(1, broker.ProblemRequest, 0), "unavailable": returned(1, broker.ProblemUnavailable, 0),
		"cancelled": returned(1, broker.ProblemFailed, 0),
	} {
		row := "rules:\n- {id: ours, stage: request, when: {text: teapot}, fault: caller, action: none, reason: not_found, source: ours"
		if answer != "" {
			row += ", client_answer: " + answer
		}
		rules, err := verdict.Load(verdict.File{Name: "ours.yaml", Text: []byte(row + "}\n")})
		if err != nil {
			t.Fatal(err)
		}
		b := brokerOf(2)
		b.Configure(broker.Settings{Affinity: true, Rules: rules})
		said := play(t, b, failed(418, `{"error":{"message":"I am a teapot"}}`))
		got := last{len(said), said[0].Next, said[0].Wait, noAnswer, 0}
		if said[0].Answer != nil {
			got.problem = said[0].Answer.Problem
		}
		if got != want {
			t.Errorf("client_answer %q: %+v, want %+v", answer, got, want)
		}
	}
}

// However many are ready, a request is tried max_attempts times.
func TestAttemptsAreBounded(t *testing.T) {
	b := brokerOf(9)
	limit := failed(429, "", "Retry-After", "3600")
	if said := play(t, b, limit); len(said) != broker.DefaultMaxAttempts || said[3].Answer.Problem != broker.ProblemLimited || said[3].Answer.Wait != time.Second {
		t.Errorf("%d attempts, the last one %+v, want 4 and a limit that others do not have", len(said), said[len(said)-1])
	}
	b.Configure(broker.Settings{MaxAttempts: 1})
	if said := play(t, b, limit); len(said) != 1 || said[0].Next != broker.NextReturn {
		t.Errorf("with one attempt allowed: %+v", said)
	}
}

// Where an auth is left that was not tried, nobody knows that the model is not there.
func TestModelThatAnotherAuthMayHave(t *testing.T) {
	b := brokerOf(9)
	said := play(t, b, failed(404, `{"error":{"code":"model_not_found","message":"x"}}`))
	if len(said) != broker.DefaultMaxAttempts || said[3].Answer.Problem != broker.ProblemUnavailable {
		t.Errorf("%d attempts, the last one %+v, want 4 and no auth that can be used", len(said), said[len(said)-1].Answer)
	}
}

// The format of the client's API comes with the pick id, so it reaches every replica.
func TestTheFormatTravelsWithThePick(t *testing.T) {
	anthropic := []byte(`{"system":"s","messages":[{"role":"user","content":"hi"}]}`)
	for _, tt := range []struct {
		name string
		req  broker.PickRequest
		want sessions.Format
	}{
		{"as the body shows", broker.PickRequest{Body: anthropic}, sessions.FormatAnthropic},
		{"as the caller says", broker.PickRequest{Body: anthropic, Format: sessions.FormatGemini}, sessions.FormatGemini},
		{"nobody knows", broker.PickRequest{}, sessions.FormatUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := brokerOf(2)
			id := tt.req.AttemptOf
			for range 2 {
				req := broker.PickRequest{Provider: "openai", Model: "m", AttemptOf: id}
				if id == (broker.PickID{}) {
					req.Body, req.Format = tt.req.Body, tt.req.Format
				}
				picked := pick(t, b, &req)
				var err error
				if id, err = broker.ParsePickID(picked.ID); err != nil || picked.Format != tt.want {
					t.Fatalf("format = %d, %v, want %d", picked.Format, err, tt.want)
				}
				other := brokerOf(1)
				reported, err := other.Report(t.Context(), &broker.Report{AuthID: "a", Pick: id, Outcome: failed(401, "")}, noon)
				if err != nil || reported.Answer == nil || reported.Answer.Format != tt.want {
					t.Errorf("answer = %+v, %v, want one of format %d", reported, err, tt.want)
				}
			}
		})
	}
}

// A conversation that only one auth can go on with ends there, whatever that answers, and costs it nothing.
func TestAPinnedRequestThatFailsIsReturned(t *testing.T) {
	for name, o := range poisons() {
		b := brokerOf(3)
		first := askFor(t, b, "m", "", asked)
		tell(t, b, first, answered)
		for range 3 {
			picked := askFor(t, b, "m", "", `{"previous_response_id":"resp_1","input":"c"}`)
			id, err := broker.ParsePickID(picked.ID)
			if err != nil {
				t.Fatal(err)
			}
			o.Model = picked.Model
			got, err := b.Report(t.Context(), &broker.Report{AuthID: picked.Auth.ID, Pick: id, Outcome: o}, noon)
			if err != nil || picked.Auth.ID != first.Auth.ID || got.Next != broker.NextReturn {
				t.Errorf("%s: with %s %+v, %v; want it returned by %s", name, picked.Auth.ID, got, err, first.Auth.ID)
			}
		}
		wantReady(t, b, noon)
	}
}
