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

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

// keeper is a state that notes what is asked of it, and fails when it is told to.
type keeper struct {
	harness *servertest.Harness

	mu      sync.Mutex
	failure error
	waited  []string // ids of auths
}

var _ broker.State = (*keeper)(nil)

func (k *keeper) Pick(_ context.Context, req *selector.Request, now time.Time) (selector.Pick, error) {
	return k.harness.Pool.Pick(req, now)
}

func (k *keeper) Durable(_ context.Context, id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waited = append(k.waited, id)
	return k.failure
}

func (k *keeper) Forget(_ context.Context, key selector.SessionKey, now time.Time) (selector.Slot, bool, error) {
	slot, ok := k.harness.Sessions.Forget(key, now)
	k.mu.Lock()
	defer k.mu.Unlock()
	return slot, ok, k.failure
}

func (k *keeper) Engines() []broker.Engine {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := broker.Engine{Name: "journal", Records: 3, Bindings: 1}
	if k.failure != nil {
		e.Failure = k.failure.Error()
	}
	return []broker.Engine{e}
}

func (k *keeper) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failure = err
}

func (k *keeper) take() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	waited := strings.Join(k.waited, " ")
	k.waited = nil
	return waited
}

func keptHarness(t *testing.T) (*servertest.Harness, *keeper) {
	t.Helper()
	k := &keeper{}
	k.harness = servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}, State: k})
	return k.harness, k
}

// changes are all calls that must outlive the process once they are answered.
func changes(t *testing.T, h *servertest.Harness) map[string]func() error {
	ctx := t.Context()
	return map[string]func() error{
		"ReportCooldown": func() error {
			_, err := h.Broker.ReportCooldown(ctx, &credbrokerv1.ReportCooldownRequest{
				AuthId: "a", End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(time.Minute)},
			})
			return err
		},
		"ReportResult": func() error {
			_, err := h.Broker.ReportResult(ctx, &credbrokerv1.ReportResultRequest{AuthId: "a", HttpStatus: 429})
			return err
		},
		"InvalidateAuth": func() error {
			_, err := h.Broker.InvalidateAuth(ctx, &credbrokerv1.InvalidateAuthRequest{AuthId: "a", Disable: true})
			return err
		},
		"DisableAuth": func() error {
			_, err := h.Auths.DisableAuth(ctx, &credbrokerv1.DisableAuthRequest{AuthId: "a"})
			return err
		},
		"EnableAuth": func() error {
			_, err := h.Auths.EnableAuth(ctx, &credbrokerv1.EnableAuthRequest{AuthId: "a"})
			return err
		},
		"ClearCooldown": func() error {
			_, err := h.Auths.ClearCooldown(ctx, &credbrokerv1.ClearCooldownRequest{AuthId: "a"})
			return err
		},
	}
}

func TestChangesAreAcknowledgedOnceTheyAreKept(t *testing.T) {
	h, k := keptHarness(t)
	for name, call := range changes(t, h) {
		if err := call(); err != nil || k.take() != "a" {
			t.Errorf("%s: %v, want that it waits for the changes of a", name, err)
		}
	}
	for name, call := range changes(t, h) {
		k.fail(errors.New("no space left on device"))
		wantError(t, call(), codes.Unavailable, server.ReasonStateUnavailable)
		k.fail(nil)
		if err := call(); err != nil {
			t.Errorf("%s once more: %v", name, err)
		}
	}
	if strings.Contains(h.Log.String(), "no space left") {
		t.Errorf("the log has a line for each call, which the keeper's one says already:\n%s", h.Log)
	}
}

func TestReleaseSessionIsKept(t *testing.T) {
	h, k := keptHarness(t)
	if _, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "claude", Model: "m", SessionId: "s"}); err != nil {
		t.Fatal(err)
	}
	k.fail(errors.New("no space left on device"))
	_, err := h.Auths.ReleaseSession(t.Context(), &credbrokerv1.ReleaseSessionRequest{
		Session: &credbrokerv1.ReleaseSessionRequest_Name{Name: &credbrokerv1.SessionName{Provider: "claude", SessionId: "caller:s", Model: "m"}},
	})
	wantError(t, err, codes.Unavailable, server.ReasonStateUnavailable)
}

func TestPicksWaitForNothing(t *testing.T) {
	h, k := keptHarness(t)
	k.fail(errors.New("no space left on device"))
	if _, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "claude"}); err != nil || k.take() != "" {
		t.Errorf("PickCredential = %v, want that it does not wait for state", err)
	}
}

func TestEnginesShow(t *testing.T) {
	h, k := keptHarness(t)
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
	k.fail(errors.New("no space left on device"))
	engine, ready, metrics = show()
	if engine.GetHealthy() || engine.GetDetail() != "no space left on device; 3 records and 1 bindings wait" ||
		!strings.Contains(ready, "journal does not work") || !strings.Contains(metrics, `credbroker_state_up{engine="journal"} 0`) ||
		!strings.Contains(metrics, `credbroker_state_pending{engine="journal",of="records"} 3`) {
		t.Errorf("an engine that fails shows as %v and %q", engine, ready)
	}
}
