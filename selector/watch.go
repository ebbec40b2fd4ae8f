package selector

import (
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/feed"
)

// What a Watcher returns at a time: so many auths, less where they have many blocks; and at how many ids it looks for them.
const (
	watchedAtOnce = 32
	blocksAtOnce  = 256
	changesAtOnce = 256
)

// Watcher follows auths that change or go away. All watchers of a pool share what changed, each id once, until the slowest of
// them has taken it; a watcher has a few words of its own, and a bit for each auth that it returned.
type Watcher struct {
	pool   *Pool
	reader *feed.Reader[domainKey]
	// rest are the auths of a limit domain that are still to be looked at. Those may be many.
	rest []*member
}

// Watch begins with nothing that changed. Close it.
func (p *Pool) Watch() *Watcher {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &Watcher{pool: p, reader: p.runtime.feed.Read()}
}

// Changed has a value when there is something for Next after it had returned all.
func (w *Watcher) Changed() <-chan struct{} { return w.reader.Changed() }

// Snapshot returns the first auths that f selects by its list and provider, sorted by id after f.After, as they are now; none: there are no
// more.
func (w *Watcher) Snapshot(f Filter, now time.Time) (page []Status) {
	f.Provider = w.pool.Provider(f.Provider)
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	all := w.pool.runtime.index.selected(&f)
	first, found := slices.BinarySearchFunc(all, f.After, (*member).compareID)
	if found {
		first++
	}
	for blocks := 0; first < len(all) && len(page) < watchedAtOnce && blocks < blocksAtOnce; first++ {
		page = append(page, w.status(all[first], now))
		blocks += len(page[len(page)-1].Blocks)
	}
	return page
}

// Next returns what changed: auths that f selects by its list and provider, as they are now, and the ids of auths that were returned
// before and that f does not select any more. More: that was not all.
func (w *Watcher) Next(f Filter, now time.Time) (page []Status, gone []string, more bool) {
	f.Provider = w.pool.Provider(f.Provider)
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	all := w.pool.runtime.index.selected(&f)
	blocks := 0
	for range changesAtOnce {
		id, ok := w.next()
		if !ok {
			return page, gone, false
		}
		if i, found := slices.BinarySearchFunc(all, id, (*member).compareID); found {
			page = append(page, w.status(all[i], now))
			blocks += len(page[len(page)-1].Blocks)
		} else if w.reader.Forget(id) {
			gone = append(gone, id)
		}
		if len(page)+len(gone) >= watchedAtOnce || blocks >= blocksAtOnce {
			break
		}
	}
	return page, gone, true
}

// next is the id of an auth that changed.
func (w *Watcher) next() (id string, ok bool) {
	for {
		if len(w.rest) > 0 {
			id, w.rest = w.rest[0].id, w.rest[1:]
			return id, true
		}
		id, domain, ok := w.reader.Next()
		if !ok || id != "" {
			return id, ok
		}
		w.rest = w.pool.runtime.index.sharing(domain)
	}
}

func (w *Watcher) status(m *member, now time.Time) Status {
	w.reader.Learn(m.id)
	return m.status("", cooldown.InstantOf(now))
}

// Close ends watching.
func (w *Watcher) Close() {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	w.reader.Close()
	w.rest = nil
}

// tellWatchers that the auths of a subject changed.
func (rt *runtimeState) tellWatchers(s *subject) {
	switch {
	case len(s.members) == 0:
	case s.identity == nil:
		rt.feed.ChangeGroup(s.domain)
	default:
		for _, m := range s.members {
			rt.feed.Change(m.id)
		}
	}
}

// selected are the members that a filter selects by its list and provider, sorted by id.
func (x *index) selected(f *Filter) []*member {
	part := x.part(f.Allow)
	if part == nil {
		return nil
	}
	if f.Provider == "" {
		return part.members
	}
	if p := part.providers[f.Provider]; p != nil {
		return p.members
	}
	return nil
}

func (m *member) compareID(id string) int { return strings.Compare(m.id, id) }
