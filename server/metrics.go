package server

import (
	"cmp"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc/codes"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

const (
	metricsNamespace = "credbroker"

	resultOK      = "OK"
	providerOther = "other"

	tokensInput  = "input"
	tokensCached = "cached_input"
	tokensOutput = "output"

	// maxLabelCallers is how many callers have series of their own, those that were removed included.
	maxLabelCallers = 2 * access.MaxCallers

	// maxLabelProviders is how many providers have series of their own; further ones count as other.
	maxLabelProviders = 64
)

// metrics are what the edge counts itself. docs/metrics.md lists every one.
type metrics struct {
	picks     *prometheus.CounterVec
	reports   *prometheus.CounterVec
	results   *prometheus.CounterVec
	outages   *prometheus.CounterVec
	tokens    *prometheus.CounterVec
	panics    prometheus.Counter
	refused   *prometheus.CounterVec
	handledBy *prometheus.CounterVec
	durations *prometheus.HistogramVec
	build     prometheus.Gauge
	callers   *prometheus.CounterVec
	unproven  *prometheus.CounterVec

	providers, callerNames boundedNames
}

func newMetrics(c *Config) (*metrics, error) {
	m := &metrics{
		providers: boundedNames{limit: maxLabelProviders}, callerNames: boundedNames{limit: maxLabelCallers},
		picks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "picks_total",
			Help: "Picks, dry runs left out, by what came of them.",
		}, []string{"provider", "model_class", "result", "binding"}),
		reports: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "reports_total",
			Help: "Reports about auths, by what was reported and what came of it.",
		}, []string{"report", "result"}),
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "results_total",
			Help: "Upstream answers that were reported, by what was done about them and why.",
		}, []string{"provider", "action", "reason"}),
		outages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "outage_results_total",
			Help: "Upstream answers that were held against the provider, because most of its auths fail alike.",
		}, []string{"provider"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "tokens_total",
			Help: "Tokens that reports told of.",
		}, []string{"provider", "kind"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "panics_total",
			Help: "Calls that ended in a panic.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "refused_total",
			Help: "What was refused because peers asked for more than the limits allow.",
		}, []string{"what"}),
		handledBy: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "rpc_handled_total",
			Help: "Calls that ended, by method and gRPC code.",
		}, []string{"method", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Name: "rpc_duration_seconds",
			Help: "Time from the decoded request to the answer of a unary call.",
			Buckets: []float64{
				10e-6, 20e-6, 30e-6, 40e-6, 50e-6, 75e-6, 100e-6, 150e-6, 200e-6, 300e-6, 500e-6,
				1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3, 500e-3, 1, 2, 5, 10,
			},
		}, []string{"method"}),
		build: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: metricsNamespace, Name: "build_info",
			Help:        "1, with the version of the broker and of Go.",
			ConstLabels: prometheus.Labels{"version": c.Version, "goversion": runtime.Version()},
		}),
	}
	m.build.Set(1)
	m.countCallers()
	for _, collector := range []prometheus.Collector{
		m.picks, m.reports, m.results, m.outages, m.tokens, m.panics, m.refused, m.handledBy, m.durations, m.build, m.callers, m.unproven,
		newStateCollector(c.Broker), &auditCollector{log: c.Audit},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := c.Metrics.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// handled counts one call.
func (m *metrics) handled(method string, code codes.Code) {
	m.handledBy.WithLabelValues(method, codeName(code)).Inc()
}

// took notes the duration of a unary call.
func (m *metrics) took(method string, d time.Duration) {
	m.durations.WithLabelValues(method).Observe(d.Seconds())
}

// picked counts one pick. The provider must be one of the pool, or providerOther.
func (m *metrics) picked(provider, modelKey string, c *call) {
	m.picks.WithLabelValues(m.providers.name(provider), modelClass(modelKey), resultLabel(c.reason), bindingName(c.binding)).Inc()
}

// reported counts one report.
func (m *metrics) reported(report string, reason Reason) {
	m.reports.WithLabelValues(report, resultLabel(reason)).Inc()
}

// judged counts one result. Its provider is one of the pool, and its reason one of the rules.
func (m *metrics) judged(r *broker.Reported, used *credbrokerv1.Usage) {
	provider := m.providers.name(r.Provider)
	m.results.WithLabelValues(provider, actionName(r.Action), cmp.Or(r.Verdict.Reason, r.Verdict.Rule)).Inc()
	if r.Outage {
		m.outages.WithLabelValues(provider).Inc()
	}
	if used == nil {
		return
	}
	m.tokens.WithLabelValues(provider, tokensInput).Add(float64(used.GetInputTokens()))
	m.tokens.WithLabelValues(provider, tokensCached).Add(float64(used.GetCachedInputTokens()))
	m.tokens.WithLabelValues(provider, tokensOutput).Add(float64(used.GetOutputTokens()))
}

func resultLabel(reason Reason) string { return cmp.Or(string(reason), resultOK) }

// boundedNames lets a limited number of different names through, so that a label has a limited number of values even
// where names come and go.
type boundedNames struct {
	limit int

	mu   sync.RWMutex
	seen map[string]struct{}
}

// name returns name, or providerOther if there are too many others already.
func (b *boundedNames) name(name string) string {
	b.mu.RLock()
	_, ok := b.seen[name]
	b.mu.RUnlock()
	if ok {
		return name
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) >= b.limit {
		return providerOther
	}
	if b.seen == nil {
		b.seen = make(map[string]struct{})
	}
	b.seen[name] = struct{}{}
	return name
}
