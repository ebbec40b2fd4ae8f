package server

import (
	"context"
	"strings"
	"time"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
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
	attempt, received, err := checkResult(req, c.start)
	if err != nil {
		return nil, err
	}
	auth, ok := b.config.Pool.Auth(attempt.AuthID)
	if !ok {
		return nil, selector.ErrUnknownAuth
	}
	for _, w := range verdict.Windows(auth.Dialect, req.GetHeaders(), received) {
		attempt.Windows = append(attempt.Windows, selector.Window{
			Name: w.Name, UsedShare: w.UsedShare, ResetsAt: w.ResetsAt, SeenAt: received,
		})
	}
	r := &result{provider: auth.Provider, verdict: b.rules().Judge(outcomeOf(req, auth, received))}
	r.done, err = b.config.Pool.Report(attempt, findingOf(&r.verdict), c.start)
	return r, err
}

// rules that judge: those of the settings, or those of the program.
func (s *Server) rules() *verdict.Rules {
	if rules := s.settings.Load().Rules; rules != nil {
		return rules
	}
	return s.ownRules()
}

// checkResult checks a request and works out when its attempt began and when the answer arrived.
func checkResult(req *credbrokerv1.ReportResultRequest, now time.Time) (a selector.Attempt, received time.Time, err error) {
	var v violations
	v.required("auth_id", req.GetAuthId(), maxAuthID)
	v.size("model", len(req.GetModel()), maxModel)
	v.pairs("headers", req.GetHeaders(), maxHeaderEntries, maxHeaders)
	v.size("body", len(req.GetBody()), MaxMessage)
	v.size("transport_error", len(req.GetTransportError()), maxTransportError)
	v.status(req)
	v.usage(req.GetUsage())
	a = selector.Attempt{AuthID: req.GetAuthId(), Model: req.GetModel()}
	received = now
	if at := req.GetReceivedAt(); at != nil {
		if at.CheckValid() != nil {
			v.add("received_at", "is not a valid time")
		} else {
			received = clamp(at.AsTime(), now.Add(-maxReportDelay), now)
		}
	}
	if d := req.GetLatency(); d != nil {
		switch {
		case d.CheckValid() != nil:
			v.add("latency", "is not a valid duration")
		case d.AsDuration() < 0:
			v.add("latency", "must not be below zero")
		default:
			a.Started = received.Add(-d.AsDuration())
		}
	}
	if id := req.GetPickId(); id != "" {
		pick, err := parsePickID(id)
		if err != nil {
			v.add("pick_id", err.Error())
		}
		a.Started = pick.Start
	}
	return a, received, v.err()
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
		Family:           v.Family,
		LimitDomain:      string(v.Domain),
		RestingDomains:   done.Domains,
		Rule:             v.Rule,
		Retry:            retryMessage(v.Retry),
		ProbeAt:          timeMessage(done.ProbeAt),
		BackoffLevel:     int32(done.Level), //nolint:gosec // ladders have few steps
		Person:           v.Person,
		Note:             done.Note,
		ReleasedSessions: int64(done.Released),
		Outage:           done.Outage,
	}
}

// logResult tells of what a person should know, and of the rest to those who ask for it. Neither headers nor bodies are
// written: they may hold what customers wrote.
func (b *broker) logResult(c *call, r *result) {
	v := &r.verdict
	if v.Success() {
		return
	}
	e := b.log.Debug()
	if r.done.Outage || r.done.Action == selector.ActionInvalidate || r.done.Action == selector.ActionDisable {
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
	if v.Person != "" {
		e.Str(fieldPerson, v.Person)
	}
	if r.done.Note != "" {
		e.Str(fieldNote, r.done.Note)
	}
	e.Msg(logVerdict)
}
