package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// lockedWriter can be read while it is written to, and counts the writes.
type lockedWriter struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	return w.text.Write(p)
}

func (w *lockedWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func TestLogBufferWritesInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedWriter
		b := NewLogBuffer(&out)
		for i := range 3 {
			fmt.Fprintln(b, i)
		}
		time.Sleep(logDelay - time.Nanosecond)
		if got := out.String(); got != "" {
			t.Errorf("before the delay: %q, want nothing", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := out.String(); got != "0\n1\n2\n" || out.writes != 1 {
			t.Errorf("after the delay: %q in %d writes, want three lines in one", got, out.writes)
		}
		fmt.Fprintln(b, 3)
		time.Sleep(logDelay)
		synctest.Wait()
		fmt.Fprintln(b, 4)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != "0\n1\n2\n3\n4\n" {
			t.Errorf("after Close: %q, want every line", got)
		}
	})
}

func TestLogBufferDoesNotLetErrorsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedWriter
		b := NewLogBuffer(&out)
		defer b.Close()
		log := zerolog.New(b)
		log.Info().Msg("one")
		log.Error().Msg("two")
		if got := out.String(); !strings.Contains(got, "one") || !strings.Contains(got, "two") {
			t.Errorf("after an error: %q, want both lines", got)
		}
	})
}

func TestLogBufferIsBounded(t *testing.T) {
	r, w := io.Pipe() // a writer that waits for its reader
	b := NewLogBuffer(w)
	line := []byte(strings.Repeat("x", 1023) + "\n")
	const lines = 1000
	var wg sync.WaitGroup
	wg.Go(func() {
		for range lines {
			if _, err := b.Write(line); err != nil {
				t.Error(err)
			}
		}
		b.Close()
		w.Close()
	})
	got := 0
	chunk := make([]byte, 1<<20)
	for {
		n, err := r.Read(chunk)
		got += n
		if n > logBatch {
			t.Errorf("a batch of %d bytes, want at most %d", n, logBatch)
		}
		if errors.Is(err, io.EOF) {
			break
		}
	}
	wg.Wait()
	if got != lines*len(line) {
		t.Errorf("%d bytes, want %d", got, lines*len(line))
	}
}

func TestLogBufferTellsOfFailures(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	b := NewLogBuffer(w)
	if _, err := b.WriteLevel(zerolog.ErrorLevel, []byte("line\n")); err == nil {
		t.Error("WriteLevel to a broken output succeeds")
	}
	if err := b.Close(); err != nil {
		t.Errorf("Close with nothing left to write: %v", err)
	}
}
