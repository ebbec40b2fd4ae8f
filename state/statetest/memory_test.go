package statetest_test

import (
	"testing"

	"github.com/credbroker/credbroker/state/statetest"
)

func factory(*testing.T) func(t *testing.T) *statetest.Replica {
	m := &statetest.Memory{}
	return func(*testing.T) *statetest.Replica { return m.Replica() }
}

func TestMemoryIsAStore(t *testing.T) { statetest.Store(t, factory) }

func TestMemoryIsAFleet(t *testing.T) { statetest.Fleet(t, factory) }
