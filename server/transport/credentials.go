package transport

import (
	"context"
	"errors"
	"net"
	"slices"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/credbroker/credbroker/access"
)

// Peer is who is at the other end of a connection.
type Peer struct {
	credentials.CommonAuthInfo
	// Evidence of it.
	Evidence access.Evidence

	services []string // none: all
	encrypts bool
}

// AuthType is part of credentials.AuthInfo.
func (p *Peer) AuthType() string {
	if p.encrypts {
		return "tls"
	}
	return "plain"
}

// Serves tells whether a gRPC service is served on the connection.
func (p *Peer) Serves(service string) bool {
	return len(p.services) == 0 || slices.Contains(p.services, service)
}

// PeerOf is the Peer of a call; nil if its connection was not made with Credentials.
func PeerOf(ctx context.Context) *Peer {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	if known, ok := p.AuthInfo.(*Peer); ok {
		return known
	}
	return nil
}

// Credentials are those of the server: they do for each connection what its Port says.
func Credentials() credentials.TransportCredentials { return server{} }

type server struct{}

// ServerHandshake is part of credentials.TransportCredentials.
func (server) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	p := &Peer{CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}}
	a, ok := raw.LocalAddr().(*address)
	if !ok {
		return raw, p, nil
	}
	port := a.conn.port
	p.services = port.services
	config := port.tls.Load()
	if config == nil {
		p.Evidence.UID, p.Evidence.HasUID = userOf(a.conn.Conn)
		return raw, p, nil
	}
	// Which checks the protocol, too.
	secured, info, err := credentials.NewTLS(config).ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	known, ok := info.(credentials.TLSInfo)
	if !ok {
		return nil, nil, errors.New("the handshake tells nothing of TLS")
	}
	p.encrypts, p.CommonAuthInfo = true, known.CommonAuthInfo
	port.Show(&known.State, &p.Evidence)
	return secured, p, nil
}

// ClientHandshake is part of credentials.TransportCredentials.
func (server) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("these credentials are for servers")
}

// Info is part of credentials.TransportCredentials.
func (server) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone is part of credentials.TransportCredentials.
func (server) Clone() credentials.TransportCredentials { return server{} }

// OverrideServerName is part of credentials.TransportCredentials.
func (server) OverrideServerName(string) error {
	return errors.New("these credentials are for servers")
}
