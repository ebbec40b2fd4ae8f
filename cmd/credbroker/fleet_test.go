package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/state/redis/redistest"
)

// fleetAuths are those that sessions are bound to, fleetWards those that reports are about, each of a provider of its own.
const (
	fleetAuths = 5
	fleetWards = 200
)

// TestFleet runs brokers as processes, built without the race detector: what is said about time is about them.
func TestFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out fleets of processes")
	}
	program := filepath.Join(t.TempDir(), "credbroker")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	s := fleetSuite{program}
	t.Run("a cooldown that one broker is told of holds on the others", s.travels)
	t.Run("sessions whose first requests hit several brokers at once are bound once", s.firstRequests)
	t.Run("what is half-open is tried by one broker at a time", s.oneTries)
	t.Run("the master is killed", s.killedMaster)
	t.Run("the network of one broker is cut", s.cutNetwork)
	t.Run("nothing comes through the network of one broker", s.stuckNetwork)
	t.Run("the server starts again, empty", s.emptyRestart)
	t.Run("the server's memory is full, and it throws keys away", s.evicting)
	t.Run("the server's memory is full, and it takes nothing more", s.refusing)
	t.Run("the server is slow", s.slowServer)
}

type fleetSuite struct{ program string }

// member is one broker of a fleet, and a connection to it.
type member struct {
	*runningBroker

	picks credbrokerv1.CredentialBrokerClient
	pool  credbrokerv1.AuthPoolClient
}

// member starts a broker with a state file of its own, and Redis as a YAML value says.
func (s fleetSuite) member(t *testing.T, redis string) *member {
	t.Helper()
	var config strings.Builder
	config.WriteString("listen: {grpc: ['127.0.0.1:0'], http: '127.0.0.1:0'}\nlog: {access: false}\n")
	config.WriteString("state: {redis: " + redis + "}\ncooldown: {max_hint: 1s}\nauths:\n")
	for i := range fleetAuths {
		fmt.Fprintf(&config, "  - {id: auth-%d, provider: claude, secret: {value: key-%d}}\n", i, i)
	}
	for i := range fleetWards {
		fmt.Fprintf(&config, "  - {id: ward-%d, provider: ward-%d, secret: {value: ward-key-%d}}\n", i, i, i)
	}
	m := &member{runningBroker: launchProgram(t, s.program, writeConfig(t, config.String()))}
	m.log.wait(t, logServing)
	for _, line := range m.log.all(logListening) {
		if line["key"] == "listen.http" {
			m.http = line["address"].(string)
		} else {
			m.grpc = append(m.grpc, line["address"].(string))
		}
	}
	conn, err := grpc.NewClient(m.grpc[0], grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	m.picks, m.pool = credbrokerv1.NewCredentialBrokerClient(conn), credbrokerv1.NewAuthPoolClient(conn)
	return m
}

// launchProgram starts serve as a process, and ends it with the test.
func launchProgram(t *testing.T, program, path string) *runningBroker {
	t.Helper()
	log := newLogLines()
	process := exec.Command(program, "serve", "--config", path)
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	b := &runningBroker{t: t, log: log, config: path, exited: make(chan int, 1)}
	b.cancel = func() { _ = process.Process.Signal(os.Interrupt) }
	go func() {
		_ = process.Wait() // the code says how it went
		log.close()
		b.exited <- process.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		if code := b.stop(); code != exitOK {
			t.Errorf("exit code = %d; the log:\n%s", code, log)
		}
	})
	return b
}

// brokers of a fleet that share a server.
func (s fleetSuite) brokers(t *testing.T, n int, server *redistest.Server) []*member {
	t.Helper()
	var fleet []*member
	for range n {
		fleet = append(fleet, s.member(t, "{addresses: ['"+server.Addr+"']}"))
	}
	return fleet
}

// pick asks for an auth of claude for a session, and returns its id and how it is bound.
func (m *member) pick(ctx context.Context, session string) (auth string, binding credbrokerv1.Binding, err error) {
	answer, err := m.picks.PickCredential(ctx, &credbrokerv1.PickCredentialRequest{Provider: "claude", Model: "m", SessionId: session})
	return answer.GetCredential().GetAuthId(), answer.GetSession().GetBinding(), err
}

// report tells that a ward cools down for an hour.
func (m *member) report(ctx context.Context, ward int) error {
	_, err := m.picks.ReportCooldown(ctx, &credbrokerv1.ReportCooldownRequest{
		AuthId: fmt.Sprint("ward-", ward), End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(time.Hour)},
	})
	return err
}

// refused asks whether a ward is refused.
func (m *member) refused(ctx context.Context, ward int) (bool, error) {
	_, err := m.picks.PickCredential(ctx, &credbrokerv1.PickCredentialRequest{Provider: fmt.Sprint("ward-", ward), Model: "m", DryRun: true})
	if status.Code(err) == codes.ResourceExhausted || status.Code(err) == codes.Unavailable {
		return true, nil
	}
	return false, err
}

// awaitRefusal asks until a ward is refused.
func (m *member) awaitRefusal(ctx context.Context, ward int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Asking all the time would take the processor away from those who are asked.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if refused, err := m.refused(ctx, ward); err != nil || refused {
			return err
		}
		<-tick.C
	}
}

// cooling are the ids of all auths that cool down.
func (m *member) cooling(ctx context.Context) (map[string]bool, error) {
	const all = 1000
	answer, err := m.pool.ListAuths(ctx, &credbrokerv1.ListAuthsRequest{State: credbrokerv1.AuthState_AUTH_STATE_COOLING, PageSize: all})
	ids := map[string]bool{}
	for _, auth := range answer.GetAuths() {
		ids[auth.GetConfig().GetId()] = true
	}
	return ids, err
}

// counted is the sum of the values of a metric.
func (m *member) counted(t *testing.T, metric string) (sum float64) {
	t.Helper()
	answer, err := http.Get("http://" + m.http + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var value float64
		if rest, ok := strings.CutPrefix(line, metric+" "); ok {
			if _, err := fmt.Sscan(rest, &value); err != nil {
				t.Fatal(err)
			}
			sum += value
		}
	}
	return sum
}

// quantiles of durations, human-readable.
func quantiles(d []time.Duration) string {
	slices.Sort(d)
	at := func(share float64) time.Duration {
		return d[min(len(d)-1, int(share*float64(len(d))))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("p50 %v, p99 %v, max %v", at(0.5), at(0.99), at(1))
}

func (s fleetSuite) travels(t *testing.T) {
	const brokers = 5
	fleet := s.brokers(t, brokers, redistest.Start(t))
	var delays, acknowledged []time.Duration
	for ward := range fleetWards {
		from := ward % brokers
		var waiting sync.WaitGroup
		var mu sync.Mutex
		began := time.Now()
		for i, m := range fleet {
			if i == from {
				continue
			}
			waiting.Go(func() {
				if err := m.awaitRefusal(t.Context(), ward); err != nil {
					t.Errorf("broker %d, ward %d: %v", i, ward, err)
				}
				mu.Lock()
				defer mu.Unlock()
				delays = append(delays, time.Since(began))
			})
		}
		if err := fleet[from].report(t.Context(), ward); err != nil {
			t.Fatalf("report: %v", err)
		}
		acknowledged = append(acknowledged, time.Since(began))
		waiting.Wait()
	}
	t.Logf("from the report until the others refuse: %s", quantiles(delays))
	t.Logf("from the report until it is acknowledged: %s", quantiles(acknowledged))
	if p50 := delays[len(delays)/2]; p50 > 100*time.Millisecond {
		t.Errorf("half of them took longer than %v, far above the 10 ms that are aimed for", p50)
	}
}

func (s fleetSuite) firstRequests(t *testing.T) {
	const brokers, sessions, atOnce = 5, 10_000, 2
	fleet := s.brokers(t, brokers, redistest.Start(t))
	var mu sync.Mutex
	var split []string
	next := make(chan int)
	var callers sync.WaitGroup
	for range atOnce {
		callers.Go(func() {
			for n := range next {
				session := fmt.Sprint("session-", n)
				two := []*member{fleet[n%brokers], fleet[(n+1+n/brokers%(brokers-1))%brokers]}
				same, err := askAtOnce(t.Context(), two, session)
				if err != nil {
					t.Errorf("%s: %v", session, err)
				}
				if !same {
					mu.Lock()
					split = append(split, session)
					mu.Unlock()
				}
			}
		})
	}
	for n := range sessions {
		next <- n
	}
	close(next)
	callers.Wait()
	alone := 0.0
	for _, m := range fleet {
		alone += m.counted(t, `credbroker_session_claims_total{answer="unconfirmed"}`)
	}
	t.Logf("%d sessions, two brokers each: %d answered with two auths; %v were bound without an answer in 20 ms", sessions, len(split), alone)
	if len(split) > int(alone) {
		t.Errorf("%d sessions were bound twice, though only %v were bound without asking", len(split), alone)
	}
	agreeInTheEnd(t, fleet, split)
}

func (s fleetSuite) oneTries(t *testing.T) {
	fleet := s.brokers(t, 3, redistest.Start(t))
	for ward := range 10 {
		_, err := fleet[0].picks.ReportResult(t.Context(), &credbrokerv1.ReportResultRequest{
			AuthId: fmt.Sprint("ward-", ward), HttpStatus: http.StatusTooManyRequests, Headers: map[string]string{"retry-after": "86400"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// The hint is believed for a second; then one request may try.
	type try struct {
		by     *member
		pickID string
	}
	tries := map[int][]try{}
	until := time.Now().Add(2500 * time.Millisecond)
	for time.Now().Before(until) {
		for _, m := range fleet {
			for ward := range 10 {
				if answer, err := m.picks.PickCredential(t.Context(), wardRequest(ward)); err == nil {
					tries[ward] = append(tries[ward], try{m, answer.GetPickId()})
				}
			}
		}
	}
	for ward := range 10 {
		if len(tries[ward]) != 1 {
			t.Fatalf("ward %d was tried %d times, want once", ward, len(tries[ward]))
		}
		served := &credbrokerv1.ReportResultRequest{AuthId: fmt.Sprint("ward-", ward), PickId: tries[ward][0].pickID, HttpStatus: http.StatusOK}
		if _, err := tries[ward][0].by.picks.ReportResult(t.Context(), served); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	for _, m := range fleet {
		for ward := range 10 {
			for _, err := m.picks.PickCredential(t.Context(), wardRequest(ward)); err != nil; _, err = m.picks.PickCredential(t.Context(), wardRequest(ward)) {
				if time.Since(began) > patience {
					t.Fatalf("ward %d served the one that tried it, and others are still refused: %v", ward, err)
				}
			}
		}
	}
}

func wardRequest(ward int) *credbrokerv1.PickCredentialRequest {
	return &credbrokerv1.PickCredentialRequest{Provider: fmt.Sprint("ward-", ward), Model: "m"}
}

// askAtOnce asks several brokers at once, and reports whether they answer alike.
func askAtOnce(ctx context.Context, members []*member, session string) (same bool, err error) {
	auths, errs := make([]string, len(members)), make([]error, len(members))
	var asking sync.WaitGroup
	for i, m := range members {
		asking.Go(func() { auths[i], _, errs[i] = m.pick(ctx, session) })
	}
	asking.Wait()
	return len(slices.Compact(auths)) == 1, errors.Join(errs...)
}

// agreeInTheEnd waits until all brokers answer sessions alike.
func agreeInTheEnd(t *testing.T, fleet []*member, sessions []string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for len(sessions) > 0 {
		var left []string
		for _, session := range sessions {
			if same, err := askAtOnce(t.Context(), fleet, session); err != nil || !same {
				left = append(left, session)
			}
		}
		if sessions = left; time.Now().After(deadline) {
			t.Fatalf("%d sessions stay bound twice, %s for one", len(left), left[0])
		}
	}
}
