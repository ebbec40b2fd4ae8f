package broker_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/statetest"
	"github.com/credbroker/credbroker/verdict"
)

// late is how long the stores of these tests take to answer.
const late = 300 * time.Millisecond

// bind binds a session of the caller's to an auth.
func bind(t *testing.T, b *broker.Broker, session string) broker.Picked {
	t.Helper()
	identity, err := sessions.Caller(session)
	if err != nil {
		t.Fatal(err)
	}
	return pick(t, b, &broker.PickRequest{Provider: "p", Model: "m", Session: identity})
}

func pick(t *testing.T, b *broker.Broker, req *broker.PickRequest) broker.Picked {
	t.Helper()
	picked, err := b.Pick(t.Context(), req, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return picked
}

// ask is a request with a body.
func ask(body string) *broker.PickRequest {
	return &broker.PickRequest{Provider: "p", Model: "m", Body: []byte(body)}
}

// withLateStore runs a test in virtual time on a broker whose store answers late.
func withLateStore(t *testing.T, test func(t *testing.T, b *broker.Broker, stored *statetest.Memory)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		memory := &statetest.Memory{}
		store := memory.Replica()
		store.Disturb(func(string) statetest.Disturbance { return statetest.Disturbance{Before: late} })
		b := broker.New(broker.Config{Settings: broker.Settings{Affinity: true}, Local: store, Auths: fullDisk{}})
		b.Update([]*selector.Auth{{ID: "a", Provider: "p"}, {ID: "b", Provider: "p"}}, nil, time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.Run(ctx)
		}()
		test(t, b, memory)
		cancel()
		<-done
	})
}

// fullDisk is a store of auths that can write nothing.
type fullDisk struct{}

func (fullDisk) Put(context.Context, string, []byte) (bool, error) {
	return false, errors.New("no space")
}

func (fullDisk) Delete(ctx context.Context, _ string) error { return context.DeadlineExceeded }

type command struct {
	name string
	call func(ctx context.Context, b *broker.Broker) error
}

// commands are the use cases that change an auth, each of which changes something after the one before.
func commands() []command {
	return []command{
		{"Cooldown", func(ctx context.Context, b *broker.Broker) error {
			_, err := b.Cooldown(ctx, broker.Caller{}, &broker.CooldownOrder{AuthID: "a", Cooldown: selector.Cooldown{Until: time.Now().Add(time.Minute)}}, time.Now())
			return err
		}},
		{"Report", func(ctx context.Context, b *broker.Broker) error {
			_, err := b.Report(ctx, &broker.Report{AuthID: "a", Outcome: verdict.Outcome{Model: "m", Status: 429}}, time.Now())
			return err
		}},
		{"ClearCooldown", func(ctx context.Context, b *broker.Broker) error {
			_, _, err := b.ClearCooldown(ctx, broker.Caller{}, "a", "", time.Now())
			return err
		}},
		{"Disable", func(ctx context.Context, b *broker.Broker) error {
			_, err := b.Disable(ctx, broker.Caller{}, "a", "", time.Now())
			return err
		}},
		{"Enable", func(ctx context.Context, b *broker.Broker) error {
			_, err := b.Enable(ctx, broker.Caller{}, "a", time.Now())
			return err
		}},
		{"Invalidate", func(ctx context.Context, b *broker.Broker) error {
			_, err := b.Invalidate(ctx, broker.Caller{}, broker.Invalidation{AuthID: "a", Disable: true}, time.Now())
			return err
		}},
	}
}

func TestWhatIsAcknowledgedIsStored(t *testing.T) {
	withLateStore(t, func(t *testing.T, b *broker.Broker, stored *statetest.Memory) {
		last := ""
		for _, c := range commands() {
			began := time.Now()
			if err := c.call(t.Context(), b); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if took := time.Since(began); took < late {
				t.Errorf("%s is acknowledged after %v, before the store has answered", c.name, took)
			}
			var text []byte
			for _, r := range stored.Records() {
				text = append(text, state.FormatRecord(&r)...)
			}
			if string(text) == last {
				t.Errorf("%s: nothing of it is stored when it is acknowledged", c.name)
			}
			last = string(text)
		}
	})
}

func TestACallerWhoDoesNotWaitGetsItsOwnDeadline(t *testing.T) {
	withLateStore(t, func(t *testing.T, b *broker.Broker, _ *statetest.Memory) {
		for _, c := range commands() {
			ctx, cancel := context.WithTimeout(t.Context(), late/2)
			if err := c.call(ctx, b); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, broker.ErrNotDurable) {
				t.Errorf("%s = %v, want the deadline of the caller", c.name, err)
			}
			cancel()
		}
	})
}

// lost is a store that is too slow for every deadline of its own.
type lost struct{ state.Store }

func (lost) Save(context.Context, state.Batch) error { return context.DeadlineExceeded }

func TestWhatIsNotDurableIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := broker.New(broker.Config{Settings: broker.Settings{Affinity: true}, Local: lost{}, Auths: fullDisk{}})
		b.Update([]*selector.Auth{{ID: "a", Provider: "p"}}, nil, time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.Run(ctx)
		}()
		picked := bind(t, b, "s")
		for _, c := range commands() {
			if err := c.call(t.Context(), b); !errors.Is(err, broker.ErrNotDurable) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s = %v, want %v and not a deadline of the caller's", c.name, err, broker.ErrNotDurable)
			}
		}
		if auth, err := b.Auth(broker.Caller{}, "a", time.Now()); err != nil || auth.State != selector.StateDisabled {
			t.Errorf("Auth = %v, %v, want that changes are in force all the same", auth.State, err)
		}
		if _, _, err := b.ReleaseSession(t.Context(), broker.Caller{}, broker.SessionName{Key: picked.Key}, time.Now()); !errors.Is(err, broker.ErrUnknownSession) {
			t.Errorf("ReleaseSession after Invalidate = %v, want %v", err, broker.ErrUnknownSession)
		}
		cancel()
		<-done
	})
}

func TestStoresOfAuths(t *testing.T) {
	b := broker.New(broker.Config{Auths: fullDisk{}})
	if _, _, err := b.PutAuth(t.Context(), broker.Caller{}, "a", nil, time.Now()); !errors.Is(err, broker.ErrNotWritten) {
		t.Errorf("PutAuth on a full disk = %v, want %v", err, broker.ErrNotWritten)
	}
	if err := b.DeleteAuth(t.Context(), broker.Caller{}, "a"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, broker.ErrNotWritten) {
		t.Errorf("DeleteAuth = %v, want the deadline as it is", err)
	}
}

func TestPicksWaitForNoStore(t *testing.T) {
	withLateStore(t, func(t *testing.T, b *broker.Broker, _ *statetest.Memory) {
		began := time.Now()
		bind(t, b, "s")
		if took := time.Since(began); took != 0 {
			t.Errorf("a pick waits %v", took)
		}
	})
}

// A conversation's second turn goes where its first one was answered, and a report that is sent again binds nothing more.
func TestTheSecondTurnFollowsTheAnswer(t *testing.T) {
	withLateStore(t, func(t *testing.T, b *broker.Broker, _ *statetest.Memory) {
		first := ask(`{"messages":[{"role":"user","content":"hello"}]}`)
		auths := map[string]string{}
		for _, answer := range []string{"one", "two"} {
			picked := pick(t, b, first)
			auths[answer] = picked.Auth.ID
			id, err := broker.ParsePickID(picked.ID)
			if err != nil {
				t.Fatal(err)
			}
			report := &broker.Report{
				AuthID: picked.Auth.ID, Pick: id, Outcome: verdict.Outcome{Model: "m", Status: 200},
				AnswerMessage: []byte(`{"role":"assistant","content":"` + answer + `"}`),
			}
			var bound []int
			for range 3 {
				if _, err := b.Report(t.Context(), report, time.Now()); err != nil {
					t.Fatal(err)
				}
				bound = append(bound, b.Status(broker.Caller{}, time.Now()).Bindings)
			}
			if slices.Max(bound) != slices.Min(bound) {
				t.Errorf("a report that is sent again leaves %v bindings", bound)
			}
		}
		if auths["one"] == auths["two"] {
			t.Fatalf("both first turns went to %s, want that they spread", auths["one"])
		}
		for answer, want := range auths {
			second := ask(`{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"` + answer +
				`"},{"role":"user","content":"and then?"}]}`)
			if got := pick(t, b, second).Auth.ID; got != want {
				t.Errorf("the second turn after %q goes to %s, want %s", answer, got, want)
			}
		}
	})
}

// A success clears what is older than the start of its attempt: here a limit of eleven minutes ago, or of a minute ago where
// nobody knows the start.
func TestWhenAnAttemptBegan(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	latency := func(d time.Duration) *time.Duration { return &d }
	received := func(at time.Time) *time.Time { return &at }
	for _, tt := range []struct {
		name    string
		report  broker.Report
		cleared bool
	}{
		{"nobody knows", broker.Report{}, false},
		{"the latency says: before the limit", broker.Report{Latency: latency(12 * time.Minute)}, false},
		{"the latency says: after the limit", broker.Report{Latency: latency(10 * time.Minute)}, true},
		{"the pick says: before the limit", broker.Report{Pick: pickedAt(t, now.Add(-12*time.Minute)), Latency: latency(0)}, false},
		{"the pick says: after the limit", broker.Report{Pick: pickedAt(t, now.Add(-time.Minute)), Latency: latency(12 * time.Minute)}, true},
		{"an answer as old as it may be", broker.Report{ReceivedAt: received(now.Add(-10 * time.Minute)), Latency: latency(2 * time.Minute)}, false},
		{"an answer of an hour ago is ten minutes old", broker.Report{ReceivedAt: received(now.Add(-time.Hour)), Latency: latency(0)}, true},
		{"so is one of the year 1", broker.Report{ReceivedAt: received(time.Time{}), Latency: latency(0)}, true},
		{"and is no newer than that", broker.Report{ReceivedAt: received(time.Time{}), Latency: latency(2 * time.Minute)}, false},
		{"an answer of tomorrow arrives now", broker.Report{ReceivedAt: received(now.Add(24 * time.Hour)), Latency: latency(12 * time.Minute)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := broker.New(broker.Config{})
			b.Update([]*selector.Auth{{ID: "a", Provider: "p"}}, nil, now)
			limited := now.Add(-11 * time.Minute)
			if tt.report.Latency == nil { // an attempt lasts ten minutes at most
				limited = now.Add(-time.Minute)
			}
			limit := &broker.Report{AuthID: "a", Outcome: verdict.Outcome{
				Model: "m", Status: 429, Headers: map[string]string{"Retry-After": "840"},
			}}
			if _, err := b.Report(t.Context(), limit, limited); err != nil {
				t.Fatal(err)
			}
			tt.report.AuthID, tt.report.Outcome = "a", verdict.Outcome{Model: "m", Status: 200}
			if _, err := b.Report(t.Context(), &tt.report, now); err != nil {
				t.Fatal(err)
			}
			auth, err := b.Auth(broker.Caller{}, "a", now)
			if err != nil || (len(auth.Blocks) == 0) != tt.cleared {
				t.Errorf("blocks = %v, %v, want them cleared: %t", auth.Blocks, err, tt.cleared)
			}
		})
	}
}

// pickedAt is a pick of that time; it says the same on every replica.
func pickedAt(t *testing.T, at time.Time) broker.PickID {
	t.Helper()
	b := broker.New(broker.Config{})
	b.Update([]*selector.Auth{{ID: "a", Provider: "p"}}, nil, at)
	picked, err := b.Pick(t.Context(), ask(""), at)
	if err != nil {
		t.Fatal(err)
	}
	id, err := broker.ParsePickID(picked.ID)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
