package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/state/redis/redistest"
)

// trouble is something that befalls what a fleet shares, and the end of it.
type trouble struct {
	fleet       []*member
	begin, heal func()
}

const (
	troubledBrokers = 3
	fleetSecret     = "0123456789abcdef0123456789abcdef"
)

func (s fleetSuite) killedMaster(t *testing.T) {
	watched := redistest.StartSentinels(t)
	a := watched.Addrs
	redis := fmt.Sprintf("{addresses: ['%s', '%s', '%s'], sentinel: {master: %s}, secret: {value: %s}}", a[0], a[1], a[2], redistest.MasterName, fleetSecret)
	var fleet []*member
	for range troubledBrokers {
		fleet = append(fleet, s.member(t, redis))
	}
	endure(t, trouble{fleet, watched.Master.Kill, watched.AwaitFailover})
}

// behindProxies starts a server and brokers that reach it through proxies.
func (s fleetSuite) behindProxies(t *testing.T) (fleet []*member, proxies []*redistest.Proxy) {
	t.Helper()
	server := redistest.Start(t)
	for range troubledBrokers {
		p := redistest.NewProxy(t, server.Addr)
		proxies = append(proxies, p)
		fleet = append(fleet, s.member(t, "{addresses: ['"+p.Addr+"']}"))
	}
	return fleet, proxies
}

func (s fleetSuite) cutNetwork(t *testing.T) {
	fleet, proxies := s.behindProxies(t)
	endure(t, trouble{fleet, proxies[0].Cut, proxies[0].Heal})
}

func (s fleetSuite) stuckNetwork(t *testing.T) {
	fleet, proxies := s.behindProxies(t)
	endure(t, trouble{fleet, proxies[0].Stick, proxies[0].Heal})
}

func (s fleetSuite) slowServer(t *testing.T) {
	fleet, proxies := s.behindProxies(t)
	const delay = 50 * time.Millisecond
	endure(t, trouble{fleet, func() {
		for _, p := range proxies {
			p.Slow(delay)
		}
	}, func() {
		for _, p := range proxies {
			p.Heal()
		}
	}})
}

func (s fleetSuite) emptyRestart(t *testing.T) {
	server := redistest.Start(t)
	endure(t, trouble{s.brokers(t, troubledBrokers, server), server.Kill, server.Start})
}

func (s fleetSuite) evicting(t *testing.T) {
	server := redistest.Start(t, "--maxmemory-policy", "allkeys-lru")
	s.fullMemory(t, server)
	if n := server.Info("evicted_keys"); n == 0 {
		t.Error("nothing was thrown away")
	}
}

func (s fleetSuite) refusing(t *testing.T) {
	server := redistest.Start(t, "--maxmemory-policy", "noeviction")
	s.fullMemory(t, server)
	if n := server.Info("total_error_replies"); n == 0 {
		t.Error("nothing was refused")
	}
}

func (s fleetSuite) fullMemory(t *testing.T, server *redistest.Server) {
	t.Helper()
	var fleet []*member
	for range troubledBrokers {
		fleet = append(fleet, s.member(t, "{addresses: ['"+server.Addr+"'], secret: {value: "+fleetSecret+"}}"))
	}
	endure(t, trouble{fleet, func() {
		server.Do("CONFIG", "SET", "maxmemory", fmt.Sprint(server.Info("used_memory")))
	}, func() {
		server.Do("CONFIG", "SET", "maxmemory", "0")
	}})
}

// load is what gateways ask of a fleet, and what they were answered.
type load struct {
	t     *testing.T
	fleet []*member
	stop  context.CancelFunc
	tasks sync.WaitGroup

	mu           sync.Mutex
	known, fresh []time.Duration // how long picks of sessions took that the broker knew, and of new ones
	acknowledged []int           // wards whose reports were
	refused      int             // reports that were not
	sessions     []string        // that were picked for
}

// knownSessions are bound before the trouble begins.
const knownSessions = 50

func startLoad(t *testing.T, fleet []*member) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{t: t, fleet: fleet, stop: cancel}
	for n := range knownSessions {
		session := fmt.Sprint("known-", n)
		for _, m := range fleet {
			l.pick(ctx, m, session, &l.known)
		}
		l.sessions = append(l.sessions, session)
	}
	l.known = nil
	const pickEvery, reportEvery = 2 * time.Millisecond, 20 * time.Millisecond
	for i, m := range fleet {
		l.every(ctx, pickEvery, func(n int) { l.pick(ctx, m, fmt.Sprint("known-", n%knownSessions), &l.known) })
		l.every(ctx, 5*pickEvery, func(n int) { l.pickNew(ctx, m, fmt.Sprint("of-", i, "-", n)) })
		l.every(ctx, reportEvery*troubledBrokers, func(n int) { l.report(ctx, m, n*len(fleet)+i) })
	}
	return l
}

// every does something again and again until the load ends.
func (l *load) every(ctx context.Context, pause time.Duration, do func(n int)) {
	l.tasks.Go(func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				do(n)
			}
		}
	})
}

func (l *load) pickNew(ctx context.Context, m *member, session string) {
	l.pick(ctx, m, session, &l.fresh)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions = append(l.sessions, session)
}

func (l *load) pick(ctx context.Context, m *member, session string, took *[]time.Duration) {
	began := time.Now()
	_, _, err := m.pick(ctx, session)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err != nil:
		l.t.Errorf("pick: %v", err)
	default:
		*took = append(*took, time.Since(began))
	}
}

func (l *load) report(ctx context.Context, m *member, ward int) {
	if ward >= fleetWards {
		return
	}
	err := m.report(ctx, ward)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.acknowledged = append(l.acknowledged, ward)
	case ctx.Err() == nil:
		l.refused++
	}
}

func (l *load) reported() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]int(nil), l.acknowledged...)
}

// disagree returns a ward that was reported and that some broker would still hand out; -1: there is none.
func (l *load) disagree(reported []int) (ward int) {
	for _, m := range l.fleet {
		cooling, err := m.cooling(l.t.Context())
		for _, ward := range reported {
			if err != nil || !cooling[fmt.Sprint("ward-", ward)] {
				return ward
			}
		}
	}
	return -1
}

// endure puts a fleet through a trouble. Whatever it is: picks go on, no report that was acknowledged is lost, and once it is
// over all brokers agree again.
func endure(t *testing.T, trouble trouble) {
	t.Helper()
	const before, during, agreeIn = 200 * time.Millisecond, time.Second, 2 * time.Second
	l := startLoad(t, trouble.fleet)
	<-time.After(before)
	trouble.begin()
	<-time.After(during)
	trouble.heal()
	healed := time.Now()
	reported := l.reported()
	for l.disagree(reported) >= 0 && time.Since(healed) < patience {
		<-time.After(5 * time.Millisecond)
	}
	agreed := time.Since(healed)
	l.stop()
	l.tasks.Wait()
	t.Logf("picks of known sessions, %d: %s", len(l.known), quantiles(l.known))
	t.Logf("picks of new sessions, %d: %s", len(l.fresh), quantiles(l.fresh))
	t.Logf("%d reports were acknowledged, %d refused; all brokers agreed %v after it healed", len(l.acknowledged), l.refused, agreed.Round(time.Millisecond))
	if agreed > agreeIn {
		t.Errorf("brokers agreed only %v after it healed", agreed)
	}
	for ward := l.disagree(l.acknowledged); ward >= 0; ward = l.disagree(l.acknowledged) {
		if time.Since(healed) > patience {
			t.Fatalf("the report about ward %d was acknowledged, and is lost", ward)
		}
	}
	agreeInTheEnd(t, trouble.fleet, l.sessions)
	if p50 := l.known[len(l.known)/2]; p50 > 10*time.Millisecond {
		t.Errorf("half of the picks of known sessions took longer than %v: they wait for somebody", p50)
	}
	for i, m := range trouble.fleet {
		// An engine may come back for a moment. Were there a line for each request that notices, there would be hundreds.
		if lines := m.log.all(logEngineDown); len(lines) > 5 {
			t.Errorf("broker %d logged %d times that an engine is down: %v", i, len(lines), lines)
		}
	}
	if l.refused > 0 {
		t.Errorf("%d reports were refused, though each broker has a file", l.refused)
	}
}
