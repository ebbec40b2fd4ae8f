package selector_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credbroker/credbroker/selector"
)

// opPick picks, after a dry run that must foretell it.
type opPick struct {
	Provider, Model string
	Exclude         []string
	Sessions        []uint64
	Prefixes        bool // the sessions are
	Past            int  // so many of the last are past
	Pins, Marks     []uint64
	Parent          uint64 // 0: none
	Options         selector.Options
}

// historyKey is the key of the n-th session of a history; that of 0 is zero.
func historyKey(n uint64) selector.SessionKey { return selector.SessionKey{Hi: n, Lo: n << 32} }

func (op opPick) request() *selector.Request {
	req := &selector.Request{Provider: op.Provider, Model: op.Model, Exclude: op.Exclude, Options: op.Options, Parent: historyKey(op.Parent)}
	for i, id := range op.Sessions {
		s := selector.Session{Key: historyKey(id)}
		switch {
		case op.Prefixes && i > 0 && i >= len(op.Sessions)-op.Past:
			s.Role = selector.RolePast
		case op.Prefixes:
			s.Role = selector.RolePrefix
		}
		req.Sessions = append(req.Sessions, s)
	}
	for _, id := range op.Marks {
		req.Marks = append(req.Marks, selector.Session{Key: historyKey(id)})
	}
	for _, id := range op.Pins {
		req.Pins = append(req.Pins, selector.Session{Key: historyKey(id)})
	}
	return req
}

func (op opPick) do(w *world) error {
	req := op.request()
	foretold, foretoldErr := w.try(req, selector.DryRun|selector.Explain)
	want := w.oracle.decide(req)
	got, err := w.pool.Pick(req, w.oracle.now)
	if err := agree(foretold, foretoldErr, got, err); err != nil {
		return fmt.Errorf("the dry run said otherwise: %w", err)
	}
	if err != nil {
		return w.compareError(&want, req, err)
	}
	if err := w.compareExplanation(&want, req, foretold.Explanation, got.Auth); err != nil {
		return err
	}
	return w.comparePick(&want, req, got)
}

func (op opPick) simplify(fails func(operation) bool) operation {
	op.Exclude = shorten(op.Exclude, func(exclude []string) bool {
		simpler := op
		simpler.Exclude = exclude
		return fails(simpler)
	})
	return op
}

func (w *world) try(req *selector.Request, options selector.Options) (selector.Pick, error) {
	dry := *req
	dry.Options |= options
	return w.pool.Pick(&dry, w.oracle.now)
}

// agree compares a dry run with the pick after it.
func agree(dry selector.Pick, dryErr error, got selector.Pick, err error) error {
	if dryErr != nil || err != nil {
		if reflect.TypeOf(dryErr) != reflect.TypeOf(err) {
			return fmt.Errorf("dry run: %w, then %w", dryErr, err)
		}
		return nil
	}
	return errors.Join(
		same("Auth", dry.Auth.ID, got.Auth.ID), same("Binding", dry.Binding, got.Binding), same("Model", dry.Model, got.Model),
	)
}

func same(what string, got, want any) error {
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("%s: (-want +got)\n%s", what, diff)
	}
	return nil
}

func (w *world) comparePick(want *oraclePick, req *selector.Request, got selector.Pick) error {
	o := w.oracle
	if want.unknown || want.refused || want.lost != nil {
		return fmt.Errorf("Pick = %s, want an error", got.Auth.ID)
	}
	if s := want.eligibility[got.Auth.ID]; s.reason != selector.ReasonReady {
		return fmt.Errorf("Pick = %s, which is out: reason %d until %v", got.Auth.ID, s.reason, s.until)
	}
	allowed := want.choice.allowed
	if want.kept != nil {
		allowed = want.kept
	}
	if !slices.Contains(allowed, got.Auth) {
		return fmt.Errorf("Pick = %s (%v), want one of %v by strategy %v", got.Auth.ID, got.Binding, idsOf(allowed), want.strategy)
	}
	if err := errors.Join(same("Binding", got.Binding, want.outcome), same("From", got.From, want.from)); err != nil {
		return err
	}
	if trimmed := strings.TrimSpace(req.Model); got.Model != req.Model && got.Model != bare(got.Auth, trimmed) {
		return fmt.Errorf("Model = %q for %q and prefix %q", got.Model, req.Model, got.Auth.Prefix)
	}
	if req.Options&selector.DryRun != 0 {
		return nil
	}
	ends := o.commit(want, req, got.Auth)
	if !got.BoundUntil.Equal(ends) {
		return fmt.Errorf("BoundUntil = %v, want %v", got.BoundUntil, ends)
	}
	return nil
}

func idsOf(auths []*selector.Auth) []string {
	ids := make([]string, len(auths))
	for i, a := range auths {
		ids[i] = a.ID
	}
	return ids
}

// compareError checks a refusal, its time, its counts and its explanation.
func (w *world) compareError(want *oraclePick, req *selector.Request, err error) error {
	if want.unknown {
		return wantError(err, selector.ErrAuthNotFound)
	}
	if want.lost != nil {
		return w.comparePinned(want, req, err)
	}
	if !want.refused {
		return fmt.Errorf("Pick: %w, want one of %v", err, idsOf(append(want.kept, want.choice.allowed...)))
	}
	_, explained := w.try(req, selector.Explain|selector.DryRun)
	var counts selector.Counts
	for _, s := range want.reasons(w.oracle, nil) {
		counts[s.reason]++
	}
	var cooldown, coolingExplained *selector.CooldownError
	var unavailable, unavailableExplained *selector.UnavailableError
	switch {
	case errors.As(err, &cooldown) && errors.As(explained, &coolingExplained):
		return errors.Join(
			same("all cooling", true, want.quota), same("Counts", cooldown.Counts, counts), same("Wait", cooldown.Wait, want.wait),
			same("Model", cooldown.Model, req.Model), same("Provider", cooldown.Provider, req.Provider),
			w.compareExplanation(want, req, coolingExplained.Explanation, nil),
		)
	case errors.As(err, &unavailable) && errors.As(explained, &unavailableExplained):
		return errors.Join(
			same("all cooling", false, want.quota), same("Counts", unavailable.Counts, counts), same("Wait", unavailable.Wait, want.wait),
			w.compareExplanation(want, req, unavailableExplained.Explanation, nil),
		)
	}
	return fmt.Errorf("Pick: %w, and explained: %w", err, explained)
}

// comparePinned checks the refusal of a request that only one auth could serve.
func (w *world) comparePinned(want *oraclePick, req *selector.Request, err error) error {
	_, explained := w.try(req, selector.Explain|selector.DryRun)
	var got, more *selector.PinnedError
	if !errors.As(err, &got) || !errors.As(explained, &more) {
		return fmt.Errorf("Pick: %w, and explained: %w; want that of %q", err, explained, want.lost.AuthID)
	}
	plain := *got
	plain.Explanation = nil
	return errors.Join(same("PinnedError", plain, *want.lost), w.compareExplanation(want, req, more.Explanation, nil))
}

// reasons are those of every auth, with the tiers and preferences that the pick looked at.
func (p *oraclePick) reasons(o *oracle, taken *selector.Auth) map[string]oracleEligibility {
	all := map[string]oracleEligibility{}
	for _, a := range p.known {
		s := p.eligibility[a.ID]
		if s.reason == selector.ReasonReady {
			switch {
			case a == taken:
				s.reason = selector.ReasonSelected
			case len(p.tier) > 0 && priorityOf(a) < priorityOf(p.tier[0]):
				s.reason = selector.ReasonLowerPriority
			case p.choice.byWS && priorityOf(a) == priorityOf(p.tier[0]) && !webSocketsOf(a):
				s.reason = selector.ReasonNotPreferredTransport
			case p.strategy == selector.WeightedRoundRobin && weightOf(a) == 0:
				s.reason = selector.ReasonZeroWeight
			}
		}
		all[a.ID] = s
	}
	return all
}

// compareExplanation checks every candidate, their order and the counts.
func (w *world) compareExplanation(want *oraclePick, req *selector.Request, got *selector.Explanation, taken *selector.Auth) error {
	if got == nil {
		return errors.New("no explanation")
	}
	reasons := want.reasons(w.oracle, taken)
	var counts selector.Counts
	var all []selector.Candidate
	for _, a := range want.known {
		s := reasons[a.ID]
		counts[s.reason]++
		all = append(all, selector.Candidate{
			Auth: a, Priority: priorityOf(a), Reason: s.reason, Until: s.until, Detail: s.detail,
			Bound: want.bound != "" && identityOf(a) == want.bound,
		})
	}
	slices.SortStableFunc(all, explainedOrder)
	all = all[:min(len(all), selector.MaxExplained)]
	err := errors.Join(same("Counts", got.Counts, counts), same("Strategy", got.Strategy, want.strategy))
	if taken != nil && want.kept == nil && !want.choice.drawn {
		err = errors.Join(err, same("Position", got.Position, want.choice.cursor))
	}
	if len(got.Candidates) != len(all) {
		return errors.Join(err, fmt.Errorf("%d candidates, want %d", len(got.Candidates), len(all)))
	}
	for i := range all {
		g, x := got.Candidates[i], all[i]
		if g.Auth != x.Auth || g.Priority != x.Priority || g.Reason != x.Reason || g.Bound != x.Bound || g.Detail != x.Detail ||
			!g.Until.Equal(x.Until) {
			return errors.Join(err, fmt.Errorf("candidate %d: %s, want %s", i, shown(g), shown(x)))
		}
	}
	return err
}

func shown(c selector.Candidate) string {
	return fmt.Sprintf("{%s priority %d reason %d until %s bound %t %q}",
		c.Auth.ID, c.Priority, c.Reason, c.Until.Format(time.RFC3339Nano), c.Bound, c.Detail)
}

// explainedOrder: picked and bound first, then the greatest reason, the higher priority, sorted by id.
func explainedOrder(a, b selector.Candidate) int {
	first := func(x, y bool) int {
		if x == y {
			return 0
		}
		if x {
			return -1
		}
		return 1
	}
	for _, order := range []int{
		first(a.Reason == selector.ReasonSelected, b.Reason == selector.ReasonSelected),
		first(a.Bound, b.Bound), int(b.Reason) - int(a.Reason),
		first(a.Priority > b.Priority, a.Priority < b.Priority),
	} {
		if order != 0 {
			return order
		}
	}
	return strings.Compare(a.Auth.ID, b.Auth.ID)
}
