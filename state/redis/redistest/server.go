package redistest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is one redis-server.
type Server struct {
	// Addr is where it listens, host:port. It stays when the server is killed and started again.
	Addr string

	t       testing.TB
	dir     string
	args    []string
	process *exec.Cmd
	exited  chan struct{}
}

// patience is for how long something is waited for that has to come.
const patience = 20 * time.Second

// Start starts an empty standalone server. Args are further ones for it, such as `--maxmemory`, `1mb`.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, freeAddr(t), args...)
}

func start(t testing.TB, addr string, args ...string) *Server {
	t.Helper()
	s := &Server{Addr: addr, t: t, dir: t.TempDir(), args: args}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// Start starts the server again after Kill: empty, and where it was.
func (s *Server) Start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.Addr)
	args := append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no",
		"--enable-debug-command", "local",
	}, s.args...)
	s.run(binary(s.t, "redis-server"), args...)
	s.Await("ready", func() bool { return strings.HasSuffix(s.try("PING"), "PONG") })
}

// run starts a process whose log is shown if the test fails.
func (s *Server) run(program string, args ...string) {
	s.t.Helper()
	var log bytes.Buffer
	process := exec.CommandContext(s.t.Context(), program, args...) //nolint:gosec // the test's own
	process.Stdout, process.Stderr = &log, &log
	if err := process.Start(); err != nil {
		s.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = process.Wait() // how it ended is of no interest, it was killed
	}()
	s.process, s.exited = process, exited
	s.t.Cleanup(func() {
		<-exited
		if s.t.Failed() {
			s.t.Logf("%s on %s:\n%s", filepath.Base(program), s.Addr, tail(log.String()))
		}
	})
}

// tail is the end of a text.
func tail(text string) string {
	const most = 2000
	return text[max(0, len(text)-most):]
}

// Kill ends the server as a crash does, if it runs.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	<-s.exited
}

// Pause stops the server where it is: connections stay, and nothing answers.
func (s *Server) Pause() { s.send(syscall.SIGSTOP) }

// Resume ends Pause.
func (s *Server) Resume() { s.send(syscall.SIGCONT) }

func (s *Server) send(sig os.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Do runs a command and returns what redis-cli prints.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	out, err := s.cli(args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("redis-cli %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// try is Do for commands that may fail.
func (s *Server) try(args ...string) string {
	out, _ := s.cli(args...).CombinedOutput()
	return strings.TrimSpace(string(out))
}

func (s *Server) cli(args ...string) *exec.Cmd {
	_, port, _ := net.SplitHostPort(s.Addr)
	all := append([]string{"-p", port}, s.tlsArgs()...)
	return exec.CommandContext(s.t.Context(), "redis-cli", append(all, args...)...) //nolint:gosec // the test's own
}

// Info returns a number of INFO, such as `used_memory`.
func (s *Server) Info(name string) int {
	s.t.Helper()
	for line := range strings.Lines(s.Do("INFO", "everything")) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				s.t.Fatal(err)
			}
			return n
		}
	}
	s.t.Fatalf("INFO has no %s", name)
	return 0
}

// Calls is how often a command was called, such as `evalsha`.
func (s *Server) Calls(command string) int {
	s.t.Helper()
	_, line, found := strings.Cut(s.Do("INFO", "commandstats"), "cmdstat_"+command+":calls=")
	if !found {
		return 0
	}
	count, _, _ := strings.Cut(line, ",")
	n, err := strconv.Atoi(count)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// Await waits until something is so.
func (s *Server) Await(what string, so func() bool) {
	s.t.Helper()
	const pause = 20 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	late := time.After(patience)
	for !so() {
		select {
		case <-tick.C:
		case <-s.exited:
			s.t.Fatalf("%s ended before it was %s", s.Addr, what)
		case <-late:
			s.t.Fatalf("%s is not %s after %v", s.Addr, what, patience)
		}
	}
}

// binary finds a program, or skips the test without it.
func binary(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") != "":
		t.Fatal(err)
	default:
		t.Skipf("no %s on the PATH: tools/setup.sh test installs it", name)
	}
	return ""
}

// freeAddr is a port of the loopback that nothing listens on. Somebody may be quicker; the test then fails and says so.
func freeAddr(t testing.TB) string {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
