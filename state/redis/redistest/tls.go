package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Certificates are of an authority of the test's own, for the loopback.
type Certificates struct {
	// CA, Cert and Key are PEM files.
	CA, Cert, Key string
	// Client is what a client needs to connect.
	Client *tls.Config
}

// NewCertificates makes certificates that are good for servers and for clients.
func NewCertificates(t testing.TB) *Certificates {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const valid = time.Hour
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redistest"},
		NotBefore: time.Now().Add(-valid), NotAfter: time.Now().Add(valid),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	c := &Certificates{CA: write(t, "ca.pem", cert), Cert: write(t, "cert.pem", cert)}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	c.Key = write(t, "key.pem", secret)
	pair, err := tls.X509KeyPair(cert, secret)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	c.Client = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{pair}}
	return c
}

func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	const private = 0o600
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, private); err != nil {
		t.Fatal(err)
	}
	return file
}

// StartTLS starts an empty server that takes nothing but TLS, from clients with a certificate.
func StartTLS(t testing.TB, c *Certificates, args ...string) *Server {
	t.Helper()
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	return start(t, addr, append([]string{
		"--port", "0", "--tls-port", port,
		"--tls-cert-file", c.Cert, "--tls-key-file", c.Key, "--tls-ca-cert-file", c.CA,
	}, args...)...)
}

// tlsArgs are what redis-cli needs to reach the server.
func (s *Server) tlsArgs() []string {
	arg := func(name string) string {
		return s.args[slices.Index(s.args, name)+1]
	}
	if !slices.Contains(s.args, "--tls-port") {
		return nil
	}
	return []string{
		"--tls", "--cacert", arg("--tls-ca-cert-file"), "--cert", arg("--tls-cert-file"), "--key", arg("--tls-key-file"),
	}
}
