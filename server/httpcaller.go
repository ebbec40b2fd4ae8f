package server

import (
	"net/http"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/server/transport"
)

const metricsPath = "/metrics"

// BeyondMachine is HTTP for a port that other machines reach: health is open there, and the metrics are for callers that have the
// role. Unless open, they take TLS as well; open without callers, they are for everybody.
func (s *Server) BeyondMachine(next http.Handler, port *transport.Port, open bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == metricsPath {
			if status, text := s.metricsAnswer(r, port, open); status != http.StatusOK {
				if status == http.StatusUnauthorized {
					w.Header().Set("WWW-Authenticate", "Bearer")
				}
				answerText(w, status, text)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) metricsAnswer(r *http.Request, port *transport.Port, open bool) (status int, text string) {
	policy := s.settings.Load().Callers
	switch {
	case open && policy == nil:
		return http.StatusOK, ""
	case !open && !port.Encrypts(), policy == nil:
		return http.StatusForbidden, "metrics are not shown beyond this machine without TLS and callers\n"
	}
	var evidence access.Evidence
	port.Show(r.TLS, &evidence)
	token := ""
	if values := r.Header.Values(authorizationHeader); len(values) > 0 {
		token = bearerOf(values)
	}
	now := s.clock()
	caller, err := policy.Identify(&evidence, token, now)
	if err != nil {
		s.metrics.unknown(err)
		if wait, _ := s.failures.note(hostOf(r.RemoteAddr, "http"), now); wait > 0 {
			return http.StatusTooManyRequests, "too many requests that do not show who makes them\n"
		}
		return http.StatusUnauthorized, "the request does not show who makes it\n"
	}
	if !caller.Roles.Has(access.Metrics) {
		return http.StatusForbidden, "metrics take the role metrics\n"
	}
	return http.StatusOK, ""
}
