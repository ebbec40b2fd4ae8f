package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// killedAuth is what one client knows of one auth, which nobody else changes.
type killedAuth struct {
	id string
	// explicit: its cooldowns are ordered; else they follow from results.
	explicit bool
	random   *rand.Rand

	acknowledged int
	// may is everything that can be true: one thing, or two while it is not known what became of the last change.
	may []authState

	mu      sync.Mutex
	ban     bool
	changes uint64 // of ban
}

// authState is what must outlive a broker.
type authState struct {
	disabled bool
	until    time.Time // zero: it does not cool down
	// longer: or it cools down until later, which only the broker can say.
	longer bool
}

// allows reports whether it is the other, or may be.
func (s authState) allows(o authState) bool {
	return s.disabled == o.disabled && (s.until.Equal(o.until) || s.longer && o.until.After(s.until))
}

func (s authState) String() string {
	return fmt.Sprintf("disabled %t, cooling until %s", s.disabled, s.until.UTC().Format(time.RFC3339Nano))
}

// banned reports whether the auth must not be handed out, and counts how often that changed.
func (a *killedAuth) banned() (changes uint64, banned bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.changes, a.ban
}

func (a *killedAuth) setBanned(banned bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ban = banned
	a.changes++
}

// compare checks that the broker knows what it has acknowledged. What it knows is what is true from here on.
func (a *killedAuth) compare(got *credbrokerv1.Auth) error {
	now := authState{disabled: got.GetState() == credbrokerv1.AuthState_AUTH_STATE_DISABLED}
	for _, c := range got.GetCooldowns() {
		if end := c.GetUntil().AsTime(); end.After(now.until) {
			now.until = end
		}
	}
	if len(a.may) == 0 {
		a.may = []authState{{}}
	}
	if !slices.ContainsFunc(a.may, func(s authState) bool { return s.allows(now) }) {
		return fmt.Errorf("%s is %v, want %v", a.id, now, a.may)
	}
	a.may = []authState{now}
	a.setBanned(now.disabled)
	return nil
}

// work changes the auth until the broker is gone. An error is an answer that there should not be.
func (a *killedAuth) work(ctx context.Context, b *life) error {
	for ctx.Err() == nil {
		before := a.may[0]
		change, after := a.next(before)
		if before.disabled {
			a.setBanned(false) // an enable may be in force before it is acknowledged
		}
		if err := change(ctx, b, &after); isAnswer(err) {
			return fmt.Errorf("change %s: %w", a.id, err)
		} else if err != nil {
			// Nobody knows what became of it.
			a.may = []authState{before, after}
			return nil //nolint:nilerr // the broker is gone, as it should be
		}
		a.acknowledged++
		a.may = []authState{after}
		if after.disabled {
			a.setBanned(true)
		}
	}
	return nil
}

// change is a call. It may correct what is true after it by what the answer says.
type change func(ctx context.Context, b *life, after *authState) error

// next is a random change, and what is true after it as far as that is known before.
func (a *killedAuth) next(now authState) (change, authState) {
	pick := a.random.IntN(8)
	after := now
	switch {
	case pick == 0:
		after.disabled = true
		return a.disable, after
	case pick == 1:
		after.disabled = true
		return a.invalidate, after
	case pick == 2:
		after.disabled = false
		return a.enable, after
	case pick == 3:
		after.until = time.Time{}
		return a.clear, after
	case a.explicit:
		// Later than what is in force, so that it is known what holds if nobody answers.
		until := now.until
		if until.IsZero() {
			until = time.Now().Add(time.Hour)
		}
		after.until = until.Add(time.Duration(1+a.random.Int64N(1000)) * time.Second).UTC()
		return a.cooldown, after
	case pick == 4:
		after.until = time.Time{}
		return a.succeed, after
	}
	after.longer = true
	return a.fail, after
}

func (a *killedAuth) disable(ctx context.Context, b *life, _ *authState) error {
	_, err := b.pool.DisableAuth(ctx, &credbrokerv1.DisableAuthRequest{AuthId: a.id})
	return err
}

func (a *killedAuth) invalidate(ctx context.Context, b *life, _ *authState) error {
	_, err := b.broker.InvalidateAuth(ctx, &credbrokerv1.InvalidateAuthRequest{AuthId: a.id, Disable: true})
	return err
}

func (a *killedAuth) enable(ctx context.Context, b *life, _ *authState) error {
	_, err := b.pool.EnableAuth(ctx, &credbrokerv1.EnableAuthRequest{AuthId: a.id})
	return err
}

func (a *killedAuth) clear(ctx context.Context, b *life, _ *authState) error {
	_, err := b.pool.ClearCooldown(ctx, &credbrokerv1.ClearCooldownRequest{AuthId: a.id})
	return err
}

func (a *killedAuth) cooldown(ctx context.Context, b *life, after *authState) error {
	resp, err := b.broker.ReportCooldown(ctx, &credbrokerv1.ReportCooldownRequest{
		AuthId: a.id, End: &credbrokerv1.ReportCooldownRequest_Until{Until: timestamppb.New(after.until)},
	})
	if err == nil && !resp.GetUntil().AsTime().Equal(after.until) {
		return fmt.Errorf("ReportCooldown until %v answers %v", after.until, resp.GetUntil().AsTime())
	}
	return err
}

func (a *killedAuth) succeed(ctx context.Context, b *life, _ *authState) error {
	_, err := b.broker.ReportResult(ctx, &credbrokerv1.ReportResultRequest{AuthId: a.id, HttpStatus: 200, Latency: durationpb.New(0)})
	return err
}

// fail reports a limit. When it ends is told by the answer; nobody may know if there is none.
func (a *killedAuth) fail(ctx context.Context, b *life, after *authState) error {
	resp, err := b.broker.ReportResult(ctx, &credbrokerv1.ReportResultRequest{
		AuthId: a.id, HttpStatus: 429, Latency: durationpb.New(0),
		Headers: map[string]string{"Retry-After": fmt.Sprint(1000 + a.random.IntN(10_000))},
	})
	if err == nil {
		after.until, after.longer = resp.GetVerdict().GetUntil().AsTime(), false
	}
	return err
}

// isAnswer reports whether an error is what a broker answered, and not that there is none.
func isAnswer(err error) bool {
	s, ok := status.FromError(err)
	return err != nil && (!ok || readDetails(s).info != nil)
}
