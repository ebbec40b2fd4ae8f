package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
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
