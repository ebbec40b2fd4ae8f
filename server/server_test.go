package server_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
	"github.com/credbroker/credbroker/sessions/bindings"
)

func TestNewNeedsItsParts(t *testing.T) {
	if _, err := server.New(server.Config{}); err == nil {
		t.Error("New without parts succeeds")
	}
}

func TestHealthAndReadiness(t *testing.T) {
	h := servertest.New(t, servertest.Options{})
	health := healthv1.NewHealthClient(h.Conn)
	check := func(when string, want healthv1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for _, service := range []string{"", "credbroker.v1.CredentialBroker", "credbroker.v1.AuthPool"} {
			got, err := health.Check(t.Context(), &healthv1.HealthCheckRequest{Service: service})
			if err != nil || got.GetStatus() != want {
				t.Errorf("%s: Check(%q) = %v, %v, want %v", when, service, got, err, want)
			}
		}
	}
	ready := func(when string, want int) {
		t.Helper()
		for path, want := range map[string]int{"/healthz": 200, "/readyz": want, "/metrics": 200, "/": 404} {
			if got := get(h, path).Code; got != want {
				t.Errorf("%s: GET %s = %d, want %d", when, path, got, want)
			}
		}
	}
	check("ready", healthv1.HealthCheckResponse_SERVING)
	ready("ready", 200)
	h.Server.SetReady(false)
	check("not ready", healthv1.HealthCheckResponse_NOT_SERVING)
	ready("not ready", 503)
	h.Server.SetReady(true)
	check("ready again", healthv1.HealthCheckResponse_SERVING)
	h.Server.Stop(t.Context())
	h.Server.SetReady(true)
	ready("stopped", 503)
}

func get(h *servertest.Harness, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	h.Server.HTTP().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}

func TestReflectionListsBothServices(t *testing.T) {
	h := servertest.New(t, servertest.Options{})
	stream, err := reflectionv1.NewServerReflectionClient(h.Conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, s := range got.GetListServicesResponse().GetService() {
		names[s.GetName()] = true
	}
	for _, want := range []string{
		"credbroker.v1.CredentialBroker", "credbroker.v1.AuthPool", "grpc.health.v1.Health",
		"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
	} {
		if !names[want] {
			t.Errorf("services = %v, want %s", names, want)
		}
	}
	if names["grpc.channelz.v1.Channelz"] {
		t.Error("channelz is on")
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
}

func TestRequestID(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}})
	for _, tt := range []struct {
		name, sent string
		kept       bool
	}{
		{"a valid one is kept", "gateway-1/~ ok", true},
		{"128 bytes are kept", strings.Repeat("x", 128), true},
		{"129 bytes are not", strings.Repeat("x", 129), false},
		{"none gets a new one", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			if tt.sent != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, "X-Request-ID", tt.sent)
			}
			for _, provider := range []string{"claude", "nobody"} {
				var header metadata.MD
				_, _ = h.Broker.PickCredential(ctx, &credbrokerv1.PickCredentialRequest{Provider: provider}, grpc.Header(&header))
				got := header.Get("x-request-id")
				if len(got) != 1 || got[0] == "" || tt.kept != (got[0] == tt.sent) {
					t.Errorf("x-request-id = %q, sent %q, want it kept: %v", got, tt.sent, tt.kept)
				}
				if line := lastLine(t, h); line["request_id"] != got[0] {
					t.Errorf("log line %v, want request id %s", line, got)
				}
			}
		})
	}
}

func lastLine(t *testing.T, h *servertest.Harness) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(h.Log.String()), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
		t.Fatalf("log line %q: %v", lines[len(lines)-1], err)
	}
	return line
}

func TestAccessLog(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}})
	pick := &credbrokerv1.PickCredentialRequest{
		Headers: map[string]string{"X-Session-ID": "raw-session"}, Body: []byte("raw-body"),
	}
	if _, err := h.Broker.PickCredential(t.Context(), pick); err != nil {
		t.Fatal(err)
	}
	line := lastLine(t, h)
	key := bindings.New(bindings.Config{}).Key("", "header:raw-session", "").String()
	for field, want := range map[string]any{
		"level": "info", "message": "request", "method": "/credbroker.v1.CredentialBroker/PickCredential", "code": "OK",
		"auth_id": "a", "session_hash": key, "session_source": "header", "binding": "NEW", "duration_us": 0.0,
	} {
		if line[field] != want {
			t.Errorf("%s = %v, want %v", field, line[field], want)
		}
	}
	_, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "nobody"})
	wantError(t, err, codes.NotFound, server.ReasonAuthNotFound)
	line = lastLine(t, h)
	if line["level"] != "info" || line["code"] != "NOT_FOUND" || line["reason"] != "AUTH_NOT_FOUND" || line["binding"] != nil {
		t.Errorf("line of a refusal = %v, want an info with its reason", line)
	}
	log := h.Log.String()
	for _, secret := range []string{"raw-session", "raw-body", "key-of-a"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q in it:\n%s", secret, log)
		}
	}
	h.Server.Configure(server.Settings{})
	if _, err := h.Broker.PickCredential(t.Context(), pick); err != nil {
		t.Fatal(err)
	}
	if h.Log.String() != log {
		t.Error("a call is logged with the access log off")
	}
}

// panickyStore breaks its word.
type panickyStore struct{}

func (panickyStore) Put(context.Context, string, []byte) (bool, error) { panic("put: hunter2") }

func (panickyStore) Delete(context.Context, string) error { panic("delete") }

func TestPanicEndsOneCall(t *testing.T) {
	h := servertest.New(t, servertest.Options{
		Auths: []*selector.Auth{servertest.Key("a", "claude")}, Store: panickyStore{},
	})
	_, err := h.Auths.PutAuth(t.Context(), &credbrokerv1.PutAuthRequest{
		Config: &credbrokerv1.AuthConfig{Id: "x", Provider: "claude"},
	})
	s := wantError(t, err, codes.Internal, server.ReasonInternal)
	if strings.Contains(s.Message(), "hunter2") {
		t.Errorf("message = %q, want fixed words", s.Message())
	}
	log := h.Log.String()
	if !strings.Contains(log, "panic in a handler") || !strings.Contains(log, "panickyStore") {
		t.Errorf("log = %s, want the panic and its stack", log)
	}
	if line := lastLine(t, h); line["code"] != "INTERNAL" || line["reason"] != "INTERNAL" {
		t.Errorf("access line = %v, want INTERNAL", line)
	}
	if body := get(h, "/metrics").Body.String(); !strings.Contains(body, "credbroker_panics_total 1") {
		t.Error("the panic is not counted")
	}
	if _, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{}); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// blockingStore holds a call until it is let go.
type blockingStore struct{ entered, release chan struct{} }

func (s blockingStore) Put(context.Context, string, []byte) (bool, error) { return false, nil }

func (s blockingStore) Delete(ctx context.Context, _ string) error {
	close(s.entered)
	select {
	case <-s.release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestStopWaitsForRunningCalls(t *testing.T) {
	store := blockingStore{make(chan struct{}), make(chan struct{})}
	h := servertest.New(t, servertest.Options{Store: store})
	watch, err := healthv1.NewHealthClient(h.Conn).Watch(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	called, stopped := make(chan error, 1), make(chan struct{})
	go func() {
		_, err := h.Auths.DeleteAuth(context.Background(), &credbrokerv1.DeleteAuthRequest{AuthId: "a"})
		called <- err
	}()
	<-store.entered
	go func() {
		h.Server.Stop(context.Background())
		close(stopped)
	}()
	// The watch ends although the call goes on.
	for err == nil {
		_, err = watch.Recv()
	}
	select {
	case <-stopped:
		t.Error("Stop returns while a call is running")
	default:
	}
	close(store.release)
	if err := <-called; err != nil {
		t.Errorf("the call that was running: %v", err)
	}
	<-stopped
}

func TestStopHasALimit(t *testing.T) {
	store := blockingStore{make(chan struct{}), make(chan struct{})}
	h := servertest.New(t, servertest.Options{Store: store})
	called := make(chan error, 1)
	go func() {
		_, err := h.Auths.DeleteAuth(context.Background(), &credbrokerv1.DeleteAuthRequest{AuthId: "a"})
		called <- err
	}()
	<-store.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.Server.Stop(ctx)
	if err := <-called; err == nil {
		t.Error("the call succeeds, want it cancelled")
	}
}

func TestServeSeveralListeners(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}})
	socket := filepath.Join(t.TempDir(), "s")
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": socket} {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- h.Server.Serve(l) }()
		target := l.Addr().String()
		if network == "unix" {
			target = "unix://" + target
		}
		conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		_, err = credbrokerv1.NewCredentialBrokerClient(conn).PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{})
		if err != nil {
			t.Errorf("pick over %s: %v", network, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		t.Cleanup(func() {
			h.Server.Stop(context.Background())
			if err := <-served; err != nil {
				t.Errorf("Serve on %s: %v", network, err)
			}
		})
	}
}

func TestDeadlineIsTheTransports(t *testing.T) {
	store := blockingStore{make(chan struct{}), make(chan struct{})}
	h := servertest.New(t, servertest.Options{Store: store})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := h.Auths.DeleteAuth(ctx, &credbrokerv1.DeleteAuthRequest{AuthId: "a"})
	if s := status.Convert(err); s.Code() != codes.DeadlineExceeded || len(s.Details()) != 0 {
		t.Errorf("error = %v, want DEADLINE_EXCEEDED without details", err)
	}
}
