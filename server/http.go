package server

import (
	"io"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// HTTP answers /metrics, /healthz (the process runs) and /readyz (requests may be sent here). Serving it is the caller's.
func (s *Server) HTTP() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.config.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answerText(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.stopping.Load() || !s.ready.Load() {
			answerText(w, http.StatusServiceUnavailable, "not ready\n")
			return
		}
		answerText(w, http.StatusOK, "ready\n"+s.engineTrouble())
	})
	return mux
}

// engineTrouble is a line for each engine that does not work. Requests may be sent here all the same: what is in memory
// still works, and calls that must be durable say so themselves.
func (s *Server) engineTrouble() string {
	var lines strings.Builder
	for _, e := range s.config.Broker.Engines() {
		if e.Failure != nil {
			lines.WriteString(e.Name + " does not work; " + statusHint + "\n")
		}
	}
	return lines.String()
}

// statusHint: what is wrong may name hosts, which is not for everybody who may probe.
const statusHint = "`credbroker status` says why"

func answerText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	// A client that has gone away misses nothing.
	_, _ = io.WriteString(w, text)
}
