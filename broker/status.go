package broker

import (
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state"
)

// ConfigStatus is the configuration in force.
type ConfigStatus struct {
	// Generation counts the configurations in force since the start, from 1.
	Generation int64
	// LoadedAt is when the present one came into force.
	LoadedAt time.Time
	// Source is where it was read from; empty: defaults.
	Source string
	// Problems are why parts of the newest configuration are not in force; none: all of it is.
	Problems []string
}

// Status is how a broker is doing.
type Status struct {
	Config ConfigStatus
	// Bindings are there now, and BindingsMax at most.
	Bindings, BindingsMax int
	// Engines are where state is stored.
	Engines []state.Engine
	// Pool counts auths by provider and state.
	Pool []selector.PoolCount
}

// Status returns how the broker is doing, as far as that concerns the caller.
func (b *Broker) Status(by Caller, now time.Time) Status {
	s := Status{
		Config: b.configured(), Bindings: b.table.Len(), BindingsMax: b.table.Max(), Engines: b.Engines(), Pool: b.pool.Counts(by.Allow, now),
	}
	if by.Allow != nil {
		s.Config.Problems = nil // they name auths
	}
	if !by.seesSessions() {
		s.Bindings, _ = b.table.CountOf(by.Name, 0)
	}
	return s
}

// engineMemory is the name of the engine where there is no other.
const engineMemory = "memory"

// Engines are where state is stored. Asking costs next to nothing, unlike Status, which counts the pool.
func (b *Broker) Engines() []state.Engine {
	if engines := b.persister.Engines(); len(engines) > 0 {
		return engines
	}
	return []state.Engine{{Name: engineMemory}}
}

// Quotas are those of some auths, as their upstreams last showed them.
func (b *Broker) Quotas(limit int) []selector.Quotas { return b.pool.Quotas(limit) }
