package broker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
)

func TestUpkeepRemovesWhatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := broker.New(broker.Config{Settings: broker.Settings{Affinity: true, SessionTTL: time.Minute}})
		b.Update([]*selector.Auth{{ID: "a", Provider: "p"}}, nil, time.Now())
		bind(t, b, "s")
		if _, err := b.Cooldown(t.Context(), broker.Caller{}, &broker.CooldownOrder{AuthID: "a", Cooldown: selector.Cooldown{Until: time.Now().Add(90 * time.Second)}}, time.Now()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.Run(ctx)
		}()
		var events atomic.Int64
		go func() {
			_ = b.Watch(ctx, broker.Caller{}, "", func(broker.Event) error {
				events.Add(1)
				return nil
			})
		}()
		time.Sleep(time.Minute - 1)
		synctest.Wait()
		if n := b.Status(broker.Caller{}, time.Now()).Bindings; n != 1 {
			t.Errorf("bindings just before their end = %d, want 1", n)
		}
		snapshot := events.Load()
		time.Sleep(time.Second + 1)
		synctest.Wait()
		if n := b.Status(broker.Caller{}, time.Now()).Bindings; n != 0 {
			t.Errorf("bindings after their end = %d, want 0", n)
		}
		if changed := events.Load() - snapshot; changed != 0 {
			t.Errorf("%d auths changed before the cooldown ended", changed)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if changed := events.Load() - snapshot; changed != 1 {
			t.Errorf("%d auths changed after the cooldown ended, want 1", changed)
		}
		cancel()
		<-done
	})
}
