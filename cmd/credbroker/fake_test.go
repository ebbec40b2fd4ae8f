package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// testNow is when the client tests take place.
func testNow() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func later(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(testNow().Add(d)) }

// fakeBroker answers from a small fixed pool and keeps the requests that it got. Names decide which error it gives.
type fakeBroker struct {
	credbrokerv1.UnimplementedCredentialBrokerServer
	credbrokerv1.UnimplementedAuthPoolServer
	picks    chan *credbrokerv1.PickCredentialRequest
	lists    chan *credbrokerv1.ListAuthsRequest
	releases chan *credbrokerv1.ReleaseSessionRequest
	changes  chan *credbrokerv1.WatchAuthsResponse
}

// startFake serves a fakeBroker until the test ends and returns its address.
func startFake(t *testing.T) (*fakeBroker, string) {
	t.Helper()
	f := &fakeBroker{
		picks:    make(chan *credbrokerv1.PickCredentialRequest, 100),
		lists:    make(chan *credbrokerv1.ListAuthsRequest, 100),
		releases: make(chan *credbrokerv1.ReleaseSessionRequest, 100),
		changes:  make(chan *credbrokerv1.WatchAuthsResponse, 100),
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
	credbrokerv1.RegisterCredentialBrokerServer(server, f)
	credbrokerv1.RegisterAuthPoolServer(server, f)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(lis)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return f, lis.Addr().String()
}

// refuse is an error as the broker makes them.
func refuse(code codes.Code, reason, message string, details ...protoadapt.MessageV1) error {
	info := &errdetails.ErrorInfo{Domain: "credbroker", Reason: reason}
	s, err := status.New(code, message).WithDetails(append([]protoadapt.MessageV1{info}, details...)...)
	if err != nil {
		panic(err) // only for details that cannot be encoded
	}
	return s.Err()
}

func (f *fakeBroker) PickCredential(_ context.Context, req *credbrokerv1.PickCredentialRequest) (*credbrokerv1.PickCredentialResponse, error) {
	f.picks <- req
	explanation := &credbrokerv1.Explanation{
		Strategy: credbrokerv1.Strategy_STRATEGY_ROUND_ROBIN, Position: 12,
		Counts: []*credbrokerv1.ReasonCount{
			{Reason: credbrokerv1.CandidateReason_CANDIDATE_REASON_COOLING_MODEL, Count: 1},
			{Reason: credbrokerv1.CandidateReason_CANDIDATE_REASON_SELECTED, Count: 1},
		},
		Candidates: []*credbrokerv1.Candidate{
			{AuthId: "team-2", Provider: "claude", Priority: 10, Reason: credbrokerv1.CandidateReason_CANDIDATE_REASON_SELECTED, Bound: true},
			{AuthId: "team-1", Provider: "claude", Priority: 10, Reason: credbrokerv1.CandidateReason_CANDIDATE_REASON_COOLING_MODEL,
				Until: later(250 * time.Second), Detail: "five\nhours"},
		},
	}
	switch req.GetModel() {
	case "cooling":
		return nil, refuse(codes.ResourceExhausted, reasonModelCooldown, "every auth for model cooling is cooling down",
			&errdetails.RetryInfo{RetryDelay: durationpb.New(250 * time.Second)}, explanation)
	case "unavailable":
		s := status.New(codes.FailedPrecondition, "no auth for model unavailable can be used")
		s, _ = s.WithDetails(&errdetails.ErrorInfo{Domain: "credbroker", Reason: reasonAuthUnavailable,
			Metadata: map[string]string{"DISABLED": "2", "BLOCKED": "1", "model": "unavailable"}})
		return nil, s.Err()
	case "pinned":
		return nil, refuse(codes.FailedPrecondition, reasonSessionPinned, "its issuer is out",
			&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Minute)})
	case "nobody":
		return nil, refuse(codes.NotFound, reasonAuthNotFound, "no auth of that provider in the pool")
	case "bad":
		return nil, refuse(codes.InvalidArgument, "INVALID_REQUEST", "the request is wrong", &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "model", Description: "over 256 bytes"}}})
	case "shed":
		return nil, refuse(codes.Unavailable, "OVERLOADED", "too much at once")
	case "slow":
		return nil, status.Error(codes.DeadlineExceeded, "late")
	}
	return &credbrokerv1.PickCredentialResponse{
		Credential: &credbrokerv1.Credential{
			AuthId: "team-2", Provider: "claude", Label: "team two", Model: req.GetModel(),
			RequestHeaders: map[string]string{"x-api-key": "sk-very-secret", "anthropic-beta": "oauth"},
			Attributes:     map[string]string{"websockets": "true"},
			ProxyUrl:       "http://me:hunter2@proxy:3128",
			ExpiresAt:      later(3 * time.Hour),
		},
		PickId: "p-1", Attempt: 2,
		Session: &credbrokerv1.Session{Id: "caller:abc", Source: credbrokerv1.SessionSource_SESSION_SOURCE_CALLER,
			Binding: credbrokerv1.Binding_BINDING_HIT, ExpiresAt: later(time.Hour)},
		Explanation: explanation,
	}, nil
}

func (f *fakeBroker) InvalidateAuth(_ context.Context, req *credbrokerv1.InvalidateAuthRequest) (*credbrokerv1.InvalidateAuthResponse, error) {
	if _, err := f.auth(req.GetAuthId()); err != nil {
		return nil, err
	}
	return &credbrokerv1.InvalidateAuthResponse{ReleasedSessions: 3}, nil
}

// auth returns an auth of the fixed pool.
func (f *fakeBroker) auth(id string) (*credbrokerv1.Auth, error) {
	a := &credbrokerv1.Auth{
		Config: &credbrokerv1.AuthConfig{Id: id, Provider: "claude", Priority: 10, Weight: new(uint32), Label: "of " + id,
			Kind: credbrokerv1.AuthKind_AUTH_KIND_API_KEY, Models: []string{"claude-*"}, Dialect: "anthropic"},
		Origin: credbrokerv1.AuthOrigin_AUTH_ORIGIN_CONFIG, Source: "credbroker.yaml:12",
		RequestHeaderNames: []string{"x-api-key"}, State: credbrokerv1.AuthState_AUTH_STATE_READY,
	}
	switch id {
	case "team-1":
		a.State, a.StateReason, a.StateUntil = credbrokerv1.AuthState_AUTH_STATE_COOLING, "weekly limit", later(250*time.Second)
		a.BoundSessions, a.Picks, a.LastPickedAt = 7, 120, later(-time.Minute)
		a.LastReport = &credbrokerv1.LastReport{What: "cooldown", Model: "claude-opus-4", ReceivedAt: later(-50 * time.Second), Reason: "weekly limit", Rule: "claude-window"}
		a.Cooldowns = []*credbrokerv1.Cooldown{
			{Kind: credbrokerv1.CooldownKind_COOLDOWN_KIND_QUOTA, Until: later(250 * time.Second), TimeLeft: durationpb.New(250 * time.Second), Reason: "weekly limit"},
			{Model: "claude-opus-4", Kind: credbrokerv1.CooldownKind_COOLDOWN_KIND_TRANSIENT, Until: later(time.Second / 2),
				TimeLeft: durationpb.New(time.Second / 2), BackoffLevel: 3},
			{Family: "claude-sonnet-*", Domain: "org:acme", Until: later(time.Hour), TimeLeft: durationpb.New(time.Hour), ProbeAt: later(time.Minute),
				Kind: credbrokerv1.CooldownKind_COOLDOWN_KIND_QUOTA, Reason: "usage_window", Rule: "claude-window"},
			{Domain: "provider:claude", Until: later(time.Minute), TimeLeft: durationpb.New(time.Minute),
				Kind: credbrokerv1.CooldownKind_COOLDOWN_KIND_TRANSIENT, Reason: "upstream_error", Rule: "common-5xx"},
		}
		a.QuotaWindows = []*credbrokerv1.QuotaWindow{
			{Name: "5h", UsedShare: new(0.254), ResetsAt: later(2 * time.Hour), SeenAt: later(-time.Second)}, {Name: "7d", SeenAt: later(-time.Hour)},
		}
	case "team-2":
	case "owned":
		return nil, refuse(codes.FailedPrecondition, reasonManagedByConfig, "the configuration owns this auth")
	default:
		return nil, refuse(codes.NotFound, reasonUnknownAuth, fmt.Sprintf("no auth %q", id))
	}
	return a, nil
}

func (f *fakeBroker) ListAuths(_ context.Context, req *credbrokerv1.ListAuthsRequest) (*credbrokerv1.ListAuthsResponse, error) {
	f.lists <- req
	id, next := "team-1", "more"
	if req.GetPageToken() == "more" {
		id, next = "team-2", ""
	}
	a, err := f.auth(id)
	return &credbrokerv1.ListAuthsResponse{Auths: []*credbrokerv1.Auth{a}, NextPageToken: next, TotalSize: 2}, err
}

func (f *fakeBroker) GetAuth(_ context.Context, req *credbrokerv1.GetAuthRequest) (*credbrokerv1.GetAuthResponse, error) {
	a, err := f.auth(req.GetAuthId())
	return &credbrokerv1.GetAuthResponse{Auth: a}, err
}

func (f *fakeBroker) EnableAuth(_ context.Context, req *credbrokerv1.EnableAuthRequest) (*credbrokerv1.EnableAuthResponse, error) {
	a, err := f.auth(req.GetAuthId())
	return &credbrokerv1.EnableAuthResponse{Auth: a}, err
}

func (f *fakeBroker) DisableAuth(_ context.Context, req *credbrokerv1.DisableAuthRequest) (*credbrokerv1.DisableAuthResponse, error) {
	a, err := f.auth(req.GetAuthId())
	if err == nil {
		a.State, a.StateReason = credbrokerv1.AuthState_AUTH_STATE_DISABLED, req.GetReason()
	}
	return &credbrokerv1.DisableAuthResponse{Auth: a}, err
}

func (f *fakeBroker) ClearCooldown(_ context.Context, req *credbrokerv1.ClearCooldownRequest) (*credbrokerv1.ClearCooldownResponse, error) {
	a, err := f.auth(req.GetAuthId())
	return &credbrokerv1.ClearCooldownResponse{Cleared: 1, Auth: a}, err
}

func (f *fakeBroker) ListSessions(_ context.Context, req *credbrokerv1.ListSessionsRequest) (*credbrokerv1.ListSessionsResponse, error) {
	first := 0
	if req.GetPageToken() != "" {
		first = 2
	}
	resp := &credbrokerv1.ListSessionsResponse{TotalBindings: 4}
	for i := first; i < min(first+2, first+int(req.GetPageSize())); i++ {
		resp.Sessions = append(resp.Sessions, &credbrokerv1.BoundSession{SessionHash: fmt.Sprintf("%032x", i+1),
			Source: credbrokerv1.SessionSource_SESSION_SOURCE_CLAUDE, AuthId: "team-1", ExpiresAt: later(time.Hour), Aliases: 2})
	}
	if first == 0 {
		resp.NextPageToken = "more"
	}
	return resp, nil
}

func (f *fakeBroker) ReleaseSession(_ context.Context, req *credbrokerv1.ReleaseSessionRequest) (*credbrokerv1.ReleaseSessionResponse, error) {
	f.releases <- req
	if req.GetSessionHash() == "unknown" {
		return nil, refuse(codes.NotFound, reasonUnknownSession, "no such session")
	}
	return &credbrokerv1.ReleaseSessionResponse{AuthId: "team-1"}, nil
}

func (f *fakeBroker) WatchAuths(_ *credbrokerv1.WatchAuthsRequest, stream grpc.ServerStreamingServer[credbrokerv1.WatchAuthsResponse]) error {
	for event := range f.changes {
		if err := stream.Send(event); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeBroker) GetStatus(context.Context, *credbrokerv1.GetStatusRequest) (*credbrokerv1.GetStatusResponse, error) {
	return &credbrokerv1.GetStatusResponse{
		Version: "v1.2.3", Uptime: durationpb.New(90 * time.Minute), ConfigGeneration: 2, ConfigLoadedAt: later(-time.Hour),
		ConfigSource: "/etc/credbroker.yaml", ConfigProblems: []string{"auths/x.json: type: is required"},
		Engines:  []*credbrokerv1.Engine{{Name: "memory", Healthy: true}, {Name: "redis", Detail: "no route"}},
		Pool:     []*credbrokerv1.PoolCount{{Provider: "claude", State: credbrokerv1.AuthState_AUTH_STATE_READY, Count: 2}},
		Bindings: 5, BindingsMax: 1000,
	}, nil
}

// outcome is what one command did.
type outcome struct {
	code           int
	stdout, stderr string
}

// command runs one command line at testNow. env holds NAME=value.
func command(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	return commandWith(t, "", env, args...)
}

func commandWith(t *testing.T, stdin string, env []string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, process{
		stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
		getenv: lookup(env), now: testNow, hangup: noHangups,
	})
	return outcome{code, stdout.String(), stderr.String()}
}

func lookup(env []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, pair := range env {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
}

func noHangups() (<-chan os.Signal, func()) { return nil, func() {} }
