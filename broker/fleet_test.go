package broker_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state/statetest"
)

// fleetOf are running brokers of one fleet, each with the same five auths. Their clock begins at noon.
func fleetOf(t *testing.T, size int) []*broker.Broker {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	memory, began := &statetest.Memory{}, time.Now()
	fleet := make([]*broker.Broker, size)
	for i := range fleet {
		b := broker.New(broker.Config{
			Settings: broker.Settings{Affinity: true}, Fleet: memory.Replica(), Seed: uint64(i) << 8,
			Clock: func() time.Time { return noon.Add(time.Since(began)) },
		})
		var auths []*selector.Auth
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			auths = append(auths, &selector.Auth{ID: id, Provider: "openai", Dialect: "openai", Kind: selector.KindAPIKey})
		}
		b.Update(auths, nil, noon)
		if _, _, err := b.Load(ctx); err != nil {
			t.Fatal(err)
		}
		running.Go(func() { b.Run(ctx) })
		fleet[i] = b
	}
	synctest.Wait()
	return fleet
}

// A conversation with encrypted reasoning goes on at another broker, under another model, where it began, and stays there.
func TestReasoningGoesOnAtAnotherBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fleet := fleetOf(t, 2)
		for n := range 10 {
			of := func(body string) string { return strings.ReplaceAll(body, `"a"`, fmt.Sprintf(`"a %d"`, n)) }
			first := askFor(t, fleet[n%2], "m", "", of(asked))
			tell(t, fleet[n%2], first, answered)
			for i, model := range []string{"another", "another", "a third", "m"} {
				time.Sleep(time.Second) // bindings are written behind
				got := askFor(t, fleet[(n+1+i)%2], model, "", of(reasoned))
				if got.Auth.ID != first.Auth.ID || got.Binding == selector.BindingNew {
					t.Errorf("conversation %d, switch %d: %s by %d, want %s", n, i+1, got.Auth.ID, got.Binding, first.Auth.ID)
				}
			}
		}
	})
}
