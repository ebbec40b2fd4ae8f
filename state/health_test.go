package state

import (
	"errors"
	"sync"
	"testing"
	"time"
)

// What is reported last is how it is, also where one change overtakes another.
func TestHealthChangesAreReportedInOrder(t *testing.T) {
	t.Parallel() // it waits
	var (
		mu     sync.Mutex
		last   error
		began  = make(chan struct{})
		mended = make(chan struct{})
	)
	h := &health{onChange: func(_ string, err error) {
		if err != nil {
			close(began)
			select {
			case <-mended:
			case <-time.After(50 * time.Millisecond):
			}
		}
		mu.Lock()
		defer mu.Unlock()
		last = err
	}}
	var both sync.WaitGroup
	both.Go(func() { h.set(partSave, errors.New("broken")) })
	both.Go(func() {
		<-began
		h.set(partSave, nil)
		h.mu.Lock()
		h.since = time.Now().Add(-calm)
		h.mu.Unlock()
		h.reportRecovery()
		close(mended)
	})
	both.Wait()
	if failure := h.failure(); last != nil || failure != nil {
		t.Errorf("reported last: %v, while the failure is %v", last, failure)
	}
}
