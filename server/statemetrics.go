package server

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What came of asking the fleet for a binding.
const (
	claimConfirmed   = "confirmed"
	claimMoved       = "moved"
	claimFailed      = "failed"
	claimUnconfirmed = "unconfirmed"
)

// StateMetrics count what stores state beyond the process. docs/metrics.md lists them. Methods may be called concurrently.
type StateMetrics struct {
	saves      *prometheus.HistogramVec
	failures   *prometheus.CounterVec
	lag        prometheus.Histogram
	claims     *prometheus.CounterVec
	claimTimes prometheus.Histogram
	refused    *prometheus.CounterVec
}

// NewStateMetrics registers the metrics.
func NewStateMetrics(registry *prometheus.Registry) (*StateMetrics, error) {
	m := &StateMetrics{
		saves: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Name: "state_save_seconds",
			Help:    "Time that an engine took to keep a batch of changes.",
			Buckets: []float64{100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3, 500e-3, 1, 2, 5},
		}, []string{"engine"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "state_save_failures_total",
			Help: "Batches of changes that an engine could not keep. They are tried again.",
		}, []string{"engine"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Name: "state_replication_lag_seconds",
			Help:    "Age of another replica's change when it arrived here.",
			Buckets: []float64{1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3, 500e-3, 1, 2, 5, 10, 60},
		}),
		claims: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "session_claims_total",
			Help: "Sessions that were bound anew, by what the fleet said to it.",
		}, []string{"answer"}),
		claimTimes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Name: "session_claim_seconds",
			Help:    "Time that a pick waited for the fleet to say what its session is bound to.",
			Buckets: []float64{200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 15e-3, 20e-3, 50e-3},
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "state_refused_total",
			Help: "What the fleet's store answered and was not believed.",
		}, []string{"what"}),
	}
	for _, c := range []prometheus.Collector{m.saves, m.failures, m.lag, m.claims, m.claimTimes, m.refused} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of state: %w", err)
		}
	}
	return m, nil
}

// Saved counts a batch of an engine.
func (m *StateMetrics) Saved(engine string, _, _ int, took time.Duration, err error) {
	m.saves.WithLabelValues(engine).Observe(took.Seconds())
	if err != nil {
		m.failures.WithLabelValues(engine).Inc()
	}
}

// ReplicationLag counts a change of another replica.
func (m *StateMetrics) ReplicationLag(after time.Duration) { m.lag.Observe(after.Seconds()) }

// Claimed counts a session that the fleet was asked about.
func (m *StateMetrics) Claimed(took time.Duration, moved bool, err error) {
	m.claimTimes.Observe(took.Seconds())
	answer := claimConfirmed
	switch {
	case err != nil:
		answer = claimFailed
	case moved:
		answer = claimMoved
	}
	m.claims.WithLabelValues(answer).Inc()
}

// Unconfirmed counts a session that was bound without the fleet.
func (m *StateMetrics) Unconfirmed() { m.claims.WithLabelValues(claimUnconfirmed).Inc() }

// Refused counts what the fleet's store answered and was not believed.
func (m *StateMetrics) Refused(what string) { m.refused.WithLabelValues(what).Inc() }
