package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watcher watches folders. Without the system's help it does nothing, and changes are found by scans.
type watcher struct {
	notify  *fsnotify.Watcher // nil: the system has none to give
	watched map[string]bool   // folders
	faults  map[string]Problem
	every   time.Duration
}

// eventBuffer is how many events wait while a change is taken over.
const eventBuffer = 4096

func newWatcher(every time.Duration) *watcher {
	w := &watcher{watched: make(map[string]bool), faults: make(map[string]Problem), every: every}
	notify, err := fsnotify.NewBufferedWatcher(eventBuffer)
	if err != nil {
		w.fault("", err)
		return w
	}
	w.notify = notify
	return w
}

func (w *watcher) fault(dir string, err error) {
	w.faults[dir] = Problem{File: dir, Message: fmt.Sprintf("cannot be watched, so changes are seen every %s only: %s", w.every, err)}
}

// watch watches a folder. The path may be watched already, also when it has come to mean another folder.
func (w *watcher) watch(dir string) {
	if w.notify == nil {
		return
	}
	delete(w.faults, dir)
	w.watched[dir] = true
	if err := w.notify.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.fault(dir, err)
	}
}

// retain ends the watching of all other folders, and tells whether there were some.
func (w *watcher) retain(dirs map[string]bool) (ended bool) {
	for dir := range w.watched {
		if !dirs[dir] {
			delete(w.watched, dir)
			delete(w.faults, dir)
			_ = w.notify.Remove(dir) // it may be gone already
			ended = true
		}
	}
	return ended
}

func (w *watcher) problems() Problems {
	list := make(Problems, 0, len(w.faults))
	for _, p := range w.faults {
		list = append(list, p)
	}
	return list
}

func (w *watcher) close() error {
	if w.notify == nil {
		return nil
	}
	return w.notify.Close()
}

// events are nil without the system's help.
func (w *watcher) events() (<-chan fsnotify.Event, <-chan error) {
	if w.notify == nil {
		return nil, nil
	}
	return w.notify.Events, w.notify.Errors
}

// watching is what one scan found worth watching.
type watching struct {
	watcher *watcher        // nil: nobody does
	dirs    map[string]bool // folders to watch
	paths   map[string]bool // outside of auth folders, those that matter in them
}

func newWatching(w *watcher) *watching {
	return &watching{watcher: w, dirs: make(map[string]bool), paths: make(map[string]bool)}
}

// watch begins before anything is read, so that no change after that is missed.
func (w *watching) watch(dir string) {
	if w.dirs[dir] {
		return
	}
	w.dirs[dir] = true
	if w.watcher != nil {
		w.watcher.watch(dir)
	}
}

// follow watches all that leads to a path, and returns it.
func (w *watching) follow(path string) []string {
	chain := linkChain(path)
	for _, link := range chain {
		w.paths[link] = true
		w.watch(filepath.Dir(link))
	}
	return chain
}
