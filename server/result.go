package server

import (
	"context"
	"strings"
	"unicode"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/server/internal/clientanswer"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/verdict"
)

// maxTransportError is in bytes, as all limits.
const maxTransportError = 1 << 10

// ReportResult derives what an upstream answer means for the auth that got it, and applies that.
func (b *credentialBroker) ReportResult(ctx context.Context, req *credbrokerv1.ReportResultRequest) (*credbrokerv1.ReportResultResponse, error) {
	c := b.callOf(ctx)
	c.about(req.GetAuthId())
	r, err := b.reportResult(c, req)
	if err != nil {
		err = b.refuse(c, err)
		b.metrics.reported(reportResult, c.reason)
		return nil, err
	}
	b.metrics.judged(r, usageOf(req.GetUsage(), r.Usage))
	b.logResult(c, r)
	return &credbrokerv1.ReportResultResponse{Verdict: verdictMessage(r)}, nil
}

func (b *credentialBroker) reportResult(c *call, req *credbrokerv1.ReportResultRequest) (*broker.Reported, error) {
	report, err := checkResult(req, b.config.Limits.Message)
	if err != nil {
		return nil, err
	}
	report.Caller = b.by(c)
	return b.config.Broker.Report(c, report, c.start)
}

// checkResult checks and converts.
func checkResult(req *credbrokerv1.ReportResultRequest, limit int) (*broker.Report, error) {
	var v violations
	v.required("auth_id", req.GetAuthId(), maxAuthID)
	v.size("model", len(req.GetModel()), maxModel)
	v.pairs("headers", req.GetHeaders(), maxHeaderEntries, maxHeaders)
	v.size("body", len(req.GetBody()), limit)
	v.size("transport_error", len(req.GetTransportError()), maxTransportError)
	ending, class := v.ending(req), v.class(req)
	v.usage(req.GetUsage())
	v.answer(req, limit)
	v.list("tried_auth_ids", req.GetTriedAuthIds(), maxExclude)
	r := &broker.Report{
		AuthID: req.GetAuthId(), Pick: v.pickID("pick_id", req.GetPickId()), Tried: req.GetTriedAuthIds(),
		Outcome: verdict.Outcome{
			Model: req.GetModel(), Status: int(req.GetHttpStatus()), Headers: req.GetHeaders(), Body: req.GetBody(),
			TransportError: req.GetTransportError(), Ending: ending, Class: class,
		},
		AnswerMessage: req.GetAnswerMessage(), AnswerDigest: req.GetAnswerDigest(), ResponseID: req.GetResponseId(),
	}
	if at := req.GetReceivedAt(); at != nil {
		if at.CheckValid() != nil {
			v.add("received_at", "is not a valid time")
		}
		received := at.AsTime()
		r.ReceivedAt = &received
	}
	if d := req.GetLatency(); d != nil {
		latency := d.AsDuration()
		switch {
		case d.CheckValid() != nil:
			v.add("latency", "is not a valid duration")
		case latency < 0:
			v.add("latency", "must not be below zero")
		}
		r.Latency = &latency
	}
	return r, v.err()
}

// answer checks what the conversation can continue from.
func (v *violations) answer(req *credbrokerv1.ReportResultRequest, limit int) {
	v.size("answer_message", len(req.GetAnswerMessage()), limit)
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

func (v *violations) usage(u *credbrokerv1.Usage) {
	v.notNegative("usage.input_tokens", u.GetInputTokens())
	v.notNegative("usage.cached_input_tokens", u.GetCachedInputTokens())
	v.notNegative("usage.output_tokens", u.GetOutputTokens())
}

// usageOf is what the caller counted, else what the answer says.
func usageOf(counted *credbrokerv1.Usage, read sessions.Usage) *credbrokerv1.Usage {
	if counted != nil || read == (sessions.Usage{}) {
		return counted
	}
	return &credbrokerv1.Usage{InputTokens: read.Input, CachedInputTokens: read.Cached, OutputTokens: read.Output}
}

func (v *violations) notNegative(field string, n int64) {
	if n < 0 {
		v.add(field, "must not be below zero")
	}
}

// verdictMessage is what was judged, and what was done about it.
func verdictMessage(r *broker.Reported) *credbrokerv1.Verdict {
	v := &r.Verdict
	m := &credbrokerv1.Verdict{
		Fault:            faultMessage(v.Fault),
		Action:           actionMessage(r.Action),
		Scope:            scopeMessage(v.Scope),
		Until:            timeMessage(r.Until),
		Reason:           v.Reason,
		RetryElsewhere:   r.Next == broker.NextPickAgain,
		ModelFamily:      v.ModelFamily,
		LimitDomain:      v.Domain,
		RestingDomains:   r.Domains,
		Rule:             v.Rule,
		Retry:            retryMessage(v.Retry),
		ProbeAt:          timeMessage(r.ProbeAt),
		BackoffLevel:     int32(r.Level), //nolint:gosec // ladders have few steps
		OperatorAction:   v.OperatorAction,
		Note:             r.Note,
		ReleasedSessions: int64(r.Released),
		Outage:           r.Outage,
		Next:             nextMessage(r.Next),
	}
	if r.Next == broker.NextWait {
		m.Wait = durationpb.New(r.Wait)
	}
	if r.Answer != nil {
		m.ClientAnswer = clientanswer.Write(r.Answer)
	}
	return m
}

// logResult logs what an operator should know, and of the rest to those who ask for it. Neither headers nor bodies are
// written: they may hold what customers wrote.
func (b *credentialBroker) logResult(c *call, r *broker.Reported) {
	v := &r.Verdict
	if v.Success {
		return
	}
	e := b.log.Debug()
	if r.Outage || r.Action == cooldown.ActionInvalidate || r.Action == cooldown.ActionDisable {
		e = b.log.Warn()
	}
	if e == nil {
		return
	}
	e.Str(fieldRequestID, c.id).Str(fieldAuth, c.authID).Str(fieldVerdict, v.Reason).Str(fieldRule, v.Rule).
		Str(fieldAction, actionName(r.Action))
	if !r.Until.IsZero() {
		e.Time(fieldUntil, r.Until)
	}
	if len(r.Domains) > 0 {
		e.Strs(fieldDomains, r.Domains)
	}
	if v.OperatorAction != "" {
		e.Str(fieldOperator, v.OperatorAction)
	}
	if r.Note != "" {
		e.Str(fieldNote, r.Note)
	}
	e.Msg(logVerdict)
}
