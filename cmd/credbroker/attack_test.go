package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/server/servertest"
)

// attackTimeVariable says how long each attack lasts. Without it, as in `make test`, it is a moment.
const attackTimeVariable = "CREDBROKER_ATTACK_TIME"

const (
	attackMemory = 256 << 20 // GOMEMLIMIT of the attacked broker
	// attackPeak is what it may have in memory at most: the limit is a soft one.
	attackPeak = attackMemory + attackMemory/4

	attackPick = "/credbroker.v1.CredentialBroker/PickCredential"
)

// attack is something that a hostile, broken or greedy client does until ctx ends.
type attack struct {
	name   string
	limits string // of the configuration
	run    func(ctx context.Context, t *testing.T, v *victim)
	auths  int  // of the pool beside those that good clients pick
	kept   bool // with a state file
}

func attacks() []attack {
	return []attack{
		{name: "all but the last byte of large requests", run: func(ctx context.Context, t *testing.T, v *victim) {
			request := servertest.Message(8<<20, 8<<20-1)
			v.many(ctx, t, 4, func(p *servertest.Peer) error { return unfinished(p, request) })
		}},
		{name: "legal requests of 31 MiB, three at a time", limits: "{message: 32MiB}", run: legalLarge},
		{name: "large requests announced, nothing sent", run: func(ctx context.Context, t *testing.T, v *victim) {
			v.many(ctx, t, 100, func(p *servertest.Peer) error { return silent(p, servertest.Message(8<<20, 0)) })
		}},
		{name: "calls without a request", run: func(ctx context.Context, t *testing.T, v *victim) {
			v.many(ctx, t, 100, func(p *servertest.Peer) error { return silent(p, nil) })
		}},
		{name: "rapid reset", run: func(ctx context.Context, t *testing.T, v *victim) {
			v.many(ctx, t, 1, func(p *servertest.Peer) error { return p.Flood(attackPick, 100) })
		}},
		{name: "calls with a deadline of zero", run: func(ctx context.Context, t *testing.T, v *victim) {
			v.many(ctx, t, 1, func(p *servertest.Peer) error {
				_, err := p.Call(attackPick, hpack.HeaderField{Name: "grpc-timeout", Value: "0n"})
				return err
			})
		}},
		{name: "idle connections", run: func(ctx context.Context, t *testing.T, v *victim) {
			v.many(ctx, t, 500, func(*servertest.Peer) error { <-ctx.Done(); return ctx.Err() })
		}},
		{name: "metrics asked for and never read", run: unreadMetrics},
		{name: "watches that are never read", run: unreadWatches, auths: 10_000},
		{name: "watches that are never read, 1,000 of them allowed", limits: "{watches: 1000}", run: unreadWatches, auths: 10_000},
		{name: "reports of 1,024 models with reasons of 1 KiB", run: longReports, kept: true},
	}
}

// TestAttack attacks real brokers, each in a way that has once made one hold gigabytes or brought its clients to a
// stop. It bounds what they hold; what a good client gets meanwhile is printed.
func TestAttack(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out attacks")
	}
	span := time.Second
	if text := os.Getenv(attackTimeVariable); text != "" {
		var err error
		if span, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s=%s: %v", attackTimeVariable, text, err)
		}
	}
	program := buildProgram(t)
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) { a.against(t, startVictim(t, program, &a), span) })
	}
}

func (a *attack) against(t *testing.T, v *victim, span time.Duration) {
	alone := v.goodClient(t, span)
	ctx, cancel := context.WithTimeout(t.Context(), span+span/2)
	defer cancel()
	var attacking sync.WaitGroup
	attacking.Go(func() { a.run(ctx, t, v) })
	beside := v.goodClient(t, span)
	attacking.Wait()
	after := v.goodClient(t, span)
	t.Logf("good client: alone %s; beside %s; after %s; peak %d MiB", alone, beside, after, v.peak(t)>>20)
	if peak := v.peak(t); peak > attackPeak {
		t.Errorf("the broker took %d MiB, want at most %d", peak>>20, attackPeak>>20)
	}
	// Not how quickly: only that it is served.
	if beside.served == 0 || after.served == 0 || after.refused > 0 {
		t.Errorf("the good client got %s beside and %s after", beside, after)
	}
	v.probe(t)
}

// unfinished sends a request up to its last byte.
func unfinished(p *servertest.Peer, request []byte) error {
	stream, err := p.Call(attackPick)
	if err != nil {
		return err
	}
	if err := p.Send(stream, request, false); err != nil {
		// It was refused, which is what the broker should do. A client waits then.
		if _, over := p.Ended(stream); over {
			return nil
		}
		return err
	}
	return nil
}

// silent starts a call, and waits for the end of the one that came a hundred before it.
func silent(p *servertest.Peer, data []byte) error {
	stream, err := p.Call(attackPick)
	if err == nil && data != nil {
		err = p.Send(stream, data, false)
	}
	if err == nil && stream > 200 {
		_, err = p.End(stream - 200)
	}
	return err
}

func legalLarge(ctx context.Context, t *testing.T, v *victim) {
	request := &credbrokerv1.PickCredentialRequest{Provider: "claude", Body: []byte(`"` + strings.Repeat("x", 31<<20) + `"`)}
	var served, refused atomic.Int64
	var clients sync.WaitGroup
	for range 3 {
		client := credbrokerv1.NewCredentialBrokerClient(dialVictim(t, v))
		clients.Go(func() {
			for ctx.Err() == nil {
				switch _, err := client.PickCredential(t.Context(), request); status.Code(err) {
				case codes.OK:
					served.Add(1)
				case codes.Unavailable:
					refused.Add(1)
					// As the RetryInfo says, but not beyond the attack.
					select {
					case <-ctx.Done():
					case <-time.After(100 * time.Millisecond):
					}
				default:
					t.Errorf("a large pick: %v", err)
					return
				}
			}
		})
	}
	clients.Wait()
	if served.Load() == 0 {
		t.Errorf("of the large requests none was served, %d refused", refused.Load())
	}
	t.Logf("large requests: %d served, %d refused", served.Load(), refused.Load())
}

// unreadMetrics asks for metrics on many connections and reads nothing.
func unreadMetrics(ctx context.Context, t *testing.T, v *victim) {
	for range 100 {
		conn, err := net.Dial("unix", v.http)
		if err != nil {
			t.Error(err)
			return
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		for range 50 {
			// The broker may close it, and stops reading when its answers are not read.
			_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
			if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: broker\r\n\r\n"); err != nil {
				break
			}
		}
	}
	if answer := v.get(t, "/metrics"); !strings.Contains(answer, "credbroker_picks_total") {
		t.Errorf("metrics while others do not read them: %.200q", answer)
	}
	<-ctx.Done()
}

// unreadWatches watches 1,000 times and reads nothing, while auths change.
func unreadWatches(ctx context.Context, t *testing.T, v *victim) {
	for range 10 {
		peer := v.peer(t)
		if peer == nil {
			t.Error("the broker takes no connection")
			return
		}
		for range 100 {
			stream, err := peer.Call("/credbroker.v1.AuthPool/WatchAuths")
			if err == nil {
				err = peer.Send(stream, servertest.Message(0, 0), true)
			}
			if err != nil {
				t.Errorf("a watch: %v", err)
				return
			}
		}
	}
	admin := credbrokerv1.NewAuthPoolClient(dialVictim(t, v))
	for i := 0; ctx.Err() == nil; i++ {
		id := fmt.Sprintf("idle-%05d", i/2%10_000)
		var err error
		if i%2 == 0 {
			_, err = admin.DisableAuth(t.Context(), &credbrokerv1.DisableAuthRequest{AuthId: id})
		} else {
			_, err = admin.EnableAuth(t.Context(), &credbrokerv1.EnableAuthRequest{AuthId: id})
		}
		if err != nil {
			t.Errorf("a change of %s: %v", id, err)
			return
		}
	}
}

// longReports reports cooldowns of 1,024 models of one auth on eight connections, each with a reason of 1 KiB.
func longReports(ctx context.Context, t *testing.T, v *victim) {
	var reported atomic.Int64
	var workers sync.WaitGroup
	for range 8 {
		client := credbrokerv1.NewCredentialBrokerClient(dialVictim(t, v))
		workers.Go(func() {
			for ctx.Err() == nil {
				n := reported.Add(1)
				_, err := client.ReportCooldown(t.Context(), &credbrokerv1.ReportCooldownRequest{
					AuthId: "idle", Model: fmt.Sprintf("model-%04d", n%1024), Reason: strings.Repeat("r", 1<<10),
					End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(time.Hour)},
				})
				if err != nil && status.Code(err) != codes.Unavailable {
					t.Errorf("a report: %v", err)
					return
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d reports", reported.Load())
}

// service is what a good client got.
type service struct {
	served, refused int
	rate            float64 // a second
	p99             time.Duration
}

func (o service) String() string {
	return fmt.Sprintf("%.0f/s, p99 %s, %d refused", o.rate, o.p99.Round(100*time.Microsecond), o.refused)
}

// goodClient picks with eight workers on one connection.
func (v *victim) goodClient(t *testing.T, span time.Duration) service {
	t.Helper()
	client := credbrokerv1.NewCredentialBrokerClient(dialVictim(t, v))
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
		all     []time.Duration
		o       service
	)
	for range 8 {
		workers.Go(func() {
			var took []time.Duration
			refused := 0
			for ctx.Err() == nil {
				start := time.Now()
				_, err := client.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "claude"})
				switch {
				case err == nil:
					took = append(took, time.Since(start))
				case status.Code(err) == codes.Unavailable:
					refused++
				default:
					t.Errorf("a good pick: %v", err)
					return
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all, o.refused = append(all, took...), o.refused+refused
		})
	}
	workers.Wait()
	slices.Sort(all)
	if o.served = len(all); o.served > 0 {
		o.rate, o.p99 = float64(o.served)/span.Seconds(), all[o.served*99/100]
	}
	return o
}

// victim is a broker in a process of its own.
type victim struct {
	grpc, http string // sockets
	pid        int
}

// many keeps so many connections busy until ctx ends; each begins anew when the broker closes it.
func (v *victim) many(ctx context.Context, t *testing.T, connections int, step func(*servertest.Peer) error) {
	t.Helper()
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for ctx.Err() == nil {
				conn, err := (&net.Dialer{}).DialContext(ctx, "unix", v.grpc)
				if err != nil {
					continue
				}
				peer, err := servertest.NewPeer(ctx, conn)
				for err == nil {
					err = step(peer)
				}
				_ = conn.Close()
			}
		})
	}
	all.Wait()
}

// probe asks the HTTP port.
func (v *victim) probe(t *testing.T) {
	t.Helper()
	if answer := v.get(t, "/readyz"); !strings.HasPrefix(answer, "ready") {
		t.Errorf("/readyz says %q", answer)
	}
}

func (v *victim) get(t *testing.T, path string) string {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", v.http)
		},
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://broker"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(req)
	if err != nil {
		t.Errorf("GET %s: %v", path, err)
		return ""
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		t.Errorf("GET %s: %v", path, err)
	}
	return string(text)
}

// peak is the most memory that the broker has ever had, in bytes.
func (v *victim) peak(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(v.pid), "status"))
	if err != nil {
		t.Fatalf("the broker is gone: %v", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// peer is a connection for frames; nil where the broker takes none.
func (v *victim) peer(t *testing.T) *servertest.Peer {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", v.grpc)
	if err != nil {
		return nil
	}
	peer, err := servertest.NewPeer(t.Context(), conn)
	if err != nil {
		return nil
	}
	return peer
}
