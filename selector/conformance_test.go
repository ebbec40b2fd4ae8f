package selector_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/credbroker/credbroker/internal/corpus"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/sessions/bindings"
)

type authCase struct {
	ID         string
	Provider   string
	Attributes map[string]string
	Metadata   map[string]any
	Disabled   bool
	Blocks     []blockCase
}

type blockCase struct {
	Model   string
	Kind    string
	UntilMS *int64 `json:"until_ms"`
}

type stepCase struct {
	Op         string
	Provider   string
	Model      string
	Headers    map[string][]string
	BodyB64    string   `json:"body_b64"`
	WebSocket  bool     `json:"downstream_websocket"`
	Exclude    []string `json:"exclude_auth_ids"`
	Prefix     string   `json:"model_prefix"`
	Count      int
	AuthID     string `json:"auth_id"`
	Disabled   bool
	Blocks     []blockCase
	Attributes map[string]string
	Auth       *authCase
	MS         int64
}

type wantCase struct {
	AuthID     string `json:"auth_id"`
	Binding    string
	Error      string
	RetryAfter json.RawMessage `json:"retry_after"`
}

type selectCase struct {
	ID, Family, Strategy string
	Affinity             bool `json:"session_affinity"`
	Failback             bool
	TTL                  int64 `json:"ttl_ms"`
	Pool                 []authCase
	Steps                []stepCase
	Want                 []wantCase
	WantAny              [][]wantCase `json:"want_any"`
}

func TestConformanceSelect(t *testing.T) {
	families := map[string]int{}
	for _, line := range slices.Concat(corpus.Cases(t, "select")...) {
		var c selectCase
		line.Decode(t, &c)
		families[c.Family]++
		t.Run(c.Family+"/"+c.ID, func(t *testing.T) {
			wants := c.WantAny
			if wants == nil {
				wants = [][]wantCase{c.Want}
			}
			var problem string
			for seed := range uint64(len(wants)) {
				got := c.play(t, seed)
				problem = ""
				if !slices.ContainsFunc(wants, func(want []wantCase) bool {
					p := difference(got, want)
					if p != "" {
						problem = p
					}
					return p == ""
				}) {
					t.Fatalf("seed %d: %s", seed, problem)
				}
			}
		})
	}
	printCounts("select", families)
}

func printCounts(what string, families map[string]int) {
	total := 0
	for _, family := range slices.Sorted(maps.Keys(families)) {
		fmt.Printf("conformance %s: %4d %s\n", what, families[family], family)
		total += families[family]
	}
	fmt.Printf("conformance %s: %4d cases\n", what, total)
}

// difference says where two runs part, "" if they do not.
func difference(got, want []wantCase) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d results, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if w.AuthID == "" && w.Error == "" {
			continue
		}
		if g.AuthID != w.AuthID || g.Error != w.Error || w.Binding != "" && g.Binding != w.Binding {
			return fmt.Sprintf("step %d: Pick = %+v, want %+v", i, g, w)
		}
		if len(w.RetryAfter) > 0 && string(w.RetryAfter) != string(g.RetryAfter) {
			if text, err := strconv.Unquote(string(w.RetryAfter)); err != nil || text != string(g.RetryAfter) {
				return fmt.Sprintf("step %d: retry after %s, want %s", i, g.RetryAfter, w.RetryAfter)
			}
		}
	}
	return ""
}

// replayer plays one case on a clock of its own.
type replayer struct {
	t     *testing.T
	pool  *selector.Pool
	table *bindings.Table
	auths map[string]*selector.Auth
	now   time.Time
	start time.Time
}

func (c *selectCase) play(t *testing.T, seed uint64) []wantCase {
	t.Helper()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := &replayer{t: t, auths: map[string]*selector.Auth{}, now: start, start: start}
	strategy := selector.RoundRobin
	for strategy.String() != c.Strategy {
		if strategy++; strategy > selector.WeightedRoundRobin {
			t.Fatalf("unknown strategy %q", c.Strategy)
		}
	}
	config := selector.Config{Settings: selector.Settings{Strategy: strategy, Failback: c.Failback}, Seed: seed}
	if c.Affinity {
		ttl := time.Hour
		if c.TTL > 0 {
			ttl = time.Duration(c.TTL) * time.Millisecond
		}
		p.table = bindings.New(bindings.Config{TTL: ttl})
		config.Bindings = p.table
	}
	p.pool = selector.New(config)
	for i := range c.Pool {
		p.add(&c.Pool[i])
	}
	got := make([]wantCase, len(c.Steps))
	for i := range c.Steps {
		got[i] = p.step(&c.Steps[i])
	}
	return got
}

func (p *replayer) add(a *authCase) {
	p.auths[a.ID] = &selector.Auth{
		ID: a.ID, Provider: a.Provider, Attributes: a.Attributes, WebSockets: a.Metadata["websockets"],
	}
	p.pool.Update([]*selector.Auth{p.auths[a.ID]}, nil, p.now)
	p.setState(a.ID, a.Disabled, a.Blocks)
}

func (p *replayer) setState(id string, disabled bool, blocks []blockCase) {
	p.must(p.pool.ClearCooldown(id, "", p.now))
	if disabled {
		p.must(0, p.pool.Disable(id, "", p.now))
	} else {
		p.must(0, p.pool.Enable(id, p.now))
	}
	for _, b := range blocks {
		c := selector.Cooldown{Model: b.Model, Kind: cooldown.Other, Endless: b.UntilMS == nil}
		switch b.Kind {
		case "quota":
			c.Kind = cooldown.Quota
		case "disabled":
			c.Endless = true
		case "other":
		default:
			p.t.Fatalf("unknown kind %q", b.Kind)
		}
		if !c.Endless {
			c.Until = p.start.Add(time.Duration(*b.UntilMS) * time.Millisecond)
			if !c.Until.After(p.now) {
				continue
			}
		}
		if _, err := p.pool.Cooldown(id, c, p.now); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *replayer) must(_ int, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *replayer) step(s *stepCase) wantCase {
	switch s.Op {
	case "pick":
		return p.pick(s, s.Model)
	case "pick_many":
		for i := range s.Count {
			if got := p.pick(s, s.Prefix+strconv.Itoa(i)); got.Error != "" {
				p.t.Fatalf("pick %d of many: %s", i, got.Error)
			}
		}
	case "set_state":
		if s.Attributes != nil {
			changed := *p.auths[s.AuthID]
			changed.Attributes = s.Attributes
			p.auths[s.AuthID] = &changed
			p.pool.Update([]*selector.Auth{&changed}, nil, p.now)
		}
		p.setState(s.AuthID, s.Disabled, s.Blocks)
	case "add":
		p.add(s.Auth)
	case "remove":
		p.pool.Update(nil, []string{s.AuthID}, p.now)
	case "release_sessions":
		if _, err := p.pool.Release(s.AuthID, "", p.now); err != nil && !errors.Is(err, selector.ErrUnknownAuth) {
			p.t.Fatal(err)
		}
	case "advance":
		p.now = p.now.Add(time.Duration(s.MS) * time.Millisecond)
	default:
		p.t.Fatalf("unknown step %q", s.Op)
	}
	return wantCase{}
}

func (p *replayer) pick(s *stepCase, model string) wantCase {
	request := selector.Request{Provider: s.Provider, Model: model, Exclude: s.Exclude, Sessions: p.sessions(s, model)}
	if s.WebSocket {
		request.Options = selector.WebSocket
	}
	pick, err := p.pool.Pick(&request, p.now)
	var cooling *selector.CooldownError
	var unavailable *selector.UnavailableError
	switch {
	case err == nil:
		return wantCase{AuthID: pick.Auth.ID, Binding: bindingNames()[pick.Binding]}
	case errors.As(err, &cooling):
		seconds := int64((cooling.Wait + time.Second - 1) / time.Second)
		return wantCase{Error: "MODEL_COOLDOWN", RetryAfter: json.RawMessage(strconv.FormatInt(seconds, 10))}
	case errors.As(err, &unavailable):
		return wantCase{Error: "AUTH_UNAVAILABLE"}
	case errors.Is(err, selector.ErrAuthNotFound):
		return wantCase{Error: "AUTH_NOT_FOUND"}
	}
	p.t.Fatalf("Pick: %v", err)
	return wantCase{}
}

func bindingNames() []string {
	return []string{"NONE", "NEW", "HIT", "INHERITED", "REBOUND", "DIVERTED"}
}

func (p *replayer) sessions(s *stepCase, model string) []selector.Session {
	if p.table == nil {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(s.BodyB64)
	if err != nil {
		p.t.Fatal(err)
	}
	var h sessions.Headers
	for name, values := range s.Headers {
		for _, value := range values {
			h.Add(name, value)
		}
	}
	var found []selector.Session
	identity := sessions.Identify(&h, body, sessions.IdentificationReference)
	for _, id := range identity.IDs {
		found = append(found, selector.Session{Key: p.table.Key(s.Provider, id, selector.ModelKey(model))})
	}
	return found
}

func TestConformanceUnits(t *testing.T) {
	families := map[string]int{}
	for _, line := range slices.Concat(corpus.Cases(t, "units")...) {
		var c struct {
			ID, Family     string
			Input          string
			Attribute      string
			Metadata, Want any
		}
		line.Decode(t, &c)
		var got any
		switch c.Family {
		case "canonical_model":
			got = selector.ModelKey(c.Input)
		case "priority":
			got = selector.PriorityOf(c.Input)
		case "websockets":
			metadata := c.Metadata
			if object, ok := metadata.(map[string]any); ok {
				metadata = object["websockets"]
			}
			got = selector.WebSocketsOn(c.Attribute, metadata)
		case "message_hash", "cooldown_error":
			continue // of the packages sessions and server
		default:
			t.Errorf("%s: unknown family %q", c.ID, c.Family)
			continue
		}
		families[c.Family]++
		if fmt.Sprint(got) != fmt.Sprint(c.Want) {
			t.Errorf("%s: %s(%q) = %v, want %v", c.ID, c.Family, c.Input, got, c.Want)
		}
	}
	printCounts("units", families)
}
