package selector

import (
	"maps"
	"slices"
)

// Watcher collects the ids of auths that changed or went away. Until they are taken it keeps each id once, also of auths
// that have gone, so its memory is bounded by the number of ids that there were meanwhile.
type Watcher struct {
	pool   *Pool
	signal chan struct{}

	// Guarded by pool.mu: ids of auths, and domains of which all members changed. Those may be many.
	pending map[string]struct{}
	domains map[domainKey]struct{}
}

// Watch starts collecting. Close it.
func (p *Pool) Watch() *Watcher {
	w := &Watcher{pool: p, signal: make(chan struct{}, 1)}
	w.reset()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runtime.watchers[w] = struct{}{}
	return w
}

// Changed has a value when there is something to take.
func (w *Watcher) Changed() <-chan struct{} { return w.signal }

// Take returns what changed since it was last called, sorted, each id once.
func (w *Watcher) Take() []string {
	taken, members := w.reset()
	for _, m := range slices.Concat(members...) {
		taken[m.id] = struct{}{}
	}
	return slices.Sorted(maps.Keys(taken))
}

// reset begins anew, and returns what there was: ids, and the members of domains. They are the caller's alone.
func (w *Watcher) reset() (ids map[string]struct{}, members [][]*member) {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	ids, members = w.pending, make([][]*member, 0, len(w.domains))
	for key := range w.domains {
		members = append(members, w.pool.runtime.index.sharing(key))
	}
	w.pending, w.domains = make(map[string]struct{}), make(map[domainKey]struct{})
	return ids, members
}

// Close stops collecting.
func (w *Watcher) Close() {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	delete(w.pool.runtime.watchers, w)
}

// add notes that the auths of a subject changed.
func (w *Watcher) add(s *subject) {
	switch {
	case len(s.members) == 0:
		return
	case s.identity == nil:
		w.domains[s.domain] = struct{}{}
		w.notify()
		return
	}
	for _, m := range s.members {
		w.addID(m.id)
	}
}

func (w *Watcher) addID(id string) {
	w.pending[id] = struct{}{}
	w.notify()
}

func (w *Watcher) notify() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}
