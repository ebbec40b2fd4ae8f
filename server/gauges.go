package server

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/credbroker/credbroker/broker"
)

const (
	pendingRecords  = "records"
	pendingBindings = "bindings"

	// maxQuotaAuths is how many auths have their quotas shown; those of further ones are in GetAuth.
	maxQuotaAuths = 1000
)

// stateCollector reads the gauges when they are asked for, so that nothing has to keep them up to date.
type stateCollector struct {
	broker *broker.Broker

	auths, bindings, bindingsMax, generation, problems, quotaUsed, quotaReset, stateUp, statePending *prometheus.Desc
}

func newStateCollector(b *broker.Broker) *stateCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(metricsNamespace, "", name), help, labels, nil)
	}
	return &stateCollector{
		broker:       b,
		auths:        desc("auths", "Auths of the pool by state of the auth as a whole.", "provider", "state"),
		bindings:     desc("bindings", "Sessions that are bound."),
		bindingsMax:  desc("bindings_max", "Most sessions that are kept bound."),
		generation:   desc("config_generation", "Counts the configurations in force since the start, from 1."),
		problems:     desc("config_problems", "Problems that keep parts of the newest configuration out of force."),
		quotaUsed:    desc("quota_used_ratio", "Share of a quota that is used, as the upstream last showed it.", "provider", "auth_id", "window"),
		quotaReset:   desc("quota_reset_timestamp_seconds", "When a quota is unused again, as the upstream last showed it.", "provider", "auth_id", "window"),
		stateUp:      desc("state_up", "1 if the engine that keeps state works, else 0.", "engine"),
		statePending: desc("state_pending", "Changes that the engine has not kept yet.", "engine", "of"),
	}
}

// Describe is part of prometheus.Collector.
func (s *stateCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.auths, s.bindings, s.bindingsMax, s.generation, s.problems, s.quotaUsed, s.quotaReset, s.stateUp, s.statePending} {
		out <- d
	}
}

// Collect is part of prometheus.Collector.
func (s *stateCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	st := s.broker.Status(broker.Caller{}, s.broker.Now())
	for _, c := range st.Pool {
		// A label that is no UTF-8 would end the process.
		gauge(s.auths, float64(c.Count), strings.ToValidUTF8(c.Provider, "?"), stateName(c.State))
	}
	gauge(s.bindings, float64(st.Bindings))
	gauge(s.bindingsMax, float64(st.BindingsMax))
	gauge(s.generation, float64(st.Config.Generation))
	gauge(s.problems, float64(len(st.Config.Problems)))
	for _, e := range st.Engines {
		up := 1.0
		if e.Failure != nil {
			up = 0
		}
		gauge(s.stateUp, up, e.Name)
		gauge(s.statePending, float64(e.Records), e.Name, pendingRecords)
		gauge(s.statePending, float64(e.Bindings), e.Name, pendingBindings)
	}
	for _, q := range s.broker.Quotas(maxQuotaAuths) {
		for _, w := range q.Windows {
			labels := []string{strings.ToValidUTF8(q.Auth.Provider, "?"), strings.ToValidUTF8(q.Auth.ID, "?"), strings.ToValidUTF8(w.Name, "?")}
			if w.UsedShare >= 0 {
				gauge(s.quotaUsed, w.UsedShare, labels...)
			}
			if !w.ResetsAt.IsZero() {
				gauge(s.quotaReset, float64(w.ResetsAt.Unix()), labels...)
			}
		}
	}
}
