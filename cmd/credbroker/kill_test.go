package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// The environment says how often brokers are killed, for how long at most, and from which seed.
const (
	killsVariable    = "CREDBROKER_KILLS"
	killTimeVariable = "CREDBROKER_KILL_TIME"
	killSeedVariable = "CREDBROKER_KILL_SEED"

	// usualKills are few, as other tests want their time too; `make kill` has more of them.
	usualKills = 16
	// killLines is how many brokers live and die side by side, each with a file of its own.
	killLines = 2
	// killedAuths is how many auths each has, with one client for each.
	killedAuths = 6
	// bornWithin is how long a broker may take to serve again.
	bornWithin = 20 * time.Second
)

// TestKill ends real brokers with SIGKILL at random moments, while clients report and pick, and compares what they know
// afterwards with what they had acknowledged.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out kills")
	}
	kills, limit, seed := killSettings(t)
	t.Logf("%d kills with %s=%d", kills, killSeedVariable, seed)
	program := buildProgram(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var (
		all   sync.WaitGroup
		lines [killLines]*killLine
	)
	for i := range lines {
		lines[i] = newKillLine(t, program, seed+uint64(i))
		all.Go(func() { lines[i].run(ctx, kills/killLines) })
	}
	all.Wait()
	killed, acknowledged, picks := 0, 0, 0
	for _, l := range lines {
		killed, acknowledged, picks = killed+l.killed, acknowledged+l.acknowledged(), picks+l.picks
	}
	t.Logf("%d kills, %d acknowledged changes, %d picks", killed, acknowledged, picks)
	if ctx.Err() == nil && !t.Failed() && (killed < kills/killLines*killLines || acknowledged < killed || picks < killed) {
		t.Error("that proves little")
	}
}

// buildProgram builds what is tested where it must be a process of its own.
func buildProgram(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "credbroker")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

func killSettings(t *testing.T) (kills int, limit time.Duration, seed uint64) {
	t.Helper()
	kills, limit, seed = usualKills, 5*time.Minute, rand.Uint64()
	read := func(name string, parse func(text string) error) {
		if text := os.Getenv(name); text != "" {
			if err := parse(text); err != nil {
				t.Fatalf("%s=%s: %v", name, text, err)
			}
		}
	}
	read(killsVariable, func(text string) (err error) { kills, err = strconv.Atoi(text); return err })
	read(killTimeVariable, func(text string) (err error) { limit, err = time.ParseDuration(text); return err })
	read(killSeedVariable, func(text string) (err error) { seed, err = strconv.ParseUint(text, 10, 64); return err })
	return kills, limit, seed
}

// killLine is one state file and the brokers that own it, one after the other.
type killLine struct {
	t       *testing.T
	program string
	// arguments of serve beside the configuration.
	arguments []string
	dir       string
	random    *rand.Rand
	auths     []*killedAuth

	killed, picks int
}

func newKillLine(t *testing.T, program string, seed uint64) *killLine {
	t.Helper()
	dir := t.TempDir()
	l := &killLine{t: t, program: program, dir: dir, random: rand.New(rand.NewPCG(seed, 1))}
	var config strings.Builder
	fmt.Fprintf(&config, "listen: {grpc: ['unix://%s/b'], http: ''}\nlog: {access: false}\nauths:\n", dir)
	for i := range killedAuths {
		// Of different providers, so that failures are never those of a provider.
		fmt.Fprintf(&config, "  - {id: auth-%d, provider: provider-%d, secret: {value: key-%d}}\n", i, i, i)
		l.auths = append(l.auths, &killedAuth{
			id: fmt.Sprintf("auth-%d", i), explicit: i%2 == 0, random: rand.New(rand.NewPCG(seed, uint64(i)+2)),
		})
	}
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *killLine) acknowledged() (n int) {
	for _, a := range l.auths {
		n += a.acknowledged
	}
	return n
}

// run lets brokers live until so many were killed, the context ends or something is wrong, and looks at what the last one
// left behind.
func (l *killLine) run(ctx context.Context, kills int) {
	for l.killed < kills && ctx.Err() == nil && !l.t.Failed() {
		l.live(ctx)
		l.killed++
	}
	if !l.t.Failed() {
		l.live(context.WithoutCancel(ctx))
	}
}

// life is one process.
type life struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
	conn   *grpc.ClientConn
	broker credbrokerv1.CredentialBrokerClient
	pool   credbrokerv1.AuthPoolClient
}

// live starts a broker, compares what it knows, lets clients loose on it, and kills it.
func (l *killLine) live(ctx context.Context) {
	b, err := l.start()
	if err != nil {
		l.t.Error(err)
		return
	}
	defer b.kill()
	if l.random.IntN(8) == 0 {
		// Killed while it starts, which must do no harm either.
		pause(ctx, time.Duration(l.random.Int64N(int64(20*time.Millisecond))))
		return
	}
	if err := l.compare(ctx, b); err != nil {
		l.t.Errorf("after %d kills: %v\nthe broker's log:\n%s", l.killed, err, b.log())
		return
	}
	lifetime := time.Duration(l.random.Int64N(int64(200 * time.Millisecond)))
	working, cancel := context.WithTimeout(ctx, bornWithin)
	defer cancel()
	var clients sync.WaitGroup
	run := func(client func(context.Context, *life) error) {
		clients.Go(func() {
			if err := client(working, b); err != nil {
				l.t.Errorf("after %d kills: %v", l.killed, err)
			}
		})
	}
	for _, a := range l.auths {
		run(a.work)
	}
	run(l.pick)
	pause(ctx, lifetime)
	b.kill()
	clients.Wait()
}

func (l *killLine) start() (*life, error) {
	arguments := append([]string{"serve", "--config", filepath.Join(l.dir, "c.yaml")}, l.arguments...)
	b := &life{cmd: exec.Command(l.program, arguments...), ended: make(chan struct{})}
	b.cmd.Stdout, b.cmd.Stderr = &b.output, &b.output
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(b.ended)
		_ = b.cmd.Wait() // it is killed
	}()
	conn, err := grpc.NewClient("unix://"+filepath.Join(l.dir, "b"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 5 * time.Millisecond, Multiplier: 1, MaxDelay: 5 * time.Millisecond},
			MinConnectTimeout: time.Second,
		}))
	if err != nil {
		b.kill()
		return nil, err
	}
	b.conn, b.broker, b.pool = conn, credbrokerv1.NewCredentialBrokerClient(conn), credbrokerv1.NewAuthPoolClient(conn)
	return b, nil
}

// kill ends the process at once, and the connection.
func (b *life) kill() {
	_ = b.cmd.Process.Kill() // it may be gone already
	<-b.ended
	if b.conn != nil {
		_ = b.conn.Close()
		b.conn = nil
	}
}

// log is what the process wrote. It ends with this call.
func (b *life) log() string {
	b.kill()
	return b.output.String()
}

// compare waits until the broker serves, and compares every auth.
func (l *killLine) compare(ctx context.Context, b *life) error {
	ctx, cancel := context.WithTimeout(ctx, bornWithin)
	defer cancel()
	go func() {
		select {
		case <-b.ended: // or everybody waits for who is dead
			cancel()
		case <-ctx.Done():
		}
	}()
	for _, a := range l.auths {
		resp, err := b.pool.GetAuth(ctx, &credbrokerv1.GetAuthRequest{AuthId: a.id}, grpc.WaitForReady(true))
		if err != nil {
			return fmt.Errorf("the broker does not serve again: %w", err)
		}
		if err := a.compare(resp.GetAuth()); err != nil {
			return err
		}
	}
	return nil
}

// pick asks for auths until the broker is gone. It returns an error if it gets one that must not be handed out.
func (l *killLine) pick(ctx context.Context, b *life) error {
	for ctx.Err() == nil {
		before := make(map[string]uint64, len(l.auths))
		for _, a := range l.auths {
			if changes, banned := a.banned(); banned {
				before[a.id] = changes
			}
		}
		resp, err := b.broker.PickCredential(ctx, &credbrokerv1.PickCredentialRequest{})
		if isAnswer(err) {
			continue // all of them rest
		} else if err != nil {
			return nil //nolint:nilerr // the broker is gone, as it should be
		}
		l.picks++
		id := resp.GetCredential().GetAuthId()
		changes, known := before[id]
		for _, a := range l.auths {
			if now, banned := a.banned(); known && a.id == id && banned && now == changes {
				return fmt.Errorf("%s was handed out, which was disabled and acknowledged before", id)
			}
		}
	}
	return nil
}

// pause waits, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
