package main

import (
	"context"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/selector/allow"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/sessions"
)

// configure puts changed settings into force.
func (d *daemon) configure(c *config.Config) {
	d.output.configure(c.Log)
	d.broker.Configure(brokerSettings(c))
	d.server.Configure(serverSettings(c))
	d.renewCertificates(&c.Listen)
}

func serverSettings(c *config.Config) server.Settings {
	return server.Settings{AccessLog: c.Log.Access, Callers: c.Policy()}
}

func brokerSettings(c *config.Config) broker.Settings {
	s := broker.Settings{
		Selection: c.Settings(), SessionTTL: c.Sessions.TTL, MaxSessions: c.Sessions.Max, Affinity: c.Sessions.Affinity, Rules: c.Rules,
		MaxAttempts: c.Selection.MaxAttempts,
	}
	for i := range c.Callers {
		s.Callers = append(s.Callers, brokerCaller(&c.Callers[i]))
	}
	if c.Sessions.Identification == config.IdentificationReference {
		s.Identification = sessions.IdentificationReference
	}
	for _, rule := range c.Sessions.Rules {
		s.Roles = append(s.Roles, broker.RolePolicy{
			Provider: rule.Provider, Subagents: policyOf(rule.Subagents), Auxiliary: policyOf(rule.AuxiliaryRequests),
		})
	}
	s.Roles = append(s.Roles, broker.RolePolicy{
		Subagents: policyOf(c.Sessions.Subagents), Auxiliary: policyOf(c.Sessions.AuxiliaryRequests),
	})
	return s
}

// brokerCaller is a caller as the core knows it.
func brokerCaller(c *access.Caller) broker.Caller {
	rules := make([]allow.Rule, len(c.Allow))
	for i, rule := range c.Allow {
		rules[i] = allow.Rule(rule)
	}
	return broker.Caller{Name: c.Name, Allow: allow.New(rules), Operate: c.Roles.Has(access.Operate)}
}

func policyOf(name string) broker.Policy {
	switch name {
	case config.PolicyFollow:
		return broker.PolicyFollow
	case config.PolicySpread:
		return broker.PolicySpread
	}
	return broker.PolicyDefault
}

// reloaded writes one line for a change that was seen, and one for each problem that came or went with it.
func (d *daemon) reloaded(r config.Reload) {
	d.log.Info().Uint64(fieldGeneration, r.Generation).Int(fieldPut, r.Put).Int(fieldRemoved, r.Removed).
		Bool(fieldSettings, r.ConfigChanged).Int(fieldProblems, len(r.New)).Int(fieldSolved, len(r.Solved)).Msg(logReloaded)
	d.auditReload(&r)
	for _, p := range r.New {
		d.log.Warn().Str(fieldProblem, p.String()).Msg(logProblem)
	}
	for _, p := range r.Warnings {
		d.log.Warn().Str(fieldWarning, p.String()).Msg(logWarning)
	}
	for _, p := range r.Solved {
		d.log.Info().Str(fieldProblem, p.String()).Msg(logSolved)
	}
}

// reloadOnHangup looks at the configuration whenever SIGHUP arrives, until ctx is cancelled.
func (d *daemon) reloadOnHangup(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.hangup:
			d.log.Info().Msg(logHangup)
			d.source.Reload()
		}
	}
}

// configured is the configuration in force, for the broker.
func (d *daemon) configured() broker.ConfigStatus {
	from := d.source.Status()
	to := broker.ConfigStatus{
		Generation: int64(from.Generation), //nolint:gosec // a reload a nanosecond would take centuries to get there
		LoadedAt:   from.LoadedAt,
		Source:     from.Path,
	}
	for _, p := range from.Problems {
		to.Problems = append(to.Problems, p.String())
	}
	return to
}
