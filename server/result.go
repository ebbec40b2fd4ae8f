package server

import (
	"context"
	"strings"
	"time"
	"unicode"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/verdict"
)

const (
	// maxTransportError is in bytes, as all limits.
	maxTransportError = 1 << 10
	// maxReportDelay is how old an answer may be when it is reported; what claims to be older is taken to be this old.
	maxReportDelay = 10 * time.Minute
)

// ReportResult derives what an upstream answer means for the auth that got it, and applies that.
func (b *broker) ReportResult(ctx context.Context, req *credbrokerv1.ReportResultRequest) (*credbrokerv1.ReportResultResponse, error) {
	c := b.callOf(ctx)
	c.authID = req.GetAuthId()
	r, err := b.reportResult(c, req)
	if err != nil {
		err = b.refuse(c, err)
		b.metrics.reported(reportResult, c.reason)
		return nil, err
	}
	b.metrics.judged(r, req.GetUsage())
	b.logResult(c, r)
	return &credbrokerv1.ReportResultResponse{Verdict: r.message()}, nil
}

// result is a judged answer and what came of it.
type result struct {
	provider string
	verdict  verdict.Verdict
	done     selector.Consequence
}

func (b *broker) reportResult(c *call, req *credbrokerv1.ReportResultRequest) (*result, error) {
	told, err := checkResult(req, c.start)
	if err != nil {
		return nil, err
	}
	auth, ok := b.config.Pool.Auth(req.GetAuthId())
	if !ok {
		return nil, selector.ErrUnknownAuth
	}
	judged, windows := b.rules().Read(outcomeOf(req, auth, told.received))
	told.attempt.Windows = windows
	r := &result{provider: auth.Provider, verdict: judged}
	if r.done, err = b.config.Pool.Report(told.attempt, r.verdict.Finding, c.start); err != nil {
		return r, err
	}
	if r.verdict.Success {
		if err = b.goOn(req, auth, &told.asked, c.start); err != nil {
			return r, err
		}
	}
	return r, b.durable(c, req.GetAuthId())
}

// goOn binds what goes on from a request that was served to the auth that served it.
func (b *broker) goOn(req *credbrokerv1.ReportResultRequest, auth *selector.Auth, asked *question, now time.Time) error {
	if !b.settings.Load().Affinity {
		return nil
	}
	if answer, ok := asked.answerOf(asked.keys(b.config.Sessions, auth, req.GetModel()), req); ok {
		return b.config.Pool.Answered(answer, now)
	}
	return nil
}

// told is what a request tells of an attempt.
type told struct {
	attempt  selector.Attempt
	received time.Time // the answer
	asked    question
}

// rules that judge: those of the settings, or those of the program.
func (s *Server) rules() *verdict.Rules {
	if rules := s.settings.Load().Rules; rules != nil {
		return rules
	}
	return s.ownRules()
}

// checkResult checks a request and works out when its attempt began and when the answer arrived.
func checkResult(req *credbrokerv1.ReportResultRequest, now time.Time) (*told, error) {
	var v violations
	v.required("auth_id", req.GetAuthId(), maxAuthID)
	v.size("model", len(req.GetModel()), maxModel)
	v.pairs("headers", req.GetHeaders(), maxHeaderEntries, maxHeaders)
	v.size("body", len(req.GetBody()), MaxMessage)
	v.size("transport_error", len(req.GetTransportError()), maxTransportError)
	v.status(req)
	v.usage(req.GetUsage())
	v.answer(req)
	t := &told{attempt: selector.Attempt{AuthID: req.GetAuthId(), Model: req.GetModel()}, received: now}
	if at := req.GetReceivedAt(); at != nil {
		if at.CheckValid() != nil {
			v.add("received_at", "is not a valid time")
		} else {
			t.received = clamp(at.AsTime(), now.Add(-maxReportDelay), now)
		}
	}
	if d := req.GetLatency(); d != nil {
		switch {
		case d.CheckValid() != nil:
			v.add("latency", "is not a valid duration")
		case d.AsDuration() < 0:
			v.add("latency", "must not be below zero")
		default:
			t.attempt.Started = t.received.Add(-d.AsDuration())
		}
	}
	if id := req.GetPickId(); id != "" {
		pick, err := parsePickID(id)
		if err != nil {
			v.add("pick_id", err.Error())
		}
		t.attempt.Started, t.asked = pick.Start, pick.Question
	}
	return t, v.err()
}

// answer checks what tells how a conversation goes on.
func (v *violations) answer(req *credbrokerv1.ReportResultRequest) {
	v.size("answer_message", len(req.GetAnswerMessage()), MaxMessage)
	digest := req.GetAnswerDigest()
	if digest != "" && !sessions.ValidDigest(digest) {
		v.add("answer_digest", "is not a digest as docs/sessions.md describes it")
	}
	if id := req.GetResponseId(); id != "" {
		v.size("response_id", len(id), maxResponseID)
		if strings.ContainsFunc(id, unicode.IsControl) || strings.TrimSpace(id) == "" {
			v.add("response_id", "must have no control characters, and more than white space")
		}
	}
	if req.GetPickId() == "" && (digest != "" || len(req.GetAnswerMessage()) > 0 || req.GetResponseId() != "") {
		v.add("pick_id", "is required with an answer or a response_id")
	}
}

// clamp returns the time within the bounds that is next to t.
func clamp(t, low, high time.Time) time.Time {
	switch {
	case t.Before(low):
		return low
	case t.After(high):
		return high
	}
	return t
}

// status refuses what is no HTTP status, and its absence where nothing says why.
func (v *violations) status(req *credbrokerv1.ReportResultRequest) {
	switch status := req.GetHttpStatus(); {
	case status == 0 && req.GetTransportError() == "":
		v.add("http_status", "is required, or else transport_error")
	case status != 0 && req.GetTransportError() != "":
		v.add("transport_error", "must be empty where there is an http_status")
	case status != 0 && (status < 100 || status > 599):
		v.add("http_status", "must be from 100 to 599")
	}
}

func (v *violations) usage(u *credbrokerv1.Usage) {
	v.notNegative("usage.input_tokens", u.GetInputTokens())
	v.notNegative("usage.cached_input_tokens", u.GetCachedInputTokens())
	v.notNegative("usage.output_tokens", u.GetOutputTokens())
}

func (v *violations) notNegative(field string, n int64) {
	if n < 0 {
		v.add(field, "must not be below zero")
	}
}

// outcomeOf a request, in the words of the upstream: its model has no prefix of ours.
func outcomeOf(req *credbrokerv1.ReportResultRequest, auth *selector.Auth, received time.Time) verdict.Outcome {
	model := selector.ModelKey(req.GetModel())
	if auth.Prefix != "" {
		model = strings.TrimPrefix(model, auth.Prefix+"/")
	}
	return verdict.Outcome{
		Dialect: auth.Dialect, Kind: verdictKind(auth.Kind), Model: model, Status: int(req.GetHttpStatus()),
		Headers: req.GetHeaders(), Body: req.GetBody(), ReceivedAt: received, TransportError: req.GetTransportError(),
	}
}

// message is what the caller is told: what was judged, and what was done about it.
func (r *result) message() *credbrokerv1.Verdict {
	v, done := &r.verdict, &r.done
	return &credbrokerv1.Verdict{
		Fault:            faultMessage(v.Fault),
		Action:           actionMessage(done.Action),
		Scope:            scopeMessage(v.Scope),
		Until:            timeMessage(done.Until),
		Reason:           v.Reason,
		RetryElsewhere:   v.Retry == verdict.RetryAnotherAuth && done.Others && !done.Outage,
		Family:           v.ModelFamily,
		LimitDomain:      v.Domain,
		RestingDomains:   done.Domains,
		Rule:             v.Rule,
		Retry:            retryMessage(v.Retry),
		ProbeAt:          timeMessage(done.ProbeAt),
		BackoffLevel:     int32(done.Level), //nolint:gosec // ladders have few steps
		Person:           v.OperatorAction,
		Note:             done.Note,
		ReleasedSessions: int64(done.Released),
		Outage:           done.Outage,
	}
}

// logResult tells of what a person should know, and of the rest to those who ask for it. Neither headers nor bodies are
// written: they may hold what customers wrote.
func (b *broker) logResult(c *call, r *result) {
	v := &r.verdict
	if v.Success {
		return
	}
	e := b.log.Debug()
	if r.done.Outage || r.done.Action == cooldown.ActionInvalidate || r.done.Action == cooldown.ActionDisable {
		e = b.log.Warn()
	}
	if e == nil {
		return
	}
	e.Str(fieldRequestID, c.id).Str(fieldAuth, c.authID).Str(fieldVerdict, v.Reason).Str(fieldRule, v.Rule).
		Str(fieldAction, actionName(r.done.Action))
	if !r.done.Until.IsZero() {
		e.Time(fieldUntil, r.done.Until)
	}
	if len(r.done.Domains) > 0 {
		e.Strs(fieldDomains, r.done.Domains)
	}
	if v.OperatorAction != "" {
		e.Str(fieldPerson, v.OperatorAction)
	}
	if r.done.Note != "" {
		e.Str(fieldNote, r.done.Note)
	}
	e.Msg(logVerdict)
}
