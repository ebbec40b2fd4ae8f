package server

import (
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// What a client of the HTTP port may take: it sends a short request and reads an answer of a megabyte or two at most.
const (
	httpReadTimeout  = 5 * time.Second
	httpWriteTimeout = 20 * time.Second
	httpIdleTimeout  = time.Minute
	httpMaxHeader    = 16 << 10
)

// Web is a server for what HTTP answers. Start it with ServeWeb.
func (s *Server) Web(errors *log.Logger) *http.Server {
	return &http.Server{
		Handler: s.HTTP(), ErrorLog: errors, MaxHeaderBytes: httpMaxHeader,
		ReadTimeout: httpReadTimeout, WriteTimeout: httpWriteTimeout, IdleTimeout: httpIdleTimeout,
	}
}

// ServeWeb serves a listener as http.Server.Serve does, with a bound on connections: the oldest one is closed for a new
// one, so that a probe always finds a way in.
func (s *Server) ServeWeb(web *http.Server, l net.Listener) error {
	if web.TLSConfig != nil {
		return web.ServeTLS(s.web.Listen(l), "", "")
	}
	return web.Serve(s.web.Listen(l))
}

// HTTP answers /metrics, /healthz (the process runs) and /readyz (requests may be sent here).
func (s *Server) HTTP() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(&oneGatherer{from: s.config.Metrics}, promhttp.HandlerOpts{}))
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

// oneGatherer gathers once at a time. Whoever asks meanwhile shares the next one, so that many scrapes cost no more than
// a few, and none waits for another's client to read.
type oneGatherer struct {
	from prometheus.Gatherer

	mu       sync.Mutex
	begun    atomic.Uint64 // gatherings
	families []*dto.MetricFamily
	err      error
}

// Gather is part of prometheus.Gatherer.
func (o *oneGatherer) Gather() ([]*dto.MetricFamily, error) {
	before := o.begun.Load()
	o.mu.Lock()
	defer o.mu.Unlock()
	// One that began after this call came has all that the caller may expect.
	if o.begun.Load() == before || o.families == nil {
		o.begun.Add(1)
		o.families, o.err = o.from.Gather()
	}
	return o.families, o.err
}
