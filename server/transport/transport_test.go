package transport_test

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/credbroker/credbroker/server/transport"
	"github.com/credbroker/credbroker/server/transport/transporttest"
)

// serve answers health checks on a listener, and hands over the Peer of every call.
func serve(t *testing.T, p *transport.Port, l net.Listener) <-chan *transport.Peer {
	t.Helper()
	peers := make(chan *transport.Peer, 16)
	server := grpc.NewServer(grpc.Creds(transport.Credentials()), grpc.UnaryInterceptor(
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			peers <- transport.PeerOf(ctx)
			return next(ctx, req)
		}))
	healthv1.RegisterHealthServer(server, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- server.Serve(p.Listen(l)) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return peers
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func dial(t *testing.T, target string, with credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(with), grpc.WithNoProxy())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func check(t *testing.T, conn *grpc.ClientConn) error {
	t.Helper()
	_, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	return err
}

// secure is the server's side of certificates.
func secure(own, clients *transporttest.Authority, name string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own.Issue(name)}}
	if clients != nil {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, clients.Pool()
	}
	return c
}

func TestUserBehindASocket(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system does not tell")
	}
	path := filepath.Join(t.TempDir(), "s")
	peers := serve(t, transport.NewPort("grpc.health.v1.Health"), listen(t, "unix", path))
	if err := check(t, dial(t, "unix://"+path, insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	p := <-peers
	if !p.Evidence.HasUID || int(p.Evidence.UID) != os.Getuid() || len(p.Evidence.URIs)+len(p.Evidence.DNS) > 0 || p.AuthType() != "plain" {
		t.Errorf("peer %+v, want the user %d and nothing else", &p.Evidence, os.Getuid())
	}
	if !p.Serves("grpc.health.v1.Health") || p.Serves("credbroker.v1.AuthPool") {
		t.Error("the connection serves others than it should")
	}
}

func TestPlainConnectionsShowNothing(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	peers := serve(t, transport.NewPort(), l)
	if err := check(t, dial(t, l.Addr().String(), insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	if p := <-peers; p.Evidence.HasUID || len(p.Evidence.URIs)+len(p.Evidence.DNS) > 0 || !p.Serves("anything") {
		t.Errorf("peer %+v, want nothing", &p.Evidence)
	}
}

func TestCertificates(t *testing.T) {
	servers, clients, strangers := transporttest.NewAuthority(t), transporttest.NewAuthority(t), transporttest.NewAuthority(t)
	l := listen(t, "tcp", "127.0.0.1:0")
	port := transport.NewPort()
	port.Configure(secure(servers, clients, "broker.example"))
	peers := serve(t, port, l)
	client := func(own ...tls.Certificate) credentials.TransportCredentials {
		return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: servers.Pool(), Certificates: own})
	}
	if err := check(t, dial(t, l.Addr().String(), client(clients.Issue("gw.example", "spiffe://acme.example/gw")))); err != nil {
		t.Fatal(err)
	}
	p := <-peers
	if !slices.Equal(p.Evidence.URIs, []string{"spiffe://acme.example/gw"}) || !slices.Equal(p.Evidence.DNS, []string{"gw.example"}) || p.AuthType() != "tls" {
		t.Errorf("peer %+v, want the names of the certificate", &p.Evidence)
	}
	old := client(clients.Issue("gw.example"))
	old12 := credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, RootCAs: servers.Pool(), Certificates: []tls.Certificate{clients.Issue("gw.example")},
	})
	if err := check(t, dial(t, l.Addr().String(), old)); err != nil {
		t.Error(err)
	}
	for name, with := range map[string]credentials.TransportCredentials{
		"no certificate": client(), "one of a stranger": client(strangers.Issue("gw.example")), "an old TLS": old12, "no TLS": insecure.NewCredentials(),
		"one of the server's authority": client(servers.Issue("gw.example")),
	} {
		if err := check(t, dial(t, l.Addr().String(), with)); err == nil {
			t.Errorf("%s is let in", name)
		}
	}
}

// New certificates are for new connections; those that are there go on.
func TestCertificatesAreReplaced(t *testing.T) {
	first, second := transporttest.NewAuthority(t), transporttest.NewAuthority(t)
	l := listen(t, "tcp", "127.0.0.1:0")
	port := transport.NewPort()
	port.Configure(secure(first, nil, "broker.example"))
	peers := serve(t, port, l)
	trusting := func(a *transporttest.Authority) credentials.TransportCredentials {
		return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.Pool()})
	}
	conn := dial(t, l.Addr().String(), trusting(first))
	if err := check(t, conn); err != nil {
		t.Fatal(err)
	}
	before := <-peers
	port.Configure(secure(second, nil, "broker.example"))
	if err := check(t, conn); err != nil {
		t.Fatalf("the connection that was there: %v", err)
	}
	if after := <-peers; after != before {
		t.Error("the connection was made anew")
	}
	if err := check(t, dial(t, l.Addr().String(), trusting(second))); err != nil {
		t.Errorf("a connection that trusts the new certificate: %v", err)
	}
	if err := check(t, dial(t, l.Addr().String(), trusting(first))); err == nil {
		t.Error("the old certificate is still shown")
	}
}
