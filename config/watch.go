package config

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watcher watches folders. Without the system's help it does nothing, and changes are found by looking.
type watcher struct {
	notify *fsnotify.Watcher // nil: the system has none to give
	faults map[string]Problem
	every  time.Duration
}

// eventBuffer is how many events wait while a change is taken over.
const eventBuffer = 4096

func newWatcher(every time.Duration) *watcher {
	w := &watcher{faults: make(map[string]Problem), every: every}
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

// enter watches a folder. The path may be watched already, also when it has come to mean another folder.
func (w *watcher) enter(dir string) {
	if w.notify == nil {
		return
	}
	delete(w.faults, dir)
	if err := w.notify.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.fault(dir, err)
	}
}

func (w *watcher) leave(dir string) {
	delete(w.faults, dir)
	if w.notify != nil {
		_ = w.notify.Remove(dir) // it may be gone already
	}
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
