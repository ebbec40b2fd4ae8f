package selector_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// authSpec describes an auth so that it can be printed.
type authSpec struct {
	ID, Provider, Identity string
	Priority               string
	Weight                 int    // -1: not set
	Models, Except, Prefix string // globs, with commas
	Parent, WebSockets     string
	Disabled               bool
	Expires                int // seconds from when it is put; 0: never
	Secret                 int
}

func (s *authSpec) auth(now time.Time) *selector.Auth {
	a := &selector.Auth{
		ID: s.ID, Provider: s.Provider, Identity: s.Identity, Prefix: s.Prefix, Disabled: s.Disabled, Source: "pool.yaml:7",
		Headers:    []selector.Header{{Name: "Authorization", Value: selector.NewSecret(fmt.Sprint("Bearer ", s.Secret))}},
		Attributes: map[string]string{"priority": s.Priority, "gemini_virtual_parent": s.Parent, "websockets": s.WebSockets},
	}
	if s.Weight >= 0 {
		weight := uint32(s.Weight)
		a.Weight = &weight
	}
	if s.Models != "" {
		a.Models = strings.Split(s.Models, ",")
	}
	if s.Except != "" {
		a.ExcludeModels = strings.Split(s.Except, ",")
	}
	if s.Expires > 0 {
		a.ExpiresAt = now.Add(time.Duration(s.Expires) * time.Second)
	}
	return a
}

// String leaves out what is not set.
func (s authSpec) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{%s of %s", s.ID, s.Provider)
	for _, part := range []struct {
		name  string
		value any
	}{
		{"identity", s.Identity}, {"priority", s.Priority}, {"models", s.Models}, {"except", s.Except}, {"prefix", s.Prefix},
		{"parent", s.Parent}, {"websockets", s.WebSockets}, {"disabled", s.Disabled}, {"expires", s.Expires}, {"secret", s.Secret},
	} {
		if !reflect.ValueOf(part.value).IsZero() {
			fmt.Fprintf(&b, " %s %v", part.name, part.value)
		}
	}
	if s.Weight >= 0 {
		fmt.Fprintf(&b, " weight %d", s.Weight)
	}
	return b.String() + "}"
}

// opUpdate replaces and removes auths.
type opUpdate struct {
	Put    []authSpec
	Remove []string
}

func (op opUpdate) do(w *world) error {
	put := make([]*selector.Auth, len(op.Put))
	for i := range op.Put {
		put[i] = op.Put[i].auth(w.oracle.now)
	}
	w.pool.Update(put, op.Remove, w.oracle.now)
	w.oracle.update(put, op.Remove)
	return nil
}

func (op opUpdate) simplify(fails func(operation) bool) operation {
	op.Put = shorten(op.Put, func(put []authSpec) bool { return fails(opUpdate{put, op.Remove}) })
	op.Remove = shorten(op.Remove, func(remove []string) bool { return fails(opUpdate{op.Put, remove}) })
	return op
}

func (o *oracle) update(put []*selector.Auth, remove []string) {
	next := maps.Clone(o.auths)
	for _, a := range put {
		next[a.ID] = a
	}
	for _, id := range remove {
		delete(next, id)
	}
	for id, a := range o.auths {
		if next[id] == nil || !sameRotation(a, next[id]) {
			o.forget(id)
		}
	}
	for id, a := range next {
		s := o.identity(a)
		known := func(old *selector.Auth) bool { return old.Headers[0].Value.Equal(a.Headers[0].Value) }
		if o.auths[id] != a && len(s.last) > 0 && !slices.ContainsFunc(s.last, known) {
			maps.DeleteFunc(s.blocks, func(s oracleScope, _ *oracleBlock) bool { return s.kind == selector.Authentication })
		}
	}
	o.auths = next
	now := map[*oracleIdentity][]*selector.Auth{}
	for _, a := range next {
		now[o.identity(a)] = append(now[o.identity(a)], a)
	}
	for s, auths := range now {
		s.last = auths
	}
}

// opWait lets time pass. Ends are worked off by Advance if Ends is positive, else by the picks themselves.
type opWait struct {
	Step time.Duration
	Ends int
}

func (op opWait) do(w *world) error {
	w.oracle.now = w.oracle.now.Add(op.Step)
	if op.Ends == 0 {
		return nil
	}
	next := w.pool.Advance(w.oracle.now, op.Ends)
	if !next.IsZero() && !next.After(w.oracle.now) && op.Ends > 1000 {
		return fmt.Errorf("Advance(%d) = %v, which is not after now", op.Ends, next)
	}
	return nil
}

// opConfigure changes the settings.
type opConfigure struct{ Settings selector.Settings }

func (op opConfigure) do(w *world) error {
	w.pool.Configure(op.Settings)
	w.oracle.settings = op.Settings
	return nil
}

// opCooldown reports a cooldown: for Seconds, without end if negative, by the ladder if 0.
type opCooldown struct {
	ID, Model string
	Kind      selector.CooldownKind
	Seconds   int
}

func (op opCooldown) do(w *world) error {
	now := w.oracle.now
	c := selector.Cooldown{Model: op.Model, Kind: op.Kind, Reason: fmt.Sprint("for ", op.Seconds)}
	switch {
	case op.Seconds < 0:
		c.Endless = true
	case op.Seconds > 0:
		c.Until = now.Add(time.Duration(op.Seconds) * time.Second)
	}
	got, err := w.pool.Cooldown(op.ID, c, now)
	a := w.oracle.auths[op.ID]
	if a == nil {
		return wantError(err, selector.ErrUnknownAuth)
	}
	key := oracleKey(op.Model)
	if !serves(a, key) {
		var field *selector.FieldError
		if !errors.As(err, &field) || field.Field != "model" {
			return fmt.Errorf("Cooldown of a model that is not served: %w", err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	scope := oracleScope{bare(a, key), op.Kind}
	want, err := w.oracle.cool(w.oracle.identity(a), scope, c, got.Until)
	if err != nil {
		return err
	}
	return same("Cooldown", got, shownBlock(scope, want))
}

func wantError(err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("error %w, want %w", err, want)
	}
	return nil
}

// cool applies a cooldown. Where a ladder decides with jitter, the end that the pool chose is checked and taken over.
func (o *oracle) cool(s *oracleIdentity, scope oracleScope, c selector.Cooldown, chosen time.Time) (*oracleBlock, error) {
	b := s.blocks[scope]
	if b == nil {
		b = &oracleBlock{}
		s.blocks[scope] = b
	}
	level := b.level
	if !b.endless && o.now.Sub(b.until) >= 24*time.Hour {
		level = 0
	}
	switch {
	case c.Endless:
		if !b.endless {
			*b = oracleBlock{endless: true, level: level, given: true, reason: c.Reason}
		}
	case !c.Until.IsZero():
		if !b.endless && c.Until.After(b.until) {
			*b = oracleBlock{until: c.Until, level: level, given: true, reason: c.Reason}
		}
	case b.endless || b.until.After(o.now): // one open window is one step
	default:
		level++
		least, most := ladderBounds(c.Kind, level)
		if d := chosen.Sub(o.now); d < least || d > most {
			return nil, fmt.Errorf("step %d of the ladder %d is %v, want %v to %v", level, c.Kind, d, least, most)
		}
		*b = oracleBlock{until: chosen, level: level, reason: c.Reason}
	}
	return b, nil
}

func ladderBounds(kind selector.CooldownKind, level int) (least, most time.Duration) {
	d, limit := time.Second, time.Minute
	switch kind {
	case selector.Authentication:
		return 30 * time.Minute, 30 * time.Minute
	case selector.Quota:
		d, limit = 2*time.Second, 5*time.Minute
	}
	for ; level > 1 && d < limit; level-- {
		d *= 2
	}
	d = min(d, limit)
	return d * 8 / 10, d * 12 / 10
}

func shownBlock(scope oracleScope, b *oracleBlock) selector.Block {
	shown := selector.Block{Model: scope.key, Kind: scope.kind, Reason: b.reason}
	if !b.endless {
		shown.Until = b.until
	}
	if !b.given {
		shown.Level = b.level
	}
	return shown
}

// opClear ends cooldowns.
type opClear struct{ ID, Model string }

func (op opClear) do(w *world) error {
	got, err := w.pool.ClearCooldown(op.ID, op.Model, w.oracle.now)
	a := w.oracle.auths[op.ID]
	if a == nil {
		return wantError(err, selector.ErrUnknownAuth)
	}
	want, key := 0, bare(a, oracleKey(op.Model))
	maps.DeleteFunc(w.oracle.identity(a).blocks, func(scope oracleScope, b *oracleBlock) bool {
		cleared := key == "" || scope.key == key
		if cleared && (b.endless || b.until.After(w.oracle.now)) {
			want++
		}
		return cleared
	})
	return same("ClearCooldown", got, want)
}

// opSwitch enables or disables an auth.
type opSwitch struct {
	ID string
	On bool
}

func (op opSwitch) do(w *world) error {
	a := w.oracle.auths[op.ID]
	var err error
	if op.On {
		err = w.pool.Enable(op.ID, w.oracle.now)
	} else {
		err = w.pool.Disable(op.ID, "by hand", w.oracle.now)
	}
	switch {
	case a == nil:
		return wantError(err, selector.ErrUnknownAuth)
	case op.On && a.Disabled:
		return wantError(err, selector.ErrManagedByConfig)
	}
	s := w.oracle.identity(a)
	if s.disabled, s.why = !op.On, ""; s.disabled {
		s.why = "by hand"
	}
	return err
}

// opRelease ends the bindings to an auth.
type opRelease struct{ ID string }

func (op opRelease) do(w *world) error {
	got, err := w.pool.Release(op.ID, "moved", w.oracle.now)
	a := w.oracle.auths[op.ID]
	if a == nil {
		return wantError(err, selector.ErrUnknownAuth)
	}
	want := 0
	if w.oracle.bindings != nil {
		want = w.oracle.bindings.Release(identityOf(a))
	}
	return same("Release", got, want)
}
