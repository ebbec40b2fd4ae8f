package audit

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxWaiting is how many entries wait at most, those included whose calls are still running.
	maxWaiting = 16 << 10
	// batchDelay is how long an entry waits for others, so that many share one sync.
	batchDelay = 10 * time.Millisecond
	// retryDelay is the time between attempts where the disk fails.
	retryDelay = time.Second
	// chunk is how much is written at once, in bytes.
	chunk = 256 << 10
)

// ErrFull is for who asks for a Slot when the file cannot be written, or not as quickly as entries come.
var ErrFull = errors.New("the audit log cannot be written")

// Config is what a Log is made of.
type Config struct {
	// Path of the file. Rotated ones have the number of their first line behind it.
	Path string
	// MaxSize of a file in bytes; a line more may be in it.
	MaxSize int64
	// Keep is how many rotated files are kept; 0: all.
	Keep int
	// Key of the hashes; empty: none.
	Key []byte
	// Drop entries rather than refuse what they are about when the file cannot be written.
	Drop bool
	// Health is told when the file cannot be written any more, and nil when it can again. It must not use the Log.
	Health func(err error)
	// Note is told what others do to the file.
	Note func(what string)
}

// Log is an audit log that is being written.
type Log struct {
	conf Config

	mu      sync.Mutex
	waiting []Entry
	taken   int   // slots: reserved, waiting, or being written
	dropped int64 // since the last gap
	gapAt   time.Time

	// Of the goroutine that writes.
	file    *file
	chain   chain
	pending []Entry
	broken  bool

	written, lost atomic.Int64
	failing       atomic.Bool

	wake    chan struct{}
	stop    sync.Once
	stopped chan struct{}
	done    chan struct{}
}

// Open goes on with the file, or begins one. Close it: it has a goroutine.
//
// It fails if the last line was not made with the key: who gives a new key moves the files away.
func Open(c Config) (*Log, error) {
	if c.Health == nil {
		c.Health = func(error) {}
	}
	if c.Note == nil {
		c.Note = func(string) {}
	}
	l := &Log{
		conf: c, chain: newChain(c.Key),
		wake: make(chan struct{}, 1), stopped: make(chan struct{}), done: make(chan struct{}),
	}
	var err error
	if l.file, err = openFile(&l.conf, &l.chain); err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	go l.run()
	return l, nil
}

// Reserve takes the room that an entry needs, before what it is about is done. The error is ErrFull. Free the Slot in any case.
func (l *Log) Reserve() (Slot, error) {
	if l == nil || l.conf.Drop {
		return Slot{log: l}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken >= maxWaiting {
		return Slot{}, ErrFull
	}
	l.taken++
	return Slot{log: l, reserved: true}, nil
}

// Slot is room for one entry.
type Slot struct {
	log      *Log
	reserved bool
}

// Write writes the entry that the room was reserved for.
func (s *Slot) Write(e *Entry) {
	if s.log == nil {
		return
	}
	s.log.add(e, s.reserved)
	s.reserved = false
}

// Free gives the room back, unless something was written.
func (s *Slot) Free() {
	if !s.reserved {
		return
	}
	s.reserved = false
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.taken--
}

// Write writes an entry that no room was reserved for: without room it is dropped and counted.
func (l *Log) Write(e *Entry) {
	if l != nil {
		l.add(e, false)
	}
}

func (l *Log) add(e *Entry, reserved bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !reserved {
		if l.taken >= maxWaiting {
			l.dropped++
			l.gapAt = e.Time
			l.lost.Add(1)
			return
		}
		l.taken++
	}
	l.waiting = append(l.waiting, *e)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Stats are what a Log has done since it was opened.
type Stats struct {
	// Written and Dropped entries.
	Written, Dropped int64
	// Failing: the file cannot be written.
	Failing bool
}

// Stats may be asked for at any time; those of a nil Log are zero.
func (l *Log) Stats() Stats {
	if l == nil {
		return Stats{}
	}
	return Stats{l.written.Load(), l.lost.Load(), l.failing.Load()}
}

// Close writes what waits, and ends. Nothing may be written afterwards. The error says what was lost.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	l.stop.Do(func() { close(l.stopped) })
	<-l.done
	err := l.file.close()
	if n := len(l.pending); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d entries of the audit log are lost", n))
	}
	return err
}

func (l *Log) run() {
	defer close(l.done)
	delay := time.NewTimer(batchDelay)
	delay.Stop()
	defer delay.Stop()
	for {
		select {
		case <-l.wake:
		case <-l.stopped:
			l.flush()
			return
		}
		rest := batchDelay
		if l.broken {
			rest = retryDelay
		}
		delay.Reset(rest)
		select {
		case <-delay.C:
		case <-l.stopped:
			l.flush()
			return
		}
		l.flush()
	}
}

// flush writes and syncs what waits. What cannot be written waits on, and wakes the loop again.
func (l *Log) flush() {
	l.take()
	err := l.write()
	if err == nil {
		err = l.file.sync()
	}
	if failing := err != nil; failing != l.broken {
		l.broken = failing
		l.failing.Store(failing)
		l.conf.Health(err)
	}
	if len(l.pending) > 0 {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// take moves what waits to what is pending, and says where something is missing.
func (l *Log) take() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) == 0 {
		l.pending, l.waiting = l.waiting, l.pending[:0]
	} else {
		l.pending, l.waiting = append(l.pending, l.waiting...), l.waiting[:0]
	}
	if l.dropped == 0 {
		return
	}
	if n := len(l.pending); n == 0 || l.pending[n-1].Action != ActionGap {
		l.pending = append(l.pending, Entry{Action: ActionGap})
		l.taken++
	}
	gap := &l.pending[len(l.pending)-1]
	gap.Time = l.gapAt
	gap.Dropped += l.dropped
	l.dropped = 0
}

// write writes what is pending, in parts that end where a file is full.
func (l *Log) write() error {
	var text []byte
	written := 0
	defer func() {
		n := copy(l.pending, l.pending[written:])
		clear(l.pending[n:]) // lets go of their texts
		l.pending = l.pending[:n]
	}()
	for written < len(l.pending) {
		room, err := l.file.room(l.chain.last + 1)
		if err != nil {
			return err
		}
		next, n := l.chain, 0
		text = text[:0]
		for written+n < len(l.pending) && int64(len(text)) < min(room, chunk) {
			if text, err = next.append(text, &l.pending[written+n]); err != nil {
				return err
			}
			n++
		}
		if err := l.file.write(text); err != nil {
			return err
		}
		l.chain = next
		written += n
		l.written.Add(int64(n))
		l.free(n)
	}
	return nil
}

func (l *Log) free(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken -= n
}
