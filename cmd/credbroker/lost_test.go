package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// What happens to state files while brokers use them.
func fileLosses() map[string]func(path string) error {
	return map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return os.Rename(writeBeside(path), path) },
		"emptied":  func(path string) error { return os.Truncate(path, 0) },
		"cut in half": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.Truncate(path, info.Size()/2)
		},
	}
}

func writeBeside(path string) string {
	_ = os.WriteFile(path+".other", []byte("notes of somebody else's"), 0o600) // or renaming it fails
	return path + ".other"
}

// TestAStateFileIsLostUnderABroker takes real brokers' files away while clients report to them. What is acknowledged, before
// and after, must be there after a kill, and a broker must stop when it is asked to.
func TestAStateFileIsLostUnderABroker(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out lost state files")
	}
	program := buildProgram(t)
	for name, happen := range fileLosses() {
		for _, kill := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, killed %t", name, kill), func(t *testing.T) {
				l := newLossLine(t, program)
				l.reportWhile(func() {
					l.waitUntil("the first reports", func() bool { return l.reports.acknowledged() > 20 })
					if err := happen(filepath.Join(l.dir, "credbroker.db")); err != nil {
						t.Fatal(err)
					}
					lost := l.reports.acknowledged()
					l.waitUntil("reports after the loss", func() bool { return l.reports.acknowledged() > lost+100 })
					pause(t.Context(), 200*time.Millisecond) // lines of the log are written in batches
				})
				l.end(kill)
				l.compare()
			})
		}
	}
}

// A broker to which nobody says anything finds out too.
func TestAStateFileIsLostUnderAnIdleBroker(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out lost state files")
	}
	l := newLossLine(t, buildProgram(t))
	l.reportWhile(func() { l.waitUntil("the first reports", func() bool { return l.reports.acknowledged() > 20 }) })
	path := filepath.Join(l.dir, "credbroker.db")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l.waitUntil("the file", func() bool { _, err := os.Stat(path); return err == nil })
	pause(t.Context(), 200*time.Millisecond) // lines of the log are written in batches
	l.end(true)
	l.compare()
}

// lossLine is a broker whose file is lost, and what was reported to it.
type lossLine struct {
	*killLine

	broker  *life
	reports lossReports
}

func newLossLine(t *testing.T, program string) *lossLine {
	t.Helper()
	l := &lossLine{killLine: newKillLine(t, program, 1)}
	l.launch()
	return l
}

func (l *lossLine) launch() {
	l.t.Helper()
	b, err := l.start()
	if err != nil {
		l.t.Fatal(err)
	}
	l.broker = b
	l.t.Cleanup(b.kill)
	if _, err := b.pool.ListAuths(l.t.Context(), &credbrokerv1.ListAuthsRequest{}, grpc.WaitForReady(true)); err != nil {
		l.t.Fatal(err)
	}
}

// lossReports are what clients were told is kept: of each auth, until when it cools down.
type lossReports struct {
	until [killedAuths]atomic.Int64 // Unix seconds
	count atomic.Int64
}

func (r *lossReports) acknowledged() int64 { return r.count.Load() }

// reportWhile has a client for each auth report ever later ends, until f is done.
func (l *lossLine) reportWhile(f func()) {
	ctx, cancel := context.WithCancel(l.t.Context())
	var clients sync.WaitGroup
	for i, a := range l.auths {
		clients.Go(func() {
			for until := time.Now().Add(time.Hour).Unix(); ctx.Err() == nil; until++ {
				_, err := l.broker.broker.ReportCooldown(ctx, &credbrokerv1.ReportCooldownRequest{
					AuthId: a.id, End: &credbrokerv1.ReportCooldownRequest_Until{Until: timestamppb.New(time.Unix(until, 0))},
				})
				if err == nil {
					l.reports.until[i].Store(until)
					l.reports.count.Add(1)
				} else if !isStateUnavailable(err) && ctx.Err() == nil {
					l.t.Errorf("ReportCooldown: %v", err)
				}
			}
		})
	}
	f()
	cancel()
	clients.Wait()
}

func isStateUnavailable(err error) bool {
	s, _ := status.FromError(err)
	return readDetails(s).info.GetReason() == "STATE_UNAVAILABLE"
}

func (l *lossLine) waitUntil(what string, done func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(patience); !done(); pause(l.t.Context(), 10*time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("no %s; the broker's log:\n%s", what, l.broker.log())
		}
	}
}

// end ends the broker, which must have said what happened.
func (l *lossLine) end(kill bool) {
	l.t.Helper()
	if !kill {
		if err := l.broker.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			l.t.Fatal(err)
		}
		select {
		case <-l.broker.ended:
		case <-time.After(patience):
			l.t.Fatalf("SIGTERM does not end the broker; its log:\n%s", l.broker.log())
		}
	}
	log := l.broker.log()
	for _, want := range []string{logEngineDown, "while the broker used it", logRepaired, "written anew from memory"} {
		if !strings.Contains(log, want) {
			l.t.Errorf("no %q in the log:\n%s", want, log)
		}
	}
	if strings.Contains(log, logNotFlushed) {
		l.t.Errorf("the log:\n%s", log)
	}
}

// compare wants the next broker to know all that was acknowledged.
func (l *lossLine) compare() {
	l.t.Helper()
	l.launch()
	for i, a := range l.auths {
		resp, err := l.broker.pool.GetAuth(l.t.Context(), &credbrokerv1.GetAuthRequest{AuthId: a.id})
		if err != nil {
			l.t.Fatal(err)
		}
		until := int64(0)
		for _, c := range resp.GetAuth().GetCooldowns() {
			until = max(until, c.GetUntil().GetSeconds())
		}
		if want := l.reports.until[i].Load(); until < want {
			l.t.Errorf("%s cools down until %d, want %d at least, as was acknowledged", a.id, until, want)
		}
	}
}

// However long a broker waits for its callers, it is told twice at most.
func TestASecondSignalEndsTheProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what waits for seconds")
	}
	program := buildProgram(t)
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(second.String(), func(t *testing.T) {
			l := &lossLine{killLine: newKillLine(t, program, 1)}
			l.arguments = []string{"--shutdown-timeout", "1h"}
			l.launch()
			// A call whose request never comes.
			_, err := l.broker.conn.NewStream(t.Context(), &grpc.StreamDesc{}, credbrokerv1.AuthPool_GetAuth_FullMethodName)
			if err != nil {
				t.Fatal(err)
			}
			_ = l.broker.cmd.Process.Signal(syscall.SIGTERM) // it is there, or what follows fails
			select {
			case <-l.broker.ended:
				t.Fatal("it ended at once, with a call under way")
			case <-time.After(500 * time.Millisecond):
			}
			_ = l.broker.cmd.Process.Signal(second)
			select {
			case <-l.broker.ended:
			case <-time.After(5 * time.Second):
				t.Fatalf("a second signal does not end it; its log:\n%s", l.broker.log())
			}
		})
	}
}
