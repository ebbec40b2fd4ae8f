package broker

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/verdict"
)

// Report is what a caller reports of an attempt: what the upstream answered, and what the conversation can continue from.
type Report struct {
	// Caller who reports.
	Caller Caller
	AuthID string
	// Pick that the attempt was made with.
	Pick PickID
	// Outcome of the attempt under the model that the caller named. Its dialect, kind and time are filled in here.
	Outcome verdict.Outcome
	// ReceivedAt is when the answer arrived, as the caller says; nil: just now.
	ReceivedAt *time.Time
	// Latency is the time from the start of the attempt to the answer; nil: unknown.
	Latency *time.Duration
	// AnswerMessage is the assistant's message, response or stream of events, AnswerDigest its digest, and ResponseID what later
	// requests may name it by, if the message does not say it. All may be empty.
	AnswerMessage            []byte
	AnswerDigest, ResponseID string
	// Tried are ids of auths that the client's request was tried with before.
	Tried []string
}

// Reported is how a report was judged, and what came of it.
type Reported struct {
	selector.Consequence
	FollowUp

	// Provider of the auth.
	Provider string
	Verdict  verdict.Verdict
	// Usage that the answer told of.
	Usage sessions.Usage
}

// Report judges what an upstream answered, applies that to the auth that got it, and binds what the conversation can
// continue from. It returns when all that is durable.
func (b *Broker) Report(ctx context.Context, r *Report, now time.Time) (*Reported, error) {
	auth, err := b.auth(r.Caller, r.AuthID)
	if err != nil {
		return nil, err
	}
	r, shown := b.prove(r, auth, now)
	settings := b.settings.Load()
	outcome := r.outcome(auth, now)
	judged, windows := b.rules(settings).Read(outcome)
	attempt := selector.Attempt{
		AuthID: r.AuthID, Model: r.Outcome.Model, Started: r.started(outcome.ReceivedAt), Windows: windows,
		Tag: r.Pick.tag(), Pin: r.Pick.context.Pin,
	}
	if !judged.Success && !r.over(&judged) {
		attempt.Again = r.again(b.table, auth)
	}
	finding, note := shown.limit(judged.Finding)
	if shown != proven {
		attempt.Windows = nil
	}
	done, err := b.pool.Report(attempt, finding, now)
	if err != nil {
		return nil, err
	}
	done.Note = cmp.Or(done.Note, note)
	if !r.Caller.seesSessions() {
		done.Released = 0
	}
	var answer sessions.Answer
	if judged.Success {
		answer = r.answer()
		if settings.Affinity {
			if err := b.bindAnswer(r, answer, auth, now); err != nil {
				return nil, err
			}
		}
	}
	return &Reported{
		Consequence: done, FollowUp: r.followUp(&attempt, &judged, &done, settings.maxAttempts()), Provider: auth.Provider, Verdict: judged, Usage: answer.Usage,
	}, b.acknowledge(ctx, r.AuthID, nil)
}

// answer is what the report says of the answer; what the caller says itself goes first.
func (r *Report) answer() sessions.Answer {
	answer := sessions.Answer{Digest: r.AnswerDigest}
	if len(r.AnswerMessage) > 0 {
		answer = sessions.ReadAnswer(r.AnswerMessage)
	}
	if id := strings.TrimSpace(r.ResponseID); id != "" {
		answer.ResponseID = id
	}
	return answer
}

// rules that judge: those of the settings, or those of the program.
func (b *Broker) rules(s *Settings) *verdict.Rules {
	if s.Rules != nil {
		return s.Rules
	}
	return b.ownRules()
}

// outcome is the reported one as the upstream knows it: its model has no prefix of ours.
func (r *Report) outcome(auth *selector.Auth, now time.Time) verdict.Outcome {
	o := r.Outcome
	o.Dialect, o.Kind, o.Model = auth.Dialect, auth.Kind.String(), selector.ModelKey(o.Model)
	o.Model = withoutPrefix(auth, o.Model)
	o.ReceivedAt = r.received(now)
	return o
}

// withoutPrefix is a model key without the auth's prefix.
func withoutPrefix(auth *selector.Auth, key string) string {
	if auth.Prefix == "" {
		return key
	}
	return strings.TrimPrefix(key, auth.Prefix+"/")
}

// received is when the answer arrived: within the time that an attempt takes at most, whatever the caller says.
func (r *Report) received(now time.Time) time.Time {
	oldest := now.Add(-cooldown.AttemptSpan)
	switch {
	case r.ReceivedAt == nil || r.ReceivedAt.After(now):
		return now
	case r.ReceivedAt.Before(oldest):
		return oldest
	}
	return *r.ReceivedAt
}

// started is when the attempt began; zero: nobody knows.
func (r *Report) started(received time.Time) time.Time {
	switch {
	case !r.Pick.start.IsZero():
		return r.Pick.start
	case r.Latency != nil:
		return received.Add(-*r.Latency)
	}
	return time.Time{}
}
