package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// The environment variables that take the place of flags.
const (
	caVariable    = "CREDBROKER_TLS_CA"
	certVariable  = "CREDBROKER_TLS_CERT"
	keyVariable   = "CREDBROKER_TLS_KEY"
	tokenVariable = "CREDBROKER_TOKEN"
)

// identity is what a client shows of itself, and whom it believes.
type identity struct {
	ca, cert, key, tokenFile string
}

func (i *identity) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&i.ca, "tls-ca", "", "file of the authorities that vouch for the broker; connections are encrypted then ("+caVariable+")")
	f.StringVar(&i.cert, "tls-cert", "", "file of the certificate to show ("+certVariable+")")
	f.StringVar(&i.key, "tls-key", "", "file of the key of that certificate ("+keyVariable+")")
	f.StringVar(&i.tokenFile, "token-file", "", "file of the bearer token; "+tokenVariable+" can hold the token itself")
	for _, name := range []string{"tls-ca", "tls-cert", "tls-key", "token-file"} {
		_ = cmd.MarkFlagFilename(name)
	}
}

// dialOptions are how to connect to an address.
func (i *identity) dialOptions(getenv func(string) (string, bool), address string) ([]grpc.DialOption, error) {
	for variable, flag := range map[string]*string{caVariable: &i.ca, certVariable: &i.cert, keyVariable: &i.key} {
		if value, set := getenv(variable); set && *flag == "" {
			*flag = value
		}
	}
	transport, err := i.transport()
	if err != nil {
		return nil, err
	}
	secured := grpc.WithTransportCredentials(transport)
	token, err := i.token(getenv)
	if err != nil || token == "" {
		return []grpc.DialOption{secured}, err
	}
	if i.ca == "" && i.cert == "" && !staysHere(address) {
		return nil, usageErrorf("a token leaves this machine encrypted only: %s needs --tls-ca", address)
	}
	return []grpc.DialOption{secured, grpc.WithPerRPCCredentials(bearerToken{token: token, local: staysHere(address)})}, nil
}

func (i *identity) transport() (credentials.TransportCredentials, error) {
	if (i.cert == "") != (i.key == "") {
		return nil, usageErrorf("--tls-cert and --tls-key go together")
	}
	if i.ca == "" && i.cert == "" {
		return insecure.NewCredentials(), nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if i.ca != "" {
		pem, err := os.ReadFile(i.ca)
		if err != nil {
			return nil, usageErrorf("--tls-ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usageErrorf("--tls-ca: %s holds no certificate", i.ca)
		}
	}
	if i.cert != "" {
		pair, err := tls.LoadX509KeyPair(i.cert, i.key)
		if err != nil {
			return nil, usageErrorf("--tls-cert and --tls-key: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(conf), nil
}

func (i *identity) token(getenv func(string) (string, bool)) (string, error) {
	if i.tokenFile == "" {
		token, _ := getenv(tokenVariable)
		return strings.TrimSpace(token), nil
	}
	text, err := os.ReadFile(i.tokenFile)
	if err != nil {
		return "", usageErrorf("--token-file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usageErrorf("--token-file: %s holds no token", i.tokenFile)
	}
	return token, nil
}

// bearerToken sends a token with every call. It leaves this machine encrypted only.
type bearerToken struct {
	token string
	local bool
}

// GetRequestMetadata is part of credentials.PerRPCCredentials.
func (b bearerToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

// RequireTransportSecurity is part of credentials.PerRPCCredentials.
func (b bearerToken) RequireTransportSecurity() bool { return !b.local }

// staysHere tells whether what is sent to an address does not leave this machine.
func staysHere(address string) bool {
	if strings.HasPrefix(address, unixPrefix) {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// String hides the token, whoever prints it.
func (b bearerToken) String() string {
	return fmt.Sprintf("a bearer token of %d characters", len(b.token))
}
