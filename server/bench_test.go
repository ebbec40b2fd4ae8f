package server_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/credbroker/credbroker/audit"
	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/server"
)

const pickMethod = "/credbroker.v1.CredentialBroker/PickCredential"

// emptyServer answers one method with a prepared message and does nothing else: no interceptor, no option.
func emptyServer(method string, req, answer proto.Message) *grpc.Server {
	s := grpc.NewServer()
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "credbroker.v1.CredentialBroker",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: path.Base(method),
			Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				if err := decode(fresh(req)); err != nil {
					return nil, err
				}
				return answer, nil
			},
		}},
	}, struct{}{})
	return s
}

// benchBroker is a broker as it runs in production: the real clock, and a log that is written.
func benchBroker(b *testing.B, callers ...broker.Caller) *server.Server {
	b.Helper()
	return auditedBroker(b, nil, callers...)
}

// auditedBroker is benchBroker with an audit log.
func auditedBroker(b *testing.B, audited *audit.Log, callers ...broker.Caller) *server.Server {
	b.Helper()
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	buffer := server.NewLogBuffer(log)
	b.Cleanup(func() {
		_ = buffer.Close()
		_ = log.Close()
	})
	core := broker.New(broker.Config{Settings: broker.Settings{Affinity: true, Callers: callers}})
	core.Update(manyAuths(1000, "claude"), nil, time.Now())
	s, err := server.New(server.Config{
		Broker:   core,
		Settings: server.Settings{AccessLog: true},
		Log:      zerolog.New(buffer).With().Timestamp().Logger(), Version: "bench",
		Audit: audited,
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// dialTCP serves on a free port of the loopback and connects to it.
func dialTCP(b *testing.B, serve func(net.Listener) error, stop func()) *grpc.ClientConn {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- serve(l) }()
	b.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return conn
}

// benchRequest is a turn of a conversation: 20 headers, and a body of about a kilobyte.
func benchRequest() *credbrokerv1.PickCredentialRequest {
	headers := map[string]string{"X-Session-ID": "0198c7a4-6f7e-7d0a-9b63-2f7f9d1f2d11"}
	for i := range 19 {
		headers[fmt.Sprintf("X-Header-%02d", i)] = "some value of a usual length"
	}
	return &credbrokerv1.PickCredentialRequest{
		Provider: "claude", Model: "claude-sonnet-4-5(high)", Headers: headers,
		Body: []byte(`{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"` + strings.Repeat("word ", 190) + `"}]}`),
	}
}

type rpc struct {
	name string
	call func(ctx context.Context) error
}

// rpcs are a pick, and an empty method with the same bytes.
func rpcs(b *testing.B) (pick, empty rpc) {
	return beside(b, pickMethod, benchRequest(), &credbrokerv1.PickCredentialResponse{})
}

// beside are a method of a broker, and an empty one with the same bytes.
func beside(b *testing.B, method string, req, answer proto.Message) (call, empty rpc) {
	s := benchBroker(b)
	gateway := dialTCP(b, s.Serve, func() { s.Stop(context.Background()) })
	if err := gateway.Invoke(b.Context(), method, req, answer); err != nil {
		b.Fatal(err)
	}
	e := emptyServer(method, req, answer)
	other := dialTCP(b, e.Serve, e.Stop)
	on := func(conn *grpc.ClientConn) func(context.Context) error {
		return func(ctx context.Context) error { return conn.Invoke(ctx, method, req, fresh(answer)) }
	}
	return rpc{path.Base(method), on(gateway)}, rpc{"Empty", on(other)}
}

// fresh is an empty message of the type of another.
func fresh(m proto.Message) proto.Message { return m.ProtoReflect().New().Interface() }

// timed calls once and returns how long it took.
func timed(b *testing.B, r rpc) time.Duration {
	start := time.Now()
	if err := r.call(b.Context()); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func percentile(took []time.Duration, p float64) float64 {
	slices.Sort(took)
	return float64(took[min(len(took)-1, int(float64(len(took))*p))]) / float64(time.Microsecond)
}

// BenchmarkRPC compares a pick with an empty method over loopback TCP. `Alternating` makes one call of each in turn, so
// that what else the machine does falls on both alike, and reports the ratios of a pick to the empty method.
func BenchmarkRPC(b *testing.B) {
	pick, empty := rpcs(b)
	for _, r := range []rpc{pick, empty} {
		b.Run("method="+r.name, func(b *testing.B) {
			b.ReportAllocs()
			var took []time.Duration
			for b.Loop() {
				took = append(took, timed(b, r))
			}
			b.ReportMetric(percentile(took, 0.5), "p50-us")
			b.ReportMetric(percentile(took, 0.99), "p99-us")
		})
	}
	b.Run("method=Alternating", func(b *testing.B) {
		var picks, empties []time.Duration
		for b.Loop() {
			picks = append(picks, timed(b, pick))
			empties = append(empties, timed(b, empty))
		}
		b.ReportMetric(percentile(picks, 0.5)/percentile(empties, 0.5), "p50-ratio")
		b.ReportMetric(percentile(picks, 0.99)/percentile(empties, 0.99), "p99-ratio")
	})
}

// BenchmarkReportResult is what the report of a success, and that of a limit, cost beside an empty method.
func BenchmarkReportResult(b *testing.B) {
	success := &credbrokerv1.ReportResultRequest{AuthId: "auth-0007", Model: "claude-sonnet-4-5", HttpStatus: 200, Latency: durationpb.New(time.Second)}
	limit := &credbrokerv1.ReportResultRequest{
		AuthId: "auth-0007", Model: "claude-sonnet-4-5", HttpStatus: 429, Headers: map[string]string{"retry-after": "30"},
		Body: []byte(`{"type":"error","error":{"type":"rate_limit_error","message":"Number of request tokens has exceeded your per-minute rate limit"}}`),
	}
	for name, req := range map[string]proto.Message{"success": success, "limit": limit} {
		b.Run("result="+name, func(b *testing.B) {
			report, empty := beside(b, "/credbroker.v1.CredentialBroker/ReportResult", req, &credbrokerv1.ReportResultResponse{})
			var reports, empties []time.Duration
			for b.Loop() {
				reports = append(reports, timed(b, report))
				empties = append(empties, timed(b, empty))
			}
			b.ReportMetric(percentile(reports, 0.5)-percentile(empties, 0.5), "p50-extra-us")
			b.ReportMetric(percentile(reports, 0.5)/percentile(empties, 0.5), "p50-ratio")
		})
	}
}

const (
	benchInFlight = 64
	benchRound    = 50 // calls of each of them
)

// round keeps benchInFlight calls in flight on one connection and returns how long it took.
func round(b *testing.B, r rpc) time.Duration {
	start := time.Now()
	var running sync.WaitGroup
	for range benchInFlight {
		running.Go(func() {
			for range benchRound {
				if err := r.call(b.Context()); err != nil {
					b.Error(err)
				}
			}
		})
	}
	running.Wait()
	return time.Since(start)
}

// BenchmarkRPCParallel compares the throughput of picks with that of an empty method, in rounds of 3,200 calls.
// `Alternating` reports the ratio of the median rounds.
func BenchmarkRPCParallel(b *testing.B) {
	pick, empty := rpcs(b)
	for _, r := range []rpc{pick, empty} {
		b.Run("method="+r.name, func(b *testing.B) {
			b.ReportAllocs()
			var took time.Duration
			for b.Loop() {
				took += round(b, r)
			}
			b.ReportMetric(float64(b.N)*benchInFlight*benchRound/took.Seconds(), "rpc/s")
		})
	}
	b.Run("method=Alternating", func(b *testing.B) {
		var picks, empties []time.Duration
		for b.Loop() {
			picks = append(picks, round(b, pick))
			empties = append(empties, round(b, empty))
		}
		b.ReportMetric(percentile(empties, 0.5)/percentile(picks, 0.5), "throughput-ratio")
	})
}
