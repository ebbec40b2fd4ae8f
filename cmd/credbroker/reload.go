package main

import (
	"context"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/sessions"
)

// configure puts changed settings into force. Cooldowns, bindings and rotations stay.
func (b *broker) configure(c *config.Config) {
	b.output.configure(c.Log)
	b.table.Configure(c.Sessions.TTL, c.Sessions.Max)
	b.pool.Configure(c.Settings())
	b.server.Configure(serverSettings(c))
}

func serverSettings(c *config.Config) server.Settings {
	s := server.Settings{Affinity: c.Sessions.Affinity, AccessLog: c.Log.Access, Rules: c.Rules}
	if c.Sessions.Identification == config.IdentificationReference {
		s.Recognition = sessions.RecognitionReference
	}
	for _, rule := range c.Sessions.Rules {
		s.Families = append(s.Families, server.Family{
			Provider: rule.Provider, Agents: policyOf(rule.Subagents), Chores: policyOf(rule.AuxiliaryRequests),
		})
	}
	s.Families = append(s.Families, server.Family{
		Agents: policyOf(c.Sessions.Subagents), Chores: policyOf(c.Sessions.AuxiliaryRequests),
	})
	return s
}

func policyOf(word string) server.Policy {
	switch word {
	case config.PolicyFollow:
		return server.PolicyFollow
	case config.PolicySpread:
		return server.PolicySpread
	}
	return server.PolicyDefault
}

// reloaded writes one line for a change that was seen, and one for each problem that came or went with it.
func (b *broker) reloaded(r config.Reload) {
	b.log.Info().Uint64(fieldGeneration, r.Generation).Int(fieldPut, r.Put).Int(fieldRemoved, r.Removed).
		Bool(fieldSettings, r.ConfigChanged).Int(fieldProblems, len(r.New)).Int(fieldSolved, len(r.Solved)).Msg(logReloaded)
	for _, p := range r.New {
		b.log.Warn().Str(fieldProblem, p.String()).Msg(logProblem)
	}
	for _, p := range r.Solved {
		b.log.Info().Str(fieldProblem, p.String()).Msg(logSolved)
	}
}

// reloadOnHangup looks at the configuration whenever SIGHUP arrives, until ctx is cancelled.
func (b *broker) reloadOnHangup(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.hangup:
			b.log.Info().Msg(logHangup)
			b.source.Reload()
		}
	}
}

// statusSource tells the server about the configuration.
type statusSource struct{ source *config.Source }

var _ server.StatusSource = statusSource{}

// ConfigStatus is part of server.StatusSource.
func (s statusSource) ConfigStatus() server.ConfigStatus {
	from := s.source.Status()
	to := server.ConfigStatus{
		Generation: int64(from.Generation), //nolint:gosec // a reload a nanosecond would take centuries to get there
		LoadedAt:   from.LoadedAt,
		Source:     from.Path,
	}
	for _, p := range from.Problems {
		to.Problems = append(to.Problems, p.String())
	}
	return to
}
