package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The library for Redis has waits that outlive its client by a moment.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"))
}

// patience is how long a test waits for what should happen within a second or two.
const patience = 30 * time.Second

// twoAuths is a configuration on free ports.
const twoAuths = `
listen:
  grpc: [127.0.0.1:0]
  http: 127.0.0.1:0
auths:
  - {id: a, provider: claude, secret: {value: key-a}}
  - {id: b, provider: claude, secret: {value: key-b}}
`

// runningBroker is `credbroker serve` in this process.
type runningBroker struct {
	t       *testing.T
	log     *logLines
	config  string // path of its file
	grpc    []string
	http    string
	hangups chan os.Signal

	cancel context.CancelFunc
	exited chan int
}

// writeConfig writes a configuration to a folder of its own.
func writeConfig(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "credbroker.yaml")
	replaceFile(t, path, text)
	return path
}

// replaceFile puts a file in place whole, as editors do.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// serving starts a broker, waits until it serves, and stops it when the test ends.
func serving(t *testing.T, config string, args ...string) *runningBroker {
	t.Helper()
	b := launch(t, writeConfig(t, config), args...)
	b.ready()
	return b
}

// ready waits until a broker serves, and finds out where.
func (b *runningBroker) ready() {
	b.t.Helper()
	b.log.wait(b.t, logServing)
	for _, line := range b.log.all(logListening) {
		if line["key"] == "listen.http" {
			b.http = line["address"].(string)
		} else {
			b.grpc = append(b.grpc, line["address"].(string))
		}
	}
}

// launch starts serve and does not wait for anything.
func launch(t *testing.T, path string, args ...string) *runningBroker {
	t.Helper()
	return launchAt(t, time.Now, path, args...)
}

// launchAt is launch with a clock of its own.
func launchAt(t *testing.T, now func() time.Time, path string, args ...string) *runningBroker {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	b := &runningBroker{t: t, log: newLogLines(), config: path, hangups: make(chan os.Signal, 1), cancel: cancel, exited: make(chan int, 1)}
	go func() {
		code := run(ctx, append([]string{"serve", "--config", path}, args...), process{
			stdin: strings.NewReader(""), stdout: b.log, stderr: b.log, getenv: lookup(nil), now: now,
			hangup: func() (<-chan os.Signal, func()) { return b.hangups, func() {} },
		})
		b.log.close()
		b.exited <- code
	}()
	t.Cleanup(func() { b.stop() })
	return b
}

// stop asks the broker to end and returns its exit code. It may be called again.
func (b *runningBroker) stop() int {
	b.cancel()
	return b.code()
}

// code waits for the broker to end.
func (b *runningBroker) code() int {
	b.t.Helper()
	select {
	case code := <-b.exited:
		b.exited <- code
		return code
	case <-time.After(patience):
		b.t.Fatalf("the broker goes on; its log:\n%s", b.log)
		return -1
	}
}

// command runs a client against the broker's first address.
func (b *runningBroker) command(args ...string) outcome {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(b.t.Context(), append(args, "--address", b.grpc[0]), process{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, getenv: lookup(nil), now: time.Now, hangup: noHangups,
	})
	return outcome{code, stdout.String(), stderr.String()}
}

// answer runs a client command that must succeed, and reads its JSON.
func (b *runningBroker) answer(into any, args ...string) {
	b.t.Helper()
	got := b.command(append(args, "--output", "json")...)
	if got.code != exitOK {
		b.t.Fatalf("%v = %d %s", args, got.code, got.stderr)
	}
	if err := json.Unmarshal([]byte(got.stdout), into); err != nil {
		b.t.Fatalf("%v: %v in %s", args, err, got.stdout)
	}
}

// logLines is what a broker wrote to standard error, and lets a test wait for a line.
type logLines struct {
	mu     sync.Mutex
	text   bytes.Buffer
	ended  bool
	change chan struct{}
}

func newLogLines() *logLines { return &logLines{change: make(chan struct{})} }

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.change)
	l.change = make(chan struct{})
	return l.text.Write(p)
}

func (l *logLines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	close(l.change)
	l.change = make(chan struct{})
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// all are the lines of one message, in order.
func (l *logLines) all(message string) []map[string]any {
	var found []map[string]any
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["message"] == message {
			found = append(found, fields)
		}
	}
	return found
}

// wait waits for the first line of a message.
func (l *logLines) wait(t *testing.T, message string) map[string]any {
	t.Helper()
	return l.waitMore(t, message, 0)
}

// waitMore waits for a line of a message after the first seen ones.
func (l *logLines) waitMore(t *testing.T, message string, seen int) map[string]any {
	t.Helper()
	deadline := time.After(patience)
	for {
		l.mu.Lock()
		change, ended := l.change, l.ended
		l.mu.Unlock()
		if found := l.all(message); len(found) > seen {
			return found[seen]
		}
		if ended {
			t.Fatalf("the broker ended without %q; its log:\n%s", message, l)
		}
		select {
		case <-change:
		case <-deadline:
			t.Fatalf("no %q; the log:\n%s", message, l)
		}
	}
}
