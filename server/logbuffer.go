package server

import (
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// logDelay is how long a line waits for others at most.
	logDelay = 50 * time.Millisecond
	// logBatch is how many bytes wait at most before whoever writes has to wait instead.
	logBatch = 64 << 10
)

var _ zerolog.LevelWriter = (*LogBuffer)(nil)

// LogBuffer writes the lines of a log in batches: a system call for each line costs more than the rest of a pick. Lines
// keep their order and come at most 50 ms late; errors come at once. Memory is bounded: where the output is slow, those
// who log wait for it. A process that is killed loses the lines of the last 50 ms.
type LogBuffer struct {
	out io.Writer

	mu    sync.Mutex
	lines []byte
	wake  chan struct{} // has a value when lines has its first bytes

	writing sync.Mutex // held while out is written to; taken before mu
	spare   []byte     // guarded by writing

	stop    sync.Once
	stopped chan struct{}
	done    chan struct{}
}

// NewLogBuffer writes to out until Close, and alone: out need not be safe for concurrent use.
func NewLogBuffer(out io.Writer) *LogBuffer {
	b := &LogBuffer{
		out: out, wake: make(chan struct{}, 1), stopped: make(chan struct{}), done: make(chan struct{}),
	}
	go b.run()
	return b
}

func (b *LogBuffer) run() {
	defer close(b.done)
	delay := time.NewTimer(logDelay)
	defer delay.Stop()
	for {
		select {
		case <-b.wake:
		case <-b.stopped:
			return
		}
		delay.Reset(logDelay)
		select {
		case <-delay.C:
		case <-b.stopped:
			return
		}
		// Nobody is left to tell about a failure.
		_ = b.Flush()
	}
}

// Write takes one or more whole lines. An error is that of an earlier line as well as of this one.
func (b *LogBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	first := len(b.lines) == 0
	b.lines = append(b.lines, line...)
	full := len(b.lines) >= logBatch
	b.mu.Unlock()
	switch {
	case full:
		return len(line), b.Flush()
	case first:
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}

// WriteLevel does not let errors wait.
func (b *LogBuffer) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	n, err := b.Write(line)
	if err == nil && level >= zerolog.ErrorLevel {
		err = b.Flush()
	}
	return n, err
}

// Flush writes what is waiting and returns when it is written.
func (b *LogBuffer) Flush() error {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	batch := b.lines
	b.lines = b.spare[:0]
	b.mu.Unlock()
	b.spare = batch
	if len(batch) == 0 {
		return nil
	}
	_, err := b.out.Write(batch)
	return err
}

// Close writes what is waiting and ends the waiting: lines that come later are still taken, and need a Flush.
func (b *LogBuffer) Close() error {
	b.stop.Do(func() { close(b.stopped) })
	<-b.done
	return b.Flush()
}
