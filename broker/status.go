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
	// Bindings are there, and at most BindingsMax are kept.
	Bindings, BindingsMax int
	// Engines are where state is kept.
	Engines []state.Engine
	// Pool counts auths by provider and state.
	Pool []selector.PoolCount
}

// Status tells how the broker is doing.
func (b *Broker) Status(now time.Time) Status {
	return Status{
		Config: b.configured(), Bindings: b.table.Len(), BindingsMax: b.table.Max(), Engines: b.engines(), Pool: b.pool.Counts(now),
	}
}

// EngineMemory is the name of the engine where there is no other.
const EngineMemory = "memory"

func (b *Broker) engines() []state.Engine {
	if engines := b.persister.Engines(); len(engines) > 0 {
		return engines
	}
	return []state.Engine{{Name: EngineMemory}}
}

// Quotas are those of some auths, as their upstreams last showed them.
func (b *Broker) Quotas(limit int) []selector.Quotas { return b.pool.Quotas(limit) }
