package server

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/credbroker/credbroker/access"
)

// countCallers makes the metrics about callers.
func (m *metrics) countCallers() {
	m.callers = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: metricsNamespace, Name: "caller_calls_total",
		Help: "Calls of each caller that ended, by what came of them.",
	}, []string{"caller", "result"})
	m.unproven = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: metricsNamespace, Name: "authentication_failures_total",
		Help: "Calls that did not show who makes them, by what was wrong.",
	}, []string{"cause"})
}

// called counts a call that was let in.
func (m *metrics) called(c *call) {
	if c.caller != nil {
		m.refusedCaller(c.caller.Name, c.reason)
	}
}

// refusedCaller counts a call of a caller.
func (m *metrics) refusedCaller(name string, reason Reason) {
	m.callers.WithLabelValues(m.callerNames.name(name), resultLabel(reason)).Inc()
}

// unknown counts a call that did not show who makes it.
func (m *metrics) unknown(cause error) {
	word := "unknown"
	switch {
	case errors.Is(cause, access.ErrNothingShown):
		word = "nothing"
	case errors.Is(cause, access.ErrExpired):
		word = "expired"
	case errors.Is(cause, access.ErrAmbiguous):
		word = "ambiguous"
	}
	m.unproven.WithLabelValues(word).Inc()
}
