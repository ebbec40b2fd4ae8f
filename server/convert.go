package server

import (
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// The enums of the core and of the contract list the same things in the same order; where the contract has a zero value
// that the core has not, they are one apart. A test names every pair.

func bindingMessage(b selector.Binding) credbrokerv1.Binding { return credbrokerv1.Binding(b) + 1 }

func strategyMessage(s selector.Strategy) credbrokerv1.Strategy { return credbrokerv1.Strategy(s) + 1 }

func cooldownKindMessage(k cooldown.Kind) credbrokerv1.CooldownKind {
	return credbrokerv1.CooldownKind(k) + 1
}

func reasonMessage(r selector.Reason) credbrokerv1.CandidateReason {
	return credbrokerv1.CandidateReason(r)
}

func stateMessage(s selector.State) credbrokerv1.AuthState { return credbrokerv1.AuthState(s) }

func kindMessage(k selector.Kind) credbrokerv1.AuthKind { return credbrokerv1.AuthKind(k) }

func originMessage(o selector.Origin) credbrokerv1.AuthOrigin { return credbrokerv1.AuthOrigin(o) }

// The names in logs, metrics and metadata are those of the contract without the prefix of the enum.

func bindingName(b selector.Binding) string {
	return strings.TrimPrefix(bindingMessage(b).String(), "BINDING_")
}

func reasonName(r selector.Reason) string {
	return strings.TrimPrefix(reasonMessage(r).String(), "CANDIDATE_REASON_")
}

func stateName(s selector.State) string {
	return strings.TrimPrefix(stateMessage(s).String(), "AUTH_STATE_")
}

func cooldownKindName(k cooldown.Kind) string {
	return strings.TrimPrefix(cooldownKindMessage(k).String(), "COOLDOWN_KIND_")
}

func codeName(c codes.Code) string { return code.Code(c).String() } //nolint:gosec // codes are small

// timeMessage is absent for the zero time.
func timeMessage(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func explanationMessage(e *selector.Explanation) *credbrokerv1.Explanation {
	m := &credbrokerv1.Explanation{
		Strategy:   strategyMessage(e.Strategy),
		Position:   e.Position,
		Candidates: make([]*credbrokerv1.Candidate, 0, len(e.Candidates)),
	}
	for reason, n := range e.Counts {
		if n > 0 {
			m.Counts = append(m.Counts, &credbrokerv1.ReasonCount{
				Reason: reasonMessage(selector.Reason(reason)),
				Count:  int64(n),
			})
		}
	}
	for i := range e.Candidates {
		m.Candidates = append(m.Candidates, candidateMessage(&e.Candidates[i]))
	}
	return m
}

func candidateMessage(c *selector.Candidate) *credbrokerv1.Candidate {
	return &credbrokerv1.Candidate{
		AuthId:   c.Auth.ID,
		Provider: c.Auth.Provider,
		Priority: c.Priority,
		Reason:   reasonMessage(c.Reason),
		Until:    timeMessage(c.Until),
		Bound:    c.Bound,
		Detail:   c.Detail,
	}
}

// authMessage is everything about one auth but its secrets.
func authMessage(st *broker.Auth, now time.Time) *credbrokerv1.Auth {
	a := st.Auth
	m := &credbrokerv1.Auth{
		Config:        configMessage(&st.Status),
		Origin:        originMessage(a.Origin),
		Source:        a.Source,
		ExpiresAt:     timeMessage(a.ExpiresAt),
		State:         stateMessage(st.State),
		StateReason:   st.Why,
		StateUntil:    timeMessage(st.Until),
		BoundSessions: int64(st.BoundSessions),
		Picks:         st.Picks,
		LastPickedAt:  timeMessage(st.LastPicked),
	}
	for _, h := range a.Headers {
		m.RequestHeaderNames = append(m.RequestHeaderNames, h.Name)
	}
	for i := range st.Blocks {
		m.Cooldowns = append(m.Cooldowns, cooldownMessageOf(&st.Blocks[i], now))
	}
	if r := st.LastReport; !r.ReceivedAt.IsZero() {
		m.LastReport = &credbrokerv1.LastReport{
			ReceivedAt: timeMessage(r.ReceivedAt),
			What:       r.What,
			Model:      r.Model,
			Reason:     r.Reason,
			Rule:       r.Rule,
		}
	}
	for _, w := range st.Windows {
		m.QuotaWindows = append(m.QuotaWindows, windowMessage(w))
	}
	return m
}

func windowMessage(w cooldown.Window) *credbrokerv1.QuotaWindow {
	m := &credbrokerv1.QuotaWindow{Name: w.Name, ResetsAt: timeMessage(w.ResetsAt), SeenAt: timeMessage(w.SeenAt)}
	if w.UsedShare >= 0 {
		m.UsedShare = &w.UsedShare
	}
	return m
}

func configMessage(st *selector.Status) *credbrokerv1.AuthConfig {
	a, weight := st.Auth, st.Weight
	return &credbrokerv1.AuthConfig{
		Id:            a.ID,
		Provider:      a.Provider,
		Label:         a.Label,
		Priority:      st.Priority,
		Weight:        &weight,
		Models:        a.Models,
		ExcludeModels: a.ExcludeModels,
		Prefix:        a.Prefix,
		BaseUrl:       a.BaseURL,
		ProxyUrl:      proxyWithoutPassword(a),
		Attributes:    a.Attributes,
		Domains:       a.Domains,
		Kind:          kindMessage(a.Kind),
		Dialect:       a.Dialect,
		Disabled:      a.Disabled,
		Note:          a.Note,
	}
}

func cooldownMessageOf(b *selector.Block, now time.Time) *credbrokerv1.Cooldown {
	m := &credbrokerv1.Cooldown{
		Model:        b.Model,
		Kind:         cooldownKindMessage(b.Kind),
		Until:        timeMessage(b.Until),
		Reason:       b.Reason,
		BackoffLevel: int32(b.Level), //nolint:gosec // ladders have few steps
		Family:       b.Family,
		Domain:       b.Domain,
		ProbeAt:      timeMessage(b.ProbeAt),
		Rule:         b.Rule,
	}
	if !b.Until.IsZero() {
		m.TimeLeft = durationpb.New(b.Until.Sub(now))
	}
	return m
}
