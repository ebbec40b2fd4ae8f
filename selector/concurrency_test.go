package selector_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// Everything at once, for the race detector: the bindings are not safe for concurrent use, so it also sees whether the
// pool calls them under its lock.
func TestEverythingMayBeCalledAtOnce(t *testing.T) {
	const workers, rounds = 8, 400
	p := selector.New(selector.Config{
		Bindings: newSessionTable[selector.Slot](time.Minute), Settings: selector.Settings{Strategy: selector.WeightedRoundRobin},
	})
	off := auth("off", func(a *selector.Auth) { a.Disabled = true })
	p.Update(append(numbered(100, nil), off), nil, historyStart())
	w := p.Watch()
	defer w.Close()
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			for i := range rounds {
				if err := anything(p, w, r, historyStart().Add(time.Duration(i)*time.Second)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := p.CheckIndex(); err != nil {
		t.Error(err)
	}
}

func anything(p *selector.Pool, w *selector.Watcher, r *rand.Rand, now time.Time) error {
	id := fmt.Sprintf("auth-%06d", r.IntN(120))
	model := fmt.Sprint("m", r.IntN(5))
	switch r.IntN(14) {
	default:
		req := selector.Request{Provider: "p", Model: model, Sessions: session(r.Uint64N(50)), Exclude: []string{id}, Options: selector.Options(r.IntN(16))}
		req.Sessions[0].Role = selector.Role(r.IntN(2))
		req.Parent, req.Marks, req.Pins = session(r.Uint64N(50))[0].Key, session(r.Uint64N(50)), session(r.Uint64N(200))
		got, err := p.Pick(&req, now)
		if err == nil && (got.Auth.ID == id || got.Auth.ID == "off") {
			return fmt.Errorf("Pick = %s, which is disabled or excluded", got.Auth.ID)
		}
	case 0, 1:
		_, err := p.Cooldown(id, selector.Cooldown{Model: model, Until: now.Add(time.Duration(r.IntN(20)+1) * time.Second)}, now)
		return unlessUnknown(err)
	case 2:
		_, err := p.Cooldown(id, selector.Cooldown{Kind: cooldown.Transient}, now)
		return unlessUnknown(err)
	case 3:
		priority := int64(r.IntN(2))
		p.Update([]*selector.Auth{auth(id, func(a *selector.Auth) { a.Priority = &priority })}, nil, now)
	case 4:
		p.Update([]*selector.Auth{auth(id, func(a *selector.Auth) { a.Label = model })}, []string{fmt.Sprintf("auth-%06d", 100+r.IntN(20))}, now)
	case 5:
		p.List(selector.Filter{Model: model, Limit: 10}, now)
		p.Counts(nil, now)
	case 6:
		w.Take()
		other := p.Watch()
		other.Close()
	case 7:
		p.Advance(now, 10)
		_, err := p.Release(id, "", now)
		return unlessUnknown(err)
	case 8:
		if r.IntN(2) == 0 {
			return unlessUnknown(p.Disable(id, "", now))
		}
		return unlessUnknown(p.Enable(id, now))
	case 9:
		p.Configure(selector.Settings{Strategy: selector.Strategy(r.IntN(3)), Failback: r.IntN(2) == 0})
		status, err := p.Status(id, now)
		p.AuthOf(status.Slot)
		return unlessUnknown(err)
	case 11:
		return unlessUnknown(p.Answered(selector.Answer{AuthID: id, Sessions: session(r.Uint64N(200)), FirstTurn: session(r.Uint64N(50))[0].Key}, now))
	case 10:
		_, err := p.ClearCooldown(id, "", now)
		return unlessUnknown(err)
	}
	return nil
}

func unlessUnknown(err error) error {
	if errors.Is(err, selector.ErrUnknownAuth) {
		return nil
	}
	return err
}

// A listing lets others pass now and then; what it says of each auth is still of one time.
func TestListingOfALargePoolSurvivesUpdatesWhileItRuns(t *testing.T) {
	p := selector.New(selector.Config{})
	now := historyStart()
	p.Update(numbered(5000, nil), nil, now)
	var all sync.WaitGroup
	all.Go(func() {
		for i := range 30 {
			p.Update([]*selector.Auth{auth("auth-000001", priority(int64(i)))}, []string{fmt.Sprintf("auth-%06d", 4000+i)}, now)
		}
	})
	for range 30 {
		page, total := p.List(selector.Filter{}, now)
		if len(page) != total || total > 5000 || total < 4970 {
			t.Errorf("List = %d auths, total %d", len(page), total)
		}
	}
	all.Wait()
	if _, total := p.List(selector.Filter{}, now); total != 4970 {
		t.Errorf("%d auths are left, want 4970", total)
	}
}
