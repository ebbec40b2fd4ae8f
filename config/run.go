package config

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"
)

// pace is how long changes are left alone.
type pace struct {
	// debounce is the time from the first event to the scan.
	debounce time.Duration
	// share is how many times as long as a scan took it is until the next one, at least.
	share int
	// again and last are the times until a broken file is read once more; after last it is refused.
	again, last time.Duration
	// rescan is the time between scans without an event, in case one was missed.
	rescan time.Duration
}

func usualPace() pace {
	return pace{debounce: 100 * time.Millisecond, share: 4, again: 200 * time.Millisecond, last: time.Second, rescan: 30 * time.Second}
}

// batch collects changes, and leaves them alone for a while.
type batch struct {
	changes changes
	timer   *time.Timer
	rest    time.Duration
}

func newBatch(rest time.Duration) *batch {
	b := &batch{timer: time.NewTimer(rest), rest: rest}
	b.timer.Stop()
	return b
}

func (b *batch) add(c changes) {
	if c.isEmpty() {
		return
	}
	if b.changes.isEmpty() {
		b.timer.Reset(b.rest)
	}
	b.changes.merge(c)
}

func (b *batch) take() changes {
	c := b.changes
	b.changes = changes{}
	return c
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
	var refresh sync.WaitGroup
	refresh.Go(func() { s.refreshSecrets(ctx) })
	s.follow(ctx, w)
	refresh.Wait()
	s.changing.Lock()
	s.watcher = nil
	s.changing.Unlock()
	return w.close()
}

func (s *Source) follow(ctx context.Context, w *watcher) {
	fresh, again, last := newBatch(s.pace.debounce), newBatch(s.pace.again), newBatch(s.pace.last)
	defer func() {
		for _, b := range []*batch{fresh, again, last} {
			b.timer.Stop()
		}
	}()
	rescan, trash := time.NewTicker(s.pace.rescan), time.NewTicker(trashRound)
	defer rescan.Stop()
	defer trash.Stop()
	s.sweepTrash()
	events, faults := w.events()
	// What changed before anything was watched.
	again.add(s.rescan(changes{}, tentative))
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-events:
			if name := filepath.Clean(event.Name); s.concerns(name) {
				fresh.add(changes{paths: map[string]bool{name: true}})
			}
		case err := <-faults:
			if err != nil { // events are missing, whatever the fault is
				fresh.add(changes{paths: map[string]bool{"": true}})
			}
		case <-fresh.timer.C:
			began := time.Now()
			again.add(s.rescan(fresh.take(), tentative))
			// Where a scan takes long, because there are very many files, it must not go on all the time.
			fresh.rest = max(s.pace.debounce, time.Duration(s.pace.share)*time.Since(began))
		case <-again.timer.C:
			last.add(s.rescan(again.take(), tentative))
		case <-last.timer.C:
			again.add(s.rescan(last.take(), final))
		case <-trash.C:
			s.sweepTrash()
		case <-rescan.C:
			again.add(s.rescan(changes{}, tentative))
		}
	}
}

// Reload reads every file now, also at those that seem unchanged, and refuses what is broken at once.
func (s *Source) Reload() { s.rescan(changes{all: true}, final) }
