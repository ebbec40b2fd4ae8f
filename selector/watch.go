package selector

import (
	"maps"
	"slices"
)

// Watcher collects the ids of auths that changed or went away. Until they are taken it keeps each id once, also of auths
// that have gone, so its memory is bounded by the number of ids that there were meanwhile.
type Watcher struct {
	pool    *Pool
	pending map[string]struct{} // guarded by pool.mu
	signal  chan struct{}
}

// Watch starts collecting. Close it.
func (p *Pool) Watch() *Watcher {
	w := &Watcher{pool: p, pending: make(map[string]struct{}), signal: make(chan struct{}, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runtime.watchers[w] = struct{}{}
	return w
}

// Changed has a value when there is something to take.
func (w *Watcher) Changed() <-chan struct{} { return w.signal }

// Take returns what changed since it was last called, sorted, each id once.
func (w *Watcher) Take() []string {
	w.pool.mu.Lock()
	taken := w.pending
	if len(taken) > 0 {
		w.pending = make(map[string]struct{})
	}
	w.pool.mu.Unlock()
	return slices.Sorted(maps.Keys(taken))
}

// Close stops collecting.
func (w *Watcher) Close() {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	delete(w.pool.runtime.watchers, w)
}

func (w *Watcher) add(id string) {
	w.pending[id] = struct{}{}
	select {
	case w.signal <- struct{}{}:
	default:
	}
}
