package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

type watchStream = interface {
	Recv() (*credbrokerv1.WatchAuthsResponse, error)
}

// next is the next event in few words.
func next(t *testing.T, stream watchStream) string {
	t.Helper()
	got, err := stream.Recv()
	if err != nil {
		t.Fatalf("Recv: %v", err)
	}
	switch e := got.GetEvent().(type) {
	case *credbrokerv1.WatchAuthsResponse_Auth:
		return e.Auth.GetConfig().GetId() + " " + e.Auth.GetState().String()
	case *credbrokerv1.WatchAuthsResponse_RemovedAuthId:
		return e.RemovedAuthId + " removed"
	case *credbrokerv1.WatchAuthsResponse_SnapshotSize:
		return fmt.Sprintf("snapshot of %d", e.SnapshotSize)
	}
	return "nothing"
}

func wantNext(t *testing.T, stream watchStream, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := next(t, stream); got != w {
			t.Fatalf("event = %q, want %q", got, w)
		}
	}
}

func TestWatchAuths(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{
		servertest.Key("a", "claude"), servertest.Key("b", "codex"), servertest.Key("c", "claude"),
	}})
	all, err := h.Auths.WatchAuths(t.Context(), &credbrokerv1.WatchAuthsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wantNext(t, all, "a AUTH_STATE_READY", "b AUTH_STATE_READY", "c AUTH_STATE_READY", "snapshot of 3")
	claude, err := h.Auths.WatchAuths(t.Context(), &credbrokerv1.WatchAuthsRequest{Provider: "claude"})
	if err != nil {
		t.Fatal(err)
	}
	wantNext(t, claude, "a AUTH_STATE_READY", "c AUTH_STATE_READY", "snapshot of 2")

	if _, err := h.Core.Disable(t.Context(), broker.Caller{}, "b", "", h.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	wantNext(t, all, "b AUTH_STATE_DISABLED")
	h.Core.Update(nil, []string{"b"}, h.Clock.Now())
	wantNext(t, all, "b removed")
	if _, err := h.Core.Disable(t.Context(), broker.Caller{}, "a", "", h.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	wantNext(t, all, "a AUTH_STATE_DISABLED")
	// The caller that asked for claude hears nothing of b.
	wantNext(t, claude, "a AUTH_STATE_DISABLED")

	// An auth that changes its provider leaves one watch.
	h.Core.Update([]*selector.Auth{servertest.Key("c", "codex")}, nil, h.Clock.Now())
	wantNext(t, all, "c AUTH_STATE_READY")
	wantNext(t, claude, "c removed")
}

func TestSlowWatchSeesTheLastState(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}})
	stream, err := h.Auths.WatchAuths(t.Context(), &credbrokerv1.WatchAuthsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wantNext(t, stream, "a AUTH_STATE_READY", "snapshot of 1")
	// Far more changes than flow control lets through without a reader.
	for range 50_000 {
		if _, err := h.Core.Disable(t.Context(), broker.Caller{}, "a", "", h.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Core.Enable(t.Context(), broker.Caller{}, "a", h.Clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	h.Core.Update(nil, []string{"a"}, h.Clock.Now())
	events := 1
	for next(t, stream) != "a removed" {
		events++
	}
	if events > 50_000 {
		t.Errorf("%d events for 100,001 changes, want them joined", events)
	}
}

func TestWatchEnds(t *testing.T) {
	h := servertest.New(t, servertest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := h.Auths.WatchAuths(ctx, &credbrokerv1.WatchAuthsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wantNext(t, stream, "snapshot of 0")
	cancel()
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("Recv after a cancel = %v, want CANCELED", err)
	}
	stream, err = h.Auths.WatchAuths(t.Context(), &credbrokerv1.WatchAuthsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wantNext(t, stream, "snapshot of 0")
	h.Server.Stop(t.Context())
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("Recv after a stop = %v, want the end of the stream", err)
	}
}

const watchMethod = "/credbroker.v1.AuthPool/WatchAuths"

// startWatch starts a watch that is not read beyond the first window.
func startWatch(t *testing.T, p *servertest.Peer) uint32 {
	t.Helper()
	stream, err := p.Call(watchMethod)
	if err == nil {
		err = p.Send(stream, servertest.Message(0, 0), true)
	}
	if err != nil {
		t.Fatalf("start a watch: %v", err)
	}
	return stream
}

func numberedKeys(n int) []*selector.Auth {
	auths := make([]*selector.Auth, n)
	for i := range auths {
		auths[i] = servertest.Key(fmt.Sprintf("auth-%05d", i), "claude")
	}
	return auths
}

// A watch that is not read ends with a reason, which comes once what was sent before it is read, and gives its room back.
func TestUnreadWatchEnds(t *testing.T) {
	const aborted = "10"
	h := servertest.New(t, servertest.Options{
		Auths: numberedKeys(5000), Limits: server.Limits{Watches: 1, WatchTimeout: 100 * time.Millisecond},
	})
	p := h.Peer(t)
	stream := startWatch(t, p)
	waitFor(t, func() bool { return refusals(t, h, "unread") == 1 })
	if _, early := p.Ended(stream); early || p.Data() > 1<<16 {
		t.Errorf("%d bytes came of a watch that is not read, at its end: %t", p.Data(), early)
	}
	if err := p.Read(stream, 1<<20); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, p, stream, aborted, "watch again")
	startWatch(t, p)
	waitFor(t, func() bool { return refusals(t, h, "unread") == 2 })
	if refused := refusals(t, h, "watch"); refused != 0 {
		t.Errorf("%v watches were refused, though the first has ended", refused)
	}
}

// The connection of a peer that lets one watch after the other end unread is closed: what was sent stays in memory until then.
func TestUnreadWatchesCloseTheConnection(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: numberedKeys(5000), Limits: server.Limits{WatchTimeout: 20 * time.Millisecond}})
	p := h.Peer(t)
	for range 4 {
		startWatch(t, p)
	}
	waitFor(t, func() bool { _, err := p.Call(watchMethod); return err != nil })
}

func TestWatchesAreBounded(t *testing.T) {
	token, known := servertest.Token(1)
	second, other := servertest.Token(2)
	h := servertest.New(t, servertest.Options{Limits: server.Limits{Watches: 3}, Callers: []access.Caller{
		{Name: "one", Roles: access.Read, Tokens: []access.Token{known}}, {Name: "two", Roles: access.Read, Tokens: []access.Token{other}},
	}})
	watch := func(token string) error {
		stream, err := h.Auths.WatchAuths(as(t.Context(), token), &credbrokerv1.WatchAuthsRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	if err := watch(token); err != nil {
		t.Fatal(err)
	}
	wantError(t, watch(token), codes.ResourceExhausted, server.ReasonRateLimited)
	if err := watch(second); err != nil {
		t.Errorf("the watch of another caller: %v", err)
	}

	open := servertest.New(t, servertest.Options{Limits: server.Limits{Watches: 1}})
	stream, err := open.Auths.WatchAuths(t.Context(), &credbrokerv1.WatchAuthsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wantNext(t, stream, "snapshot of 0")
	third, err := open.Auths.WatchAuths(t.Context(), &credbrokerv1.WatchAuthsRequest{})
	if err == nil {
		_, err = third.Recv()
	}
	wantError(t, err, codes.Unavailable, server.ReasonOverloaded)
	if got := refusals(t, open, "watch"); got != 1 {
		t.Errorf("refused_total of watches = %v, want 1", got)
	}
}
