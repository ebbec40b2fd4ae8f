package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/credbroker/credbroker/audit"
)

// auditCollector shows what an audit log does; nothing if there is none.
type auditCollector struct{ log *audit.Log }

func auditDescs() (entries, up *prometheus.Desc) {
	return prometheus.NewDesc(metricsNamespace+"_audit_entries_total", "Entries of the audit log, by what became of them.", []string{"result"}, nil),
		prometheus.NewDesc(metricsNamespace+"_audit_up", "1 if the audit log can be written, else 0.", nil, nil)
}

// Describe is part of prometheus.Collector.
func (a *auditCollector) Describe(descs chan<- *prometheus.Desc) {
	entries, up := auditDescs()
	descs <- entries
	descs <- up
}

// Collect is part of prometheus.Collector.
func (a *auditCollector) Collect(to chan<- prometheus.Metric) {
	if a.log == nil {
		return
	}
	stats, works := a.log.Stats(), 1.0
	if stats.Failing {
		works = 0
	}
	entries, up := auditDescs()
	to <- prometheus.MustNewConstMetric(entries, prometheus.CounterValue, float64(stats.Written), "written")
	to <- prometheus.MustNewConstMetric(entries, prometheus.CounterValue, float64(stats.Dropped), "dropped")
	to <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, works)
}
