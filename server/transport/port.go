package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"syscall"

	"github.com/credbroker/credbroker/access"
)

// What clients must speak within TLS.
const (
	protocolGRPC = "h2"
	protocolHTTP = "http/1.1"
)

// Port is one listener, and what is asked of those who connect to it.
type Port struct {
	services []string
	protocol string
	tls      atomic.Pointer[tls.Config] // nil: nothing is encrypted
}

// NewPort is for gRPC and serves the named services; none: all of them.
func NewPort(services ...string) *Port { return &Port{services: services, protocol: protocolGRPC} }

// NewHTTPPort is for HTTP.
func NewHTTPPort() *Port { return &Port{protocol: protocolHTTP} }

// Configure is for the connections that are made from now on. Those that are there stay as they are. Each has to prove who it is
// anew: none is resumed.
func (p *Port) Configure(config *tls.Config) {
	config = config.Clone()
	config.NextProtos = []string{p.protocol}
	config.SessionTicketsDisabled = true
	p.tls.Store(config)
}

// Encrypts tells whether the connections are encrypted.
func (p *Port) Encrypts() bool { return p.tls.Load() != nil }

// Listen marks what l accepts as connections of the Port.
func (p *Port) Listen(l net.Listener) net.Listener { return &listener{Listener: l, port: p} }

type listener struct {
	net.Listener
	port *Port
}

// Accept is part of net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, port: l.port}, nil
}

// conn is a connection that knows its Port. Others may wrap it: its address is how it is found again.
type conn struct {
	net.Conn
	port *Port
}

// LocalAddr is part of net.Conn.
func (c *conn) LocalAddr() net.Addr { return &address{Addr: c.Conn.LocalAddr(), conn: c} }

// SyscallConn is part of syscall.Conn.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if inner, ok := c.Conn.(syscall.Conn); ok {
		return inner.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

type address struct {
	net.Addr
	conn *conn
}

// Server is the configuration of a server that does not use Credentials; nil: nothing is encrypted.
func (p *Port) Server() *tls.Config {
	if !p.Encrypts() {
		return nil
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return p.tls.Load(), nil },
	}
}

// Show tells what the certificate of a client shows; nothing unless it was verified.
func (p *Port) Show(state *tls.ConnectionState, to *access.Evidence) {
	config := p.tls.Load()
	if state == nil || config == nil || len(state.PeerCertificates) == 0 {
		return
	}
	leaf := state.PeerCertificates[0]
	switch {
	case len(state.VerifiedChains) > 0:
		to.DNS = leaf.DNSNames
	case config.VerifyPeerCertificate == nil:
		return
	}
	for _, uri := range leaf.URIs {
		to.URIs = append(to.URIs, uri.String())
	}
}
