package selector_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

func TestAReferenceGoesToItsIssuer(t *testing.T) {
	p := newSessionPlayer(t, 3, selector.Settings{})
	p.issued("auth-000002", "r1")
	bare := func() *selector.Request { return &selector.Request{Provider: "p", Model: "m"} }
	p.stays(p.pinned(bare(), "r1"), selector.BindingHit, "auth-000002")
	p.stays(p.pinned(p.firstTurn("and then?"), "r1"), selector.BindingHit, "auth-000002")
	if p.gets(p.firstTurn("and then?"), selector.BindingNew) == "auth-000002" {
		t.Error("a first turn beside a reference was bound")
	}
	named := &selector.Request{Provider: "p", Model: "m", Sessions: []selector.Session{{Key: p.key("conv:c")}}}
	elsewhere := p.leaves(named, selector.BindingNew, "auth-000002")
	got, err := p.Pick(p.pinned(named, "r1"), p.now)
	if err != nil || got.Auth.ID != "auth-000002" || got.Binding != selector.BindingInherited || got.From != elsewhere {
		t.Errorf("Pick = %s by %v from %q, %v; want auth-000002 inherited, from %s", got.Auth.ID, got.Binding, got.From, err, elsewhere)
	}
	p.stays(p.pinned(named, "r1"), selector.BindingHit, "auth-000002")
	p.stays(named, selector.BindingHit, "auth-000002")
	p.gets(p.pinned(bare(), "unknown"), selector.BindingNone)
}

// Nobody else can go on, so one bad request must not keep a conversation from its issuer.
func TestDoubtKeepsNoReferenceFromItsIssuer(t *testing.T) {
	for _, auths := range []int{1, 3} {
		p := newSessionPlayer(t, auths, selector.Settings{})
		p.issued("auth-000000", "r1")
		req := p.pinned(&selector.Request{Provider: "p", Model: "m"}, "r1")
		p.fail(1, "auth-000000", doubtful(forbidden(p.now)))
		p.stays(req, selector.BindingHit, "auth-000000")
		p.fail(2, "auth-000000", doubtful(forbidden(p.now)))
		_, err := p.Pick(req, p.now)
		if pinned, ok := errors.AsType[*selector.PinnedError](err); !ok || pinned.Lost || pinned.Wait == 0 {
			t.Errorf("after two of %d auths: %v, want to wait for the issuer", auths, err)
		}
		req.Tag = 3
		p.stays(req, selector.BindingHit, "auth-000000")
		req.Exclude = []string{"auth-000000"}
		if _, err := p.Pick(req, p.now); err == nil {
			t.Error("an issuer that is excluded was picked")
		}
	}
}

// failPinned reports that a request failed with the issuer of a reference that it names.
func (p *sessionPlayer) failPinned(tag uint64, id, reference string, f cooldown.Finding) selector.Consequence {
	p.t.Helper()
	p.now = p.now.Add(time.Millisecond)
	auth, _ := p.Auth(id)
	again := againOf(auth, "m", tag)
	c, err := p.Report(selector.Attempt{AuthID: id, Model: "m", Started: p.now, Tag: tag, Pin: p.key(reference), Again: p.pinned(again, reference)}, f, p.now)
	p.must(err)
	return c
}

// Nobody else can serve what names a reference, so nothing would ever take back what a bad request of that sort is held against.
func TestPinnedBadRequestsCostNoAuth(t *testing.T) {
	for _, pause := range []time.Duration{0, 61 * time.Second, 31 * time.Minute} {
		p := newSessionPlayer(t, 3, selector.Settings{})
		tag := uint64(0)
		for range 4 {
			for i := range 3 {
				id, reference := fmt.Sprintf("auth-%06d", i), fmt.Sprint("r", i)
				p.issued(id, reference)
				p.stays(p.pinned(&selector.Request{Provider: "p", Model: "m"}, reference), selector.BindingHit, id)
				tag++
				if got := p.failPinned(tag, id, reference, doubtful(forbidden(p.now))); got.Action != cooldown.ActionNone || got.Others || got.Note == "" {
					t.Errorf("a pinned failure: %+v, want nothing held against %s, and nobody else to try", got, id)
				}
			}
			p.wantReady(fmt.Sprint("after pinned failures, with pauses of ", pause))
			p.now = p.now.Add(pause)
		}
	}
}

// What may be no request's fault, or that of one that others can serve, is held against the auth as ever.
func TestPinnedFailuresHideNoRevokedAuth(t *testing.T) {
	p := newSessionPlayer(t, 3, selector.Settings{})
	p.issued("auth-000000", "r")
	p.failPinned(1, "auth-000000", "r", doubtful(forbidden(p.now)))
	if got := p.failPinned(2, "auth-000000", "unknown", doubtful(forbidden(p.now))); got.Until.Sub(p.now) != cooldown.DoubtSpan {
		t.Errorf("a failure with an unknown reference: %+v, want a cooldown of a minute", got)
	}
	p.failPinned(3, "auth-000000", "r", doubtful(forbidden(p.now)))
	if got := p.fail(4, "auth-000000", doubtful(forbidden(p.now))); got.Until.Sub(p.now) < 29*time.Minute {
		t.Errorf("a second failure that is not pinned: %+v, want half an hour", got)
	}
	p.issued("auth-000001", "s")
	if got := p.failPinned(5, "auth-000001", "s", forbidden(p.now)); got.Until.Sub(p.now) < 29*time.Minute {
		t.Errorf("a pinned failure beyond doubt: %+v, want half an hour", got)
	}
}

func TestAReferenceIsLostWithItsIssuer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		happen func(p *sessionPlayer)
		req    func(req *selector.Request)
		want   *selector.PinnedError
	}{
		{
			name: "it cools down", happen: func(p *sessionPlayer) { p.cool("auth-000001", "", time.Minute) },
			want: &selector.PinnedError{AuthID: "auth-000001", Reason: selector.ReasonCoolingAuth, Wait: time.Minute},
		},
		{
			name: "all cool down, others for less", happen: func(p *sessionPlayer) {
				p.cool("auth-000000", "", time.Second)
				p.cool("auth-000001", "", time.Minute)
				p.cool("auth-000002", "", time.Second)
			},
			want: &selector.PinnedError{AuthID: "auth-000001", Reason: selector.ReasonCoolingAuth, Wait: time.Minute},
		},
		{
			name: "it is disabled", happen: func(p *sessionPlayer) { p.must(p.Disable("auth-000001", "", p.now)) },
			want: &selector.PinnedError{AuthID: "auth-000001", Reason: selector.ReasonDisabled, Lost: true},
		},
		{
			name: "it left the pool", happen: func(p *sessionPlayer) { p.Update(nil, []string{"auth-000001"}, p.now) },
			want: &selector.PinnedError{Lost: true},
		},
		{
			name: "it serves the model no more", happen: func(p *sessionPlayer) {
				p.put(auth("auth-000001", func(a *selector.Auth) { a.Models = []string{"n"} }))
			},
			want: &selector.PinnedError{AuthID: "auth-000001", Reason: selector.ReasonModelNotServed, Lost: true},
		},
		{
			name: "the request excludes it", happen: func(*sessionPlayer) {}, req: func(req *selector.Request) { req.Exclude = []string{"auth-000001"} },
			want: &selector.PinnedError{AuthID: "auth-000001", Reason: selector.ReasonExcluded, Lost: true},
		},
		{
			name: "it is below the best tier", happen: func(p *sessionPlayer) { p.put(auth("best", priority(1))) },
		},
		{
			name: "its secret was refused", happen: func(p *sessionPlayer) { p.report("auth-000001", 0, refused()) },
			want: &selector.PinnedError{AuthID: "auth-000001", Reason: selector.ReasonInvalidated, Lost: true},
		},
		{
			name: "its sessions were released", happen: func(p *sessionPlayer) { _, _ = p.Release("auth-000001", "", p.now) },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newSessionPlayer(t, 3, selector.Settings{Failback: true})
			p.issued("auth-000001", "r1")
			tt.happen(p)
			req := p.pinned(p.firstTurn("and then?"), "r1")
			if tt.req != nil {
				tt.req(req)
			}
			pick, err := p.Pick(req, p.now)
			var got *selector.PinnedError
			if errors.As(err, &got); tt.want != nil {
				tt.want.Model, tt.want.Provider = "m", "p"
			} else if err == nil && pick.Auth.ID != "auth-000001" {
				t.Errorf("Pick = %s, want the issuer", pick.Auth.ID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Pick: %v; (-want +got)\n%s", err, diff)
			}
		})
	}
}
