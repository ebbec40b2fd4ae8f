package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// Only a message that nobody reads ends a watch, however long the watch has nothing to say.
func TestWatchEndsOnceAMessageWaitsForItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{config: Config{Limits: Limits{}.orDefault()}}
		read := make(chan struct{})
		w := watching{
			send:    func(*credbrokerv1.WatchAuthsResponse) error { <-read; return nil },
			message: func(broker.Event) *credbrokerv1.WatchAuthsResponse { return nil },
		}
		start, unread := time.Now(), time.Duration(0)
		err := w.run(t.Context(), s, func() error {
			for range 10 {
				time.Sleep(time.Hour)
				waits := time.AfterFunc(29*time.Second, func() { read <- struct{}{} })
				_ = w.event(broker.Event{})
				waits.Stop()
			}
			unread = time.Since(start)
			return w.event(broker.Event{})
		})
		waited := time.Since(start) - unread
		if !errors.Is(err, errUnreadWatch) || waited < 30*time.Second || waited > 38*time.Second {
			t.Errorf("run = %v after a message waited for %s, want the end after 30 s and at most a fourth more", err, waited)
		}
		close(read)
		s.senders.Wait()
	})
}

func TestWatchEndsWithItsCallThoughAMessageWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{config: Config{Limits: Limits{}.orDefault()}}
		read := make(chan struct{})
		w := watching{
			send:    func(*credbrokerv1.WatchAuthsResponse) error { <-read; return nil },
			message: func(broker.Event) *credbrokerv1.WatchAuthsResponse { return nil },
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.run(ctx, s, func() error { return w.event(broker.Event{}) }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("run = %v, want the end of the call", err)
		}
		close(read)
		s.senders.Wait()
	})
}
