package clients_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	model    = "example-model"
	upstream = "https://upstream.example"
	secret   = "sk-made-up"
	// closed is a port that nobody but the system's own services may open.
	closed = "127.0.0.1:1"
	// cooldown is what the upstream says in what the clients report.
	cooldown = 30 * time.Second
	// clientLimit is far above the deadlines of a client's calls.
	clientLimit = 2 * time.Minute
)

// Exit codes of the clients.
const (
	exitRefused  = 1
	exitNoBroker = 3
	exitNoAuth   = 4
)

// client is one of the example clients.
type client struct {
	name string
	// prepare returns the command line that runs it, and what the environment needs besides.
	prepare func(t *testing.T) (command, env []string)
}

func clients() []client {
	return []client{{"go", prepareGo}, {"python", preparePython}, {"node", prepareNode}}
}

func TestClients(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short leaves out clients in other languages")
	}
	b := startBroker(t, pool())
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := runner{name: c.name, log: b.readLog}
			r.command, r.env = c.prepare(t)
			for transport, address := range b.addresses() {
				provider := c.name + "-" + transport
				t.Run("moves to another auth over "+transport, func(t *testing.T) { r.moves(t, address, provider+"-pair") })
				t.Run("waits for a second over "+transport, func(t *testing.T) { r.waits(t, address, provider+"-solo") })
				t.Run("passes on the refusal over "+transport, func(t *testing.T) { r.refused(t, address, provider+"-solo") })
			}
			t.Run("tells no broker from no auth", r.noBroker)
			t.Run("gives up on a broker that does not answer", r.hung)
			t.Run("reports a mistake of the gateway as one", func(t *testing.T) { r.mistaken(t, b.tcp) })
		})
	}
}

// pool has two providers for each client and transport, one with two auths and one with a single auth, so that no client
// meets the cooldowns and sessions of another.
func pool() string {
	var auths strings.Builder
	for _, c := range clients() {
		for _, transport := range []string{"tcp", "unix"} {
			provider := c.name + "-" + transport
			for _, auth := range []struct{ id, provider string }{{"1", "pair"}, {"2", "pair"}, {"1", "solo"}} {
				fmt.Fprintf(&auths, "  - {id: %[1]s-%[2]s-%[3]s, provider: %[1]s-%[2]s, base_url: %[4]q, secret: {value: %[5]s-%[1]s-%[3]s}}\n",
					provider, auth.provider, auth.id, upstream, secret)
			}
		}
	}
	return auths.String()
}

func (b *broker) addresses() map[string]string {
	return map[string]string{"tcp": b.tcp, "unix": b.unix}
}

// runner runs one client.
type runner struct {
	name         string
	command, env []string
	log          func(*testing.T) string
}

// result is what became of one run.
type result struct {
	lines      []string
	exit, pid  int
	start, end time.Time
}

// moves: one auth is picked, reported and left for the other one.
func (r *runner) moves(t *testing.T, address, provider string) {
	got := r.run(t, 0, address, provider, model)
	if len(got.lines) != 3 {
		t.Fatalf("printed %d lines, want 3:\n%s", len(got.lines), got)
	}
	got.checkPick(t, 0, provider+"-1", "BINDING_NEW")
	got.checkCooldown(t, 1, provider+"-1")
	got.checkPick(t, 2, provider+"-2", "BINDING_REBOUND")
	r.checkLog(t, fmt.Sprintf("%q", fmt.Sprintf("%s-client-%d", r.name, got.pid)))
}

// checkLog waits until the broker's log names a request four times: two picks and what came of them. The broker writes its lines in batches.
func (r *runner) checkLog(t *testing.T, id string) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for deadline := time.After(10 * time.Second); strings.Count(r.log(t), id) != 4; {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("the broker's log does not name request %s four times:\n%s", id, r.log(t))
		}
	}
}

// waits: the only auth is back in a second, and the client has that much time.
func (r *runner) waits(t *testing.T, address, provider string) {
	got := r.run(t, 0, address, provider, "other-model", "1")
	if len(got.lines) != 4 {
		t.Fatalf("printed %d lines, want 4:\n%s", len(got.lines), got)
	}
	got.checkPickOf(t, 0, provider+"-1", "other-model", "BINDING_NEW")
	got.match(t, 2, `^all are out: waiting \d+(\.\d+)?s$`)
	got.checkPickOf(t, 3, provider+"-1", "other-model", "BINDING_HIT")
}

// refused: the only auth is picked and reported. The client has no time for that wait, and is told when to come back; so is that
// of the next request.
func (r *runner) refused(t *testing.T, address, provider string) {
	got := r.run(t, exitNoAuth, address, provider, model)
	if len(got.lines) != 4 {
		t.Fatalf("printed %d lines, want 4:\n%s", len(got.lines), got)
	}
	got.checkPick(t, 0, provider+"-1", "BINDING_NEW")
	got.checkCooldown(t, 1, provider+"-1")
	got.match(t, 2, fmt.Sprintf(`Retry-After[ :'"]+%d\b`, int(cooldown.Seconds())))
	if body := got.checkAnswer(t, 2, 429); body.Code != "model_cooldown" || body.Type != "rate_limit_error" {
		t.Errorf("body = %+v, want model_cooldown as OpenAI writes it", body)
	}

	got = r.run(t, exitNoAuth, address, provider, model)
	if len(got.lines) != 3 {
		t.Fatalf("the next request printed %d lines, want 3:\n%s", len(got.lines), got)
	}
	delay, err := strconv.ParseFloat(got.match(t, 0, `^no auth, MODEL_COOLDOWN: .+ \(retry delay: ([\d.]+)s\)$`), 64)
	if err != nil || delay <= 0 || delay > cooldown.Seconds() {
		t.Errorf("retry delay = %v s, %v, want above 0 and at most %v:\n%s", delay, err, cooldown, got)
	}
	seconds := int(math.Ceil(delay))
	got.match(t, 1, fmt.Sprintf(`Retry-After[ :'"]+%d\b`, seconds))
	body := got.checkAnswer(t, 1, 429)
	if body.Code != "model_cooldown" || body.Model != model || body.Provider != provider || body.ResetSeconds != seconds {
		t.Errorf("body = %+v, want model_cooldown of %s, %s, reset_seconds %d", body, provider, model, seconds)
	}
}

// noBroker: nobody listens at the address that the environment names, nor at one that is no file.
func (r *runner) noBroker(t *testing.T) {
	r.run(t, exitNoBroker).match(t, 0, `(?i)^no broker answered, unavailable: `)
	missing := "unix://" + filepath.Join(t.TempDir(), "no.sock")
	r.run(t, exitNoBroker, missing).match(t, 0, `(?i)^no broker answered, unavailable: `)
}

// hung: connections are taken, and that is all.
func (r *runner) hung(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r.run(t, exitNoBroker, l.Addr().String()).match(t, 0, `(?i)^no broker answered, deadline_?exceeded: `)
}

// mistaken: nothing that waiting could mend.
func (r *runner) mistaken(t *testing.T, address string) {
	got := r.run(t, exitRefused, address, "nobody", model)
	got.match(t, 0, `^refused, AUTH_NOT_FOUND: `)
	got.checkAnswer(t, 1, 503)
	got = r.run(t, exitRefused, address, r.name, strings.Repeat("m", 257))
	got.match(t, 0, `^refused, INVALID_REQUEST: .*model.*256`)
	got.checkAnswer(t, 1, 413)
}

// run runs the client to its end. Its environment has an address, for which an argument can stand in, and a proxy for the
// internet, which must not be asked.
func (r *runner) run(t *testing.T, wantExit int, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.command[0], append(r.command[1:], args...)...)
	cmd.Env = append(os.Environ(), r.env...)
	for _, name := range []string{"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"} {
		cmd.Env = append(cmd.Env, name+"=http://"+closed)
	}
	cmd.Env = append(cmd.Env, "no_proxy=", "NO_PROXY=", "CREDBROKER_ADDRESS="+closed)
	got := result{start: time.Now()}
	text, err := cmd.CombinedOutput()
	got.end = time.Now()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", cmd, err)
	}
	got.lines = strings.Split(strings.TrimSpace(string(text)), "\n")
	got.exit, got.pid = cmd.ProcessState.ExitCode(), cmd.ProcessState.Pid()
	if got.exit != wantExit {
		t.Fatalf("%s: exit code %d, want %d:\n%s", cmd, got.exit, wantExit, got)
	}
	if strings.Contains(string(text), secret) {
		t.Errorf("%s printed a secret:\n%s", cmd, got)
	}
	return got
}

func (r result) String() string { return strings.Join(r.lines, "\n") }

// match returns the first group of a pattern that a line must match, or all of the match.
func (r result) match(t *testing.T, line int, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(r.lines[line])
	if found == nil {
		t.Fatalf("line %d does not match %s:\n%s", line+1, pattern, r)
	}
	return found[len(found)-1]
}

func (r result) checkPick(t *testing.T, line int, auth, binding string) {
	t.Helper()
	r.checkPickOf(t, line, auth, model, binding)
}

func (r result) checkPickOf(t *testing.T, line int, auth, model, binding string) {
	t.Helper()
	r.match(t, line, fmt.Sprintf(`^%s \(%s\): send model %s to %s with Authorization$`, auth, binding, model, upstream))
}

func (r result) checkCooldown(t *testing.T, line int, auth string) {
	t.Helper()
	until, err := time.Parse(time.RFC3339, r.match(t, line, "^"+auth+` is cooling down until (\S+)$`))
	if err != nil {
		t.Fatal(err)
	}
	// Some clients print whole seconds.
	if until.Before(r.start.Add(cooldown-time.Second)) || until.After(r.end.Add(cooldown)) {
		t.Errorf("%s is cooling down until %s, want %s after a time from %s to %s", auth, until, cooldown, r.start, r.end)
	}
}

// errorBody is the member `error` of a ready answer.
type errorBody struct {
	Code, Message, Model, Provider, Type string
	ResetSeconds                         int `json:"reset_seconds"`
}

// checkAnswer checks the ready answer that a client would pass on: a line with status and headers, and the body.
func (r result) checkAnswer(t *testing.T, line, status int) errorBody {
	t.Helper()
	r.match(t, line, fmt.Sprintf(`^answer %d .*Content-Type[ :'"]+application/json\b`, status))
	var body struct{ Error errorBody }
	if err := json.Unmarshal([]byte(r.lines[line+1]), &body); err != nil || body.Error.Message == "" {
		t.Errorf("body %q: %v, want JSON with a message", r.lines[line+1], err)
	}
	return body.Error
}
