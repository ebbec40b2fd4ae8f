package state

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// saveTimeout is how long a store may take to save a batch, and how long somebody waits for it at most.
	saveTimeout = 5 * time.Second
	// A save that failed is tried again after minPause, then after twice that, up to maxPause, and whenever somebody waits.
	minPause = 50 * time.Millisecond
	maxPause = 500 * time.Millisecond
	// recordsAtOnce and bindingsAtOnce are saved within saveTimeout, so that a store that is slow gets on all the same.
	recordsAtOnce  = 1024
	bindingsAtOnce = 4096
)

// errStuck is what is wrong while a store does not come back, as a disk that does not answer.
var errStuck = errors.New("saving takes more than 5 s")

// sequence is how far a saver has come: how many of the pool's changes it covers, and how many batches.
type sequence struct{ changes, batches uint64 }

func (m sequence) covers(o sequence) bool { return m.changes >= o.changes && m.batches >= o.batches }

// saver saves to one store. While one batch is being saved the next gathers, so that many share the cost of one.
type saver struct {
	store   Store
	onSaved func(batch Batch, took time.Duration, err error)
	health  health
	work    Notifier

	mu      sync.Mutex
	waiting queue
	queued  sequence // of all that was queued
	saved   sequence
	waiters []waiter
}

// waiter is somebody who waits until a sequence number is saved.
type waiter struct {
	until sequence
	done  chan error // has room for one
}

func newSaver(store Store) *saver {
	return &saver{store: store, work: NewNotifier(), waiting: newQueue()}
}

// add queues a batch that brings the store up to a number of the pool's changes.
func (s *saver) add(b Batch, changes uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.add(b)
	s.queued.changes = max(s.queued.changes, changes)
	s.queued.batches++
	s.work.Notify()
}

// lastQueued is the number of what was queued last.
func (s *saver) lastQueued() sequence {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queued
}

// pending is how many records and bindings wait.
func (s *saver) pending() (records, bindings int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting.records), len(s.waiting.bindings)
}

// wait returns once a sequence number is saved, with the error of the store if it could not be.
func (s *saver) wait(ctx context.Context, until sequence) error {
	s.mu.Lock()
	if s.saved.covers(until) {
		s.mu.Unlock()
		return nil
	}
	w := waiter{until: until, done: make(chan error, 1)}
	s.waiters = append(s.waiters, w)
	s.mu.Unlock()
	s.work.Notify()
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		s.removeWaiter(w)
		return ctx.Err()
	}
}

// removeWaiter removes one who waits no longer.
func (s *saver) removeWaiter(w waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.waiters {
		if s.waiters[i].done == w.done {
			s.waiters = append(s.waiters[:i], s.waiters[i+1:]...)
			return
		}
	}
}

// run saves what is queued until ctx ends.
func (s *saver) run(ctx context.Context) {
	pause := minPause
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.work:
		case <-again.C:
		}
		if err := s.save(ctx); err != nil {
			again.Reset(pause)
			pause = min(2*pause, maxPause)
			continue
		}
		pause = minPause
	}
}

// save saves all that waits, and tells those who wait for it.
func (s *saver) save(ctx context.Context) error {
	s.mu.Lock()
	rest, upTo := s.waiting.drain(), s.queued
	s.mu.Unlock()
	var passed error // by, for good
	for len(rest.Records)+len(rest.Bindings) > 0 {
		part, left := split(rest)
		err := s.savePart(ctx, part)
		if errors.Is(err, ErrPassedOver) {
			passed, err = err, nil
		}
		if err != nil {
			s.fail(rest, upTo, err)
			return err
		}
		rest = left
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved = upTo
	s.notifyWaiters(upTo, passed)
	return nil
}

// fail queues the rest again.
func (s *saver) fail(rest Batch, tried sequence, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.requeue(rest)
	s.notifyWaiters(tried, err)
}

func split(b Batch) (part, left Batch) {
	records, bindings := min(len(b.Records), recordsAtOnce), min(len(b.Bindings), bindingsAtOnce)
	return Batch{Records: b.Records[:records], Bindings: b.Bindings[:bindings]},
		Batch{Records: b.Records[records:], Bindings: b.Bindings[bindings:]}
}

// savePart saves what is saved at once, and notes how it went, unless the end of ctx cut it short.
func (s *saver) savePart(ctx context.Context, part Batch) error {
	limited, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	began := time.Now()
	noted := make(chan struct{})
	late := time.AfterFunc(saveTimeout, func() {
		s.health.set(partSave, errStuck)
		close(noted)
	})
	err := s.store.Save(limited, part)
	if !late.Stop() {
		<-noted
	}
	switch {
	case errors.Is(err, ErrPassedOver): // the store works
		s.onSaved(part, time.Since(began), nil)
	case err == nil || ctx.Err() == nil:
		s.onSaved(part, time.Since(began), err)
	}
	return err
}

// notifyWaiters tells those who wait for no more than was tried how it went.
func (s *saver) notifyWaiters(tried sequence, err error) {
	left := s.waiters[:0]
	for _, w := range s.waiters {
		if tried.covers(w.until) {
			w.done <- err
		} else {
			left = append(left, w)
		}
	}
	clear(s.waiters[len(left):])
	s.waiters = left
}
