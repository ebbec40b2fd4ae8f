package transport_test

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/credbroker/credbroker/server/transport"
	"github.com/credbroker/credbroker/server/transport/transporttest"
)

func TestSPIFFE(t *testing.T) {
	domain, other := transporttest.NewAuthority(t), transporttest.NewAuthority(t)
	api := transporttest.StartWorkloadAPI(t, domain, "spiffe://acme.example/broker")
	source, err := transport.OpenSPIFFE(t.Context(), api.Socket, nil, tls.VersionTLS13)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() })
	l := listen(t, "tcp", "127.0.0.1:0")
	port := transport.NewPort()
	port.Configure(source.TLS())
	peers := serve(t, port, l)
	client := func(server *transporttest.Authority, own ...tls.Certificate) credentials.TransportCredentials {
		return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: server.Pool(), Certificates: own})
	}
	conn := dial(t, l.Addr().String(), client(domain, domain.Issue("spiffe://acme.example/gateway", "ops.example")))
	if err := check(t, conn); err != nil {
		t.Fatal(err)
	}
	if p := <-peers; !slices.Equal(p.Evidence.URIs, []string{"spiffe://acme.example/gateway"}) || len(p.Evidence.DNS) > 0 {
		t.Errorf("peer %+v, want the SPIFFE id and nothing else", &p.Evidence)
	}
	for name, own := range map[string][]tls.Certificate{
		"no certificate":                      nil,
		"one without an id":                   {domain.Issue("gateway.example")},
		"one with two ids":                    {domain.Issue("spiffe://acme.example/a", "spiffe://acme.example/b")},
		"one of another trust domain":         {domain.Issue("spiffe://other.example/gateway")},
		"one of an authority that is another": {other.Issue("spiffe://acme.example/gateway")},
	} {
		if err := check(t, dial(t, l.Addr().String(), client(domain, own...))); err == nil {
			t.Errorf("%s is let in", name)
		}
	}

	// A new certificate of another authority takes over; the connection that is there goes on.
	api.Rotate(other, "spiffe://acme.example/broker")
	next := client(other, other.Issue("spiffe://acme.example/gateway"))
	for deadline := time.Now().Add(30 * time.Second); ; {
		if err := check(t, dial(t, l.Addr().String(), next)); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the new certificate is not shown: %v", err)
		}
	}
	if err := check(t, conn); err != nil {
		t.Errorf("the connection that was there: %v", err)
	}
}

func TestSPIFFEWithoutAnAgent(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	l := listen(t, "tcp", "127.0.0.1:0")
	defer func(l net.Listener) { _ = l.Close() }(l)
	socket := "unix://" + t.TempDir() + "/none.sock"
	if _, err := transport.OpenSPIFFE(ctx, socket, nil, tls.VersionTLS13); err == nil || !strings.Contains(err.Error(), socket) {
		t.Errorf("OpenSPIFFE without an agent: %v, want its socket", err)
	}
}
