package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
	"github.com/credbroker/credbroker/state"
)

// disk is a store that keeps nothing, and fails when it is told to.
type disk struct {
	mu      sync.Mutex
	failure error
	saves   int
}

var _ state.Store = (*disk)(nil)

func (*disk) Keys(_ context.Context, proposed state.Keys) (state.Keys, error) { return proposed, nil }

func (*disk) Load(context.Context, state.Sink) error { return nil }

func (d *disk) Save(context.Context, state.Batch) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saves++
	return d.failure
}

func (*disk) Close() error { return nil }

func (d *disk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failure = err
}

func (d *disk) saved() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.saves
}

func keptHarness(t *testing.T) (*servertest.Harness, *disk) {
	t.Helper()
	d := &disk{}
	return servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}, Local: d}), d
}

// change is a call that must outlive the process once it is answered.
type change struct {
	name string
	call func() error
}

// changes are all of them, each of which changes something after the one before.
func changes(t *testing.T, h *servertest.Harness) []change {
	ctx := t.Context()
	return []change{
		{"ReportCooldown", func() error {
			_, err := h.Broker.ReportCooldown(ctx, &credbrokerv1.ReportCooldownRequest{
				AuthId: "a", End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(time.Minute)},
			})
			return err
		}},
		{"ReportResult", func() error {
			_, err := h.Broker.ReportResult(ctx, &credbrokerv1.ReportResultRequest{AuthId: "a", HttpStatus: 429})
			return err
		}},
		{"InvalidateAuth", func() error {
			_, err := h.Broker.InvalidateAuth(ctx, &credbrokerv1.InvalidateAuthRequest{AuthId: "a", Disable: true})
			return err
		}},
		{"DisableAuth", func() error {
			_, err := h.Auths.DisableAuth(ctx, &credbrokerv1.DisableAuthRequest{AuthId: "a"})
			return err
		}},
		{"EnableAuth", func() error {
			_, err := h.Auths.EnableAuth(ctx, &credbrokerv1.EnableAuthRequest{AuthId: "a"})
			return err
		}},
		{"ClearCooldown", func() error {
			_, err := h.Auths.ClearCooldown(ctx, &credbrokerv1.ClearCooldownRequest{AuthId: "a"})
			return err
		}},
	}
}

func TestChangesAreAcknowledgedOnceTheyAreKept(t *testing.T) {
	h, d := keptHarness(t)
	for _, c := range changes(t, h) {
		before := d.saved()
		if err := c.call(); err != nil || d.saved() == before {
			t.Errorf("%s: %v, want that it waits for the changes of a", c.name, err)
		}
	}
	for _, c := range changes(t, h) {
		d.fail(errors.New("no space left on device"))
		wantError(t, c.call(), codes.Unavailable, server.ReasonStateUnavailable)
		d.fail(nil)
		if err := c.call(); err != nil {
			t.Errorf("%s once more: %v", c.name, err)
		}
	}
	if strings.Contains(h.Log.String(), "no space left") {
		t.Errorf("the log has a line for each call, which that of the store says already:\n%s", h.Log)
	}
}

func TestReleaseSessionIsKept(t *testing.T) {
	h, d := keptHarness(t)
	if _, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "claude", Model: "m", SessionId: "s"}); err != nil {
		t.Fatal(err)
	}
	d.fail(errors.New("no space left on device"))
	_, err := h.Auths.ReleaseSession(t.Context(), &credbrokerv1.ReleaseSessionRequest{
		Session: &credbrokerv1.ReleaseSessionRequest_Name{Name: &credbrokerv1.SessionName{Provider: "claude", SessionId: "caller:s", Model: "m"}},
	})
	wantError(t, err, codes.Unavailable, server.ReasonStateUnavailable)
}

func TestPicksWaitForNothing(t *testing.T) {
	h, d := keptHarness(t)
	d.fail(errors.New("no space left on device"))
	if _, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "claude"}); err != nil {
		t.Errorf("PickCredential = %v, want that it does not wait for state", err)
	}
}

func TestEnginesShow(t *testing.T) {
	h, d := keptHarness(t)
	show := func() (*credbrokerv1.Engine, string, string) {
		status, err := h.Auths.GetStatus(t.Context(), &credbrokerv1.GetStatusRequest{})
		if err != nil || len(status.GetEngines()) != 1 {
			t.Fatalf("GetStatus = %v, %v, want one engine", status, err)
		}
		ready := get(h, "/readyz")
		if ready.Code != http.StatusOK {
			t.Errorf("/readyz = %d, want 200 whatever the engine does", ready.Code)
		}
		return status.GetEngines()[0], ready.Body.String(), get(h, "/metrics").Body.String()
	}
	engine, ready, metrics := show()
	if engine.GetName() != "journal" || !engine.GetHealthy() || engine.GetDetail() != "" || ready != "ready\n" ||
		!strings.Contains(metrics, `credbroker_state_up{engine="journal"} 1`) {
		t.Errorf("a healthy engine shows as %v and %q", engine, ready)
	}
	d.fail(errors.New("no space left on device"))
	_, err := h.Auths.DisableAuth(t.Context(), &credbrokerv1.DisableAuthRequest{AuthId: "a"})
	wantError(t, err, codes.Unavailable, server.ReasonStateUnavailable)
	const want = "no space left on device; 1 records and 0 bindings wait"
	// Nothing waits while it is being saved once more.
	for range 1000 {
		if engine, ready, metrics = show(); engine.GetDetail() == want && strings.Contains(metrics, `of="records"} 1`) {
			break
		}
	}
	if engine.GetHealthy() || engine.GetDetail() != want ||
		!strings.Contains(ready, "journal does not work") || !strings.Contains(metrics, `credbroker_state_up{engine="journal"} 0`) ||
		!strings.Contains(metrics, `credbroker_state_pending{engine="journal",of="records"} 1`) {
		t.Errorf("an engine that fails shows as %v and %q", engine, ready)
	}
}
