package server_test

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/audit"
	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
	"github.com/credbroker/credbroker/server/transport"
	"github.com/credbroker/credbroker/server/transport/transporttest"
)

// pickOf is a pick at a broker of its own, with an audit log or without, which a caller makes with the first token over a connection that is encrypted or not.
func pickOf(b *testing.B, log *audit.Log, known *access.Token, secure *tls.Config, client credentials.TransportCredentials) rpc {
	token, _ := servertest.Token(1)
	s := auditedBroker(b, log, broker.Caller{Name: "gateway"})
	settings := server.Settings{AccessLog: true}
	if known != nil {
		settings.Callers = servertest.Policy(b, []access.Caller{{
			Name: "gateway", Roles: access.Pick, Tokens: []access.Token{*known}, Limits: access.Limits{InFlight: 1000, PicksPerSecond: 1_000_000},
		}})
	}
	s.Configure(settings)
	port := transport.NewPort()
	if secure != nil {
		port.Configure(secure)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(port.Listen(l)) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(client), grpc.WithNoProxy())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = conn.Close()
		s.Stop(context.Background())
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	request, answer := benchRequest(), &credbrokerv1.PickCredentialResponse{}
	return rpc{"PickCredential", func(ctx context.Context) error {
		if known != nil {
			ctx = as(ctx, token)
		}
		return conn.Invoke(ctx, pickMethod, request, answer)
	}}
}

// BenchmarkCallerRPC is what it costs that callers show who they are: a pick with a token, with TLS 1.3 and with both, in turns with
// one that has neither.
func BenchmarkCallerRPC(b *testing.B) {
	authority := transporttest.NewAuthority(b)
	secure := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{authority.Issue("broker.example")}}
	trusting := credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13, RootCAs: authority.Pool()})
	_, known := servertest.Token(1)
	plain := insecure.NewCredentials()
	for _, tt := range []struct {
		name   string
		known  *access.Token
		secure *tls.Config
		client credentials.TransportCredentials
	}{{"token", &known, nil, plain}, {"tls", nil, secure, trusting}, {"tls+token", &known, secure, trusting}} {
		b.Run("shows="+tt.name, func(b *testing.B) {
			with, without := pickOf(b, nil, tt.known, tt.secure, tt.client), pickOf(b, nil, nil, nil, plain)
			for _, r := range []rpc{with, without} {
				timed(b, r) // connects
			}
			var shown, bare []time.Duration
			for b.Loop() {
				shown = append(shown, timed(b, with))
				bare = append(bare, timed(b, without))
			}
			b.ReportMetric(percentile(shown, 0.5)/percentile(bare, 0.5), "p50-ratio")
			b.ReportMetric(percentile(shown, 0.99)/percentile(bare, 0.99), "p99-ratio")
		})
	}
}

// BenchmarkAuditRPC is what the audit log costs: a pick with token and audit, in turns with one with neither, and with one that has the
// token alone.
func BenchmarkAuditRPC(b *testing.B) {
	_, known := servertest.Token(1)
	plain := insecure.NewCredentials()
	for _, beside := range []string{"token", "nothing"} {
		b.Run("beside="+beside, func(b *testing.B) {
			log, _ := auditFile(b)
			with, without := pickOf(b, log, &known, nil, plain), pickOf(b, nil, &known, nil, plain)
			if beside == "nothing" {
				without = pickOf(b, nil, nil, nil, plain)
			}
			for _, r := range []rpc{with, without} {
				timed(b, r) // connects
			}
			var audited, bare []time.Duration
			for b.Loop() {
				audited = append(audited, timed(b, with))
				bare = append(bare, timed(b, without))
			}
			b.ReportMetric(percentile(audited, 0.5)/percentile(bare, 0.5), "p50-ratio")
			b.ReportMetric(percentile(audited, 0.99)/percentile(bare, 0.99), "p99-ratio")
		})
	}
}
