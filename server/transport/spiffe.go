package transport

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// SPIFFE is a source of certificates and of trust, which keeps itself up to date. Close it.
type SPIFFE struct {
	source *workloadapi.X509Source
	config *tls.Config
}

// OpenSPIFFE waits for the first certificate of the Workload API at a socket (unix:///path), until ctx ends. Clients are taken
// that have certificates of the trust domains; of none: of the broker's own.
func OpenSPIFFE(ctx context.Context, socket string, trustDomains []string, minVersion uint16) (*SPIFFE, error) {
	source, err := workloadapi.NewX509Source(ctx, workloadapi.WithClientOptions(workloadapi.WithAddr(socket)))
	if err != nil {
		return nil, fmt.Errorf("get a certificate of the Workload API at %s: %w", socket, err)
	}
	s := &SPIFFE{source: source}
	allowed, err := s.domains(trustDomains)
	if err != nil {
		_ = source.Close()
		return nil, err
	}
	s.config = tlsconfig.MTLSServerConfig(source, source, tlsconfig.AdaptMatcher(func(id spiffeid.ID) error {
		if !allowed[id.TrustDomain()] {
			return fmt.Errorf("the trust domain %q is not one of clients", id.TrustDomain())
		}
		return nil
	}))
	s.config.MinVersion = minVersion
	return s, nil
}

func (s *SPIFFE) domains(names []string) (map[spiffeid.TrustDomain]bool, error) {
	allowed := make(map[spiffeid.TrustDomain]bool)
	if len(names) == 0 {
		own, err := s.source.GetX509SVID()
		if err != nil {
			return nil, fmt.Errorf("read the broker's own certificate: %w", err)
		}
		allowed[own.ID.TrustDomain()] = true
	}
	for _, name := range names {
		domain, err := spiffeid.TrustDomainFromString(name)
		if err != nil {
			return nil, fmt.Errorf("trust domain %q: %w", name, err)
		}
		allowed[domain] = true
	}
	return allowed, nil
}

// TLS is the configuration for a Port.
func (s *SPIFFE) TLS() *tls.Config { return s.config }

// Close ends the updates.
func (s *SPIFFE) Close() error { return s.source.Close() }
