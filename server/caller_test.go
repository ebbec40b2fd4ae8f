package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/credbroker/credbroker/access"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
	"github.com/credbroker/credbroker/server/transport"
)

// as is a context with the token of a caller.
func as(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// withCaller is a server with one caller that has all roles, and its token.
func withCaller(t *testing.T, limits access.Limits) (h *servertest.Harness, token string, caller access.Caller) {
	t.Helper()
	token, known := servertest.Token(1)
	caller = access.Caller{Name: "gateway", Roles: access.AllRoles, Limits: limits, Tokens: []access.Token{known}}
	h = servertest.New(t, servertest.Options{
		Auths: []*selector.Auth{servertest.Key("a", "claude")}, Callers: []access.Caller{caller},
	})
	return h, token, caller
}

// waitOf is the wait of a refusal.
func waitOf(t *testing.T, s *status.Status) time.Duration {
	t.Helper()
	for _, d := range s.Details() {
		if retry, ok := d.(*errdetails.RetryInfo); ok {
			return retry.GetRetryDelay().AsDuration()
		}
	}
	t.Errorf("%v has no RetryInfo", s)
	return 0
}

func TestBearerTokens(t *testing.T) {
	h, token, _ := withCaller(t, access.Limits{})
	other := access.NewToken([32]byte{9})
	for _, tt := range []struct {
		name   string
		values []string
		good   bool
	}{
		{"as it should be", []string{"Bearer " + token}, true},
		{"the case of the word does not count", []string{"bearer " + token}, true},
		{"white space does not count", []string{"BEARER  " + token + " "}, true},
		{"no word", []string{token}, false},
		{"another word", []string{"Basic " + token}, false},
		{"nothing behind the word", []string{"Bearer "}, false},
		{"two of them", []string{"Bearer " + token, "Bearer " + token}, false},
		{"a good one behind a bad one", []string{"Bearer " + other, "Bearer " + token}, false},
		{"an empty header", []string{""}, false},
		{"very much", []string{"Bearer " + strings.Repeat("x", 8<<10)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := metadata.NewOutgoingContext(t.Context(), metadata.MD{"authorization": tt.values})
			_, err := h.Broker.PickCredential(ctx, &credbrokerv1.PickCredentialRequest{})
			if tt.good {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, codes.Unauthenticated, server.ReasonUnauthenticated)
		})
	}
	if strings.Contains(h.Log.String(), token) {
		t.Error("the log has a token")
	}
}

func TestCallersInLogAndMetrics(t *testing.T) {
	h, token, _ := withCaller(t, access.Limits{})
	if _, err := h.Broker.PickCredential(as(t.Context(), token), &credbrokerv1.PickCredentialRequest{}); err != nil {
		t.Fatal(err)
	}
	if line := lastLine(t, h); line["caller"] != "gateway" || line["code"] != "OK" {
		t.Errorf("log line %v, want its caller", line)
	}
	for range 30 {
		_, _ = h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{})
	}
	metrics := get(h, "/metrics").Body.String()
	for _, want := range []string{
		`credbroker_caller_calls_total{caller="gateway",result="OK"} 1`, `credbroker_authentication_failures_total{cause="nothing"} 30`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	if n := strings.Count(h.Log.String(), "calls do not show who makes them"); n != 1 {
		t.Errorf("%d lines for one address in a minute, want 1", n)
	}
	if n := strings.Count(h.Log.String(), `"message":"request"`); n != 1 {
		t.Errorf("%d access lines, want that of the one call that was let in", n)
	}
	h.Clock.Advance(time.Minute)
	_, _ = h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{})
	if n := strings.Count(h.Log.String(), "calls do not show who makes them"); n != 2 {
		t.Errorf("%d lines in the second minute, want 2", n)
	}
}

// What a caller may not have is to it as if it were not there, and what it picks is not another caller's session.
func TestCallersKeepToTheirPools(t *testing.T) {
	token, known := servertest.Token(1)
	other, otherKnown := servertest.Token(2)
	roles := access.Pick | access.Read
	h := servertest.New(t, servertest.Options{
		Auths: []*selector.Auth{servertest.Key("a", "claude"), servertest.Key("b", "openai")},
		Callers: []access.Caller{
			{Name: "gateway", Roles: roles, Tokens: []access.Token{known}, Allow: []access.Rule{{Providers: []string{"openai"}}}},
			{Name: "other", Roles: roles, Tokens: []access.Token{otherKnown}},
		},
	})
	_, err := h.Broker.PickCredential(as(t.Context(), token), &credbrokerv1.PickCredentialRequest{Provider: "claude"})
	if s := wantError(t, err, codes.NotFound, server.ReasonAuthNotFound); strings.Contains(s.Message(), "claude") {
		t.Errorf("the refusal names what the caller may not have: %s", s.Message())
	}
	for shown, want := range map[string]int{token: 1, other: 2} {
		list, err := h.Auths.ListAuths(as(t.Context(), shown), &credbrokerv1.ListAuthsRequest{})
		if err != nil || len(list.GetAuths()) != want {
			t.Errorf("ListAuths = %v, %v, want %d", list.GetAuths(), err, want)
		}
		picked, err := h.Broker.PickCredential(as(t.Context(), shown), &credbrokerv1.PickCredentialRequest{Provider: "openai", SessionId: "s"})
		if err != nil || picked.GetSession().GetBinding() != credbrokerv1.Binding_BINDING_NEW {
			t.Errorf("pick = %v, %v, want a session of its own", picked.GetSession(), err)
		}
	}
}

// Failures are told to wait beyond the first twenty; whoever shows who it is never is, also from the same address.
func TestFailuresAreLimited(t *testing.T) {
	h, token, _ := withCaller(t, access.Limits{})
	fail := func() error {
		_, err := h.Broker.PickCredential(as(t.Context(), access.NewToken([32]byte{9})), &credbrokerv1.PickCredentialRequest{})
		return err
	}
	for range 20 {
		wantError(t, fail(), codes.Unauthenticated, server.ReasonUnauthenticated)
	}
	s := wantError(t, fail(), codes.ResourceExhausted, server.ReasonRateLimited)
	if wait := waitOf(t, s); wait <= 0 || wait > time.Second {
		t.Errorf("wait = %s, want up to a second", wait)
	}
	if _, err := h.Broker.PickCredential(as(t.Context(), token), &credbrokerv1.PickCredentialRequest{}); err != nil {
		t.Errorf("a good call from the address: %v", err)
	}
	h.Clock.Advance(time.Second)
	wantError(t, fail(), codes.Unauthenticated, server.ReasonUnauthenticated)
	wantError(t, fail(), codes.ResourceExhausted, server.ReasonRateLimited)
}

func TestPicksPerSecond(t *testing.T) {
	second, known := servertest.Token(2)
	h, token, caller := withCaller(t, access.Limits{PicksPerSecond: 3})
	h.SetCallers(t, []access.Caller{
		caller, {Name: "other", Roles: access.Pick, Tokens: []access.Token{known}},
	})
	pick := func(token string) error {
		_, err := h.Broker.PickCredential(as(t.Context(), token), &credbrokerv1.PickCredentialRequest{})
		return err
	}
	for range 3 {
		if err := pick(token); err != nil {
			t.Fatal(err)
		}
	}
	s := wantError(t, pick(token), codes.ResourceExhausted, server.ReasonRateLimited)
	if n := len(s.Details()); n != 3 {
		t.Errorf("a pick over the limit has %d details, want its ready answer after the time", n)
	}
	if wait := waitOf(t, s); wait <= 0 || wait > time.Second/3+time.Millisecond {
		t.Errorf("wait = %s, want up to a third of a second", wait)
	}
	for range 10 {
		if err := pick(second); err != nil {
			t.Fatalf("another caller: %v", err)
		}
	}
	if _, err := h.Auths.GetStatus(as(t.Context(), token), &credbrokerv1.GetStatusRequest{}); err != nil {
		t.Errorf("a call that is no pick: %v", err)
	}
	h.Clock.Advance(time.Second / 3)
	h.Clock.Advance(time.Millisecond)
	if err := pick(token); err != nil {
		t.Errorf("a pick after the wait: %v", err)
	}
}

func TestStreamsAndCallsInFlight(t *testing.T) {
	store := blockingStore{make(chan struct{}), make(chan struct{})}
	token, known := servertest.Token(1)
	h := servertest.New(t, servertest.Options{Store: store, Callers: []access.Caller{
		{Name: "ops", Roles: access.AllRoles, Limits: access.Limits{InFlight: 1, Streams: 1}, Tokens: []access.Token{known}},
	}})
	ctx := as(t.Context(), token)
	watch, err := h.Auths.WatchAuths(ctx, &credbrokerv1.WatchAuthsRequest{})
	if err == nil {
		_, err = watch.Recv()
	}
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.Auths.WatchAuths(ctx, &credbrokerv1.WatchAuthsRequest{})
	if err == nil {
		_, err = second.Recv()
	}
	wantError(t, err, codes.ResourceExhausted, server.ReasonRateLimited)

	called := make(chan error, 1)
	go func() {
		_, err := h.Auths.DeleteAuth(ctx, &credbrokerv1.DeleteAuthRequest{AuthId: "a"})
		called <- err
	}()
	<-store.entered
	_, err = h.Auths.GetStatus(ctx, &credbrokerv1.GetStatusRequest{})
	waitOf(t, wantError(t, err, codes.ResourceExhausted, server.ReasonRateLimited))
	close(store.release)
	if err := <-called; err != nil {
		t.Error(err)
	}
	if _, err := h.Auths.GetStatus(ctx, &credbrokerv1.GetStatusRequest{}); err != nil {
		t.Errorf("a call after the other ended: %v", err)
	}
}

// A caller that is taken out of the configuration loses the streams that it has; others keep theirs.
func TestRevokedCallersLoseTheirStreams(t *testing.T) {
	h, token, caller := withCaller(t, access.Limits{})
	second, known := servertest.Token(2)
	other := access.Caller{Name: "other", Roles: access.Read, Tokens: []access.Token{known}}
	h.SetCallers(t, []access.Caller{caller, other})
	watch := func(token string) credbrokerv1.AuthPool_WatchAuthsClient {
		t.Helper()
		stream, err := h.Auths.WatchAuths(as(t.Context(), token), &credbrokerv1.WatchAuthsRequest{})
		for range 2 { // the snapshot
			if err == nil {
				_, err = stream.Recv()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	lost, kept := watch(token), watch(second)
	h.SetCallers(t, []access.Caller{other})
	_, err := lost.Recv()
	wantError(t, err, codes.Unauthenticated, server.ReasonUnauthenticated)
	if _, err := h.Auths.DisableAuth(as(t.Context(), second), &credbrokerv1.DisableAuthRequest{AuthId: "a"}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("DisableAuth by a reader: %v", err)
	}
	h.Core.Update([]*selector.Auth{servertest.Key("b", "claude")}, nil, h.Clock.Now())
	if _, err := kept.Recv(); err != nil {
		t.Errorf("the stream of the other caller: %v", err)
	}
}

func TestMetricsBeyondTheMachine(t *testing.T) {
	right, rightKnown := servertest.Token(1)
	wrong, wrongKnown := servertest.Token(2)
	callers := []access.Caller{
		{Name: "prometheus", Roles: access.Metrics, Tokens: []access.Token{rightKnown}},
		{Name: "gateway", Roles: access.Pick, Tokens: []access.Token{wrongKnown}},
	}
	for _, tt := range []struct {
		name    string
		callers []access.Caller
		open    bool
		token   string
		want    int
	}{
		{"without TLS nobody gets them", callers, false, right, http.StatusForbidden},
		{"without callers nobody gets them", nil, false, "", http.StatusForbidden},
		{"open, without callers, everybody does", nil, true, "", http.StatusOK},
		{"the role", callers, true, right, http.StatusOK},
		{"another role", callers, true, wrong, http.StatusForbidden},
		{"no token", callers, true, "", http.StatusUnauthorized},
		{"a bad one", callers, true, "bad", http.StatusUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := servertest.New(t, servertest.Options{Callers: tt.callers})
			handler := h.Server.BeyondMachine(h.Server.HTTP(), transport.NewHTTPPort(), tt.open)
			for path, want := range map[string]int{"/metrics": tt.want, "/healthz": http.StatusOK, "/readyz": http.StatusOK} {
				request := httptest.NewRequest(http.MethodGet, path, nil)
				if tt.token != "" {
					request.Header.Set("Authorization", "Bearer "+tt.token)
				}
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, request)
				if answer.Code != want || strings.Contains(answer.Body.String(), "credbroker_") && want != http.StatusOK {
					t.Errorf("GET %s = %d, want %d", path, answer.Code, want)
				}
			}
		})
	}
}
