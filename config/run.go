package config

import (
	"context"
	"errors"
	"time"
)

// pace is how long changes are left alone. The zero value is usualPace.
type pace struct {
	// settle is the time from the first event to the look at what it touched.
	settle time.Duration
	// again and last are the times until a broken file is read once more; after last it is refused.
	again, last time.Duration
	// rescan is the time between looks at everything, in case an event was missed.
	rescan time.Duration
}

func usualPace() pace {
	return pace{settle: 100 * time.Millisecond, again: 200 * time.Millisecond, last: time.Second, rescan: 30 * time.Second}
}

// batch collects what was touched, and lets it rest.
type batch struct {
	touched touched
	timer   *time.Timer
	rest    time.Duration
}

func newBatch(rest time.Duration) *batch {
	b := &batch{timer: time.NewTimer(rest), rest: rest}
	b.timer.Stop()
	return b
}

func (b *batch) add(t touched) {
	if t.isEmpty() {
		return
	}
	if b.touched.isEmpty() {
		b.timer.Reset(b.rest)
	}
	b.touched.merge(t)
}

func (b *batch) take() touched {
	t := b.touched
	b.touched = touched{}
	return t
}

// Run takes over changes of files until ctx is cancelled. Only one Run may run.
func (s *Source) Run(ctx context.Context) error {
	w := newWatcher(s.pace.rescan)
	s.changing.Lock()
	if s.watcher != nil {
		s.changing.Unlock()
		return errors.Join(errors.New("run the source: it runs already"), w.close())
	}
	s.watcher = w
	s.changing.Unlock()
	s.follow(ctx, w)
	s.changing.Lock()
	s.watcher = nil
	s.changing.Unlock()
	return w.close()
}

func (s *Source) follow(ctx context.Context, w *watcher) {
	changes, again, last := newBatch(s.pace.settle), newBatch(s.pace.again), newBatch(s.pace.last)
	defer func() {
		for _, b := range []*batch{changes, again, last} {
			b.timer.Stop()
		}
	}()
	rescan := time.NewTicker(s.pace.rescan)
	defer rescan.Stop()
	events, faults := w.events()
	// What changed before anything was watched.
	again.add(s.apply(touched{everything: true, config: true}, tentative))
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-events:
			changes.add(s.locate(event.Name))
		case err := <-faults:
			// Events are missing, whatever the fault is.
			changes.add(touched{everything: err != nil})
		case <-changes.timer.C:
			again.add(s.apply(changes.take(), tentative))
		case <-again.timer.C:
			last.add(s.apply(again.take(), tentative))
		case <-last.timer.C:
			s.apply(last.take(), final)
		case <-rescan.C:
			again.add(s.apply(touched{everything: true}, tentative))
		}
	}
}

// Reload looks at every file now, also at those that seem unchanged, and refuses what is broken at once.
func (s *Source) Reload() { s.apply(touched{everything: true, unchanged: true, config: true}, final) }
