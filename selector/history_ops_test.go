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
	"github.com/credbroker/credbroker/selector/cooldown"
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
	Domains                string // with commas
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
	if s.Domains != "" {
		a.Domains = strings.Split(s.Domains, ",")
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
		{"parent", s.Parent}, {"websockets", s.WebSockets}, {"disabled", s.Disabled}, {"expires", s.Expires}, {"secret", s.Secret}, {"domains", s.Domains},
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
		switch old := o.auths[id]; {
		case old == nil:
			delete(o.renewed, id)
		case secretOf(old) != secretOf(a):
			o.renewed[id] = o.now
		}
	}
	o.auths = next
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
	Kind      cooldown.Kind
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
	scope := oracleScope{subject: oracleSubject{name: identityOf(a)}, key: bare(a, key)}
	want, err := w.oracle.cool(a, oracleLedgerKey{scope, op.Kind}, c, got.Until)
	if err != nil {
		return err
	}
	return same("Cooldown", utc([]selector.Block{got}), utc([]selector.Block{want}))
}

func wantError(err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("error %w, want %w", err, want)
	}
	return nil
}

// cool applies an order. Where a ladder decides with jitter, the end that the pool chose is checked and taken over.
func (o *oracle) cool(a *selector.Auth, k oracleLedgerKey, c selector.Cooldown, chosen time.Time) (selector.Block, error) {
	l, stamp := o.ledger(k.scope, k.kind), o.stamp()
	p := oracleObservation{received: stamp, command: true, reason: c.Reason, endless: c.Endless, until: c.Until, probe: c.Until}
	secret := ""
	if k.kind == cooldown.Authentication && k.scope.key == "" {
		secret = secretOf(a)
		p.secret = secret
	}
	if !c.Endless && c.Until.IsZero() {
		// One open window is one step.
		if _, open := l.span(o.now, p.secret, ""); open {
			return o.shown(l, k, secret), nil
		}
		p.ladder = map[cooldown.Kind]cooldown.Ladder{
			cooldown.Quota: cooldown.LadderRate, cooldown.Authentication: cooldown.LadderRefusal,
		}[k.kind]
		if p.ladder == cooldown.LadderNone {
			p.ladder = cooldown.LadderOverload
		}
		p.level = 1 + l.level(p, o.now)
		least, most := ladderStep(p.ladder, p.level)
		if d := chosen.Sub(o.now); d < least || d > most {
			return selector.Block{}, fmt.Errorf("step %d of ladder %d is %v, want %v to %v", p.level, p.ladder, d, least, most)
		}
		p.until, p.probe = chosen, chosen
	}
	l.add(p)
	return o.shown(l, k, secret), nil
}

func (o *oracle) shown(l *oracleLedger, k oracleLedgerKey, secret string) selector.Block {
	b, _ := l.block(k, secret, o.now)
	return b
}

// level is the highest step that a ladder has taken and that counts still.
func (l *oracleLedger) level(p oracleObservation, now time.Time) (level int) {
	for _, known := range l.observations {
		if l.live(known) && known.alike(p) && known.until.After(now.Add(-24*time.Hour)) {
			level = max(level, known.level)
		}
	}
	return level
}

// ladderStep bounds the rest at a level.
func ladderStep(ladder cooldown.Ladder, level int) (least, most time.Duration) {
	type steps struct{ first, limit time.Duration }
	s := map[cooldown.Ladder]steps{
		cooldown.LadderRate:     {2 * time.Second, 5 * time.Minute},
		cooldown.LadderOverload: {time.Second, time.Minute}, cooldown.LadderEgress: {10 * time.Second, 30 * time.Minute},
		cooldown.LadderQuota: {15 * time.Minute, 5 * time.Hour}, cooldown.LadderQuotaLong: {15 * time.Minute, 24 * time.Hour},
		cooldown.LadderRefusal: {30 * time.Minute, 30 * time.Minute},
	}[ladder]
	d := s.first
	for ; level > 1 && d < s.limit; level-- {
		d *= 2
	}
	if d = min(d, s.limit); s.first == s.limit {
		return d, d
	}
	return d * 8 / 10, d * 12 / 10
}

// ladderBounds are those of a cooldown that is ordered without a time.
func ladderBounds(kind cooldown.Kind, level int) (least, most time.Duration) {
	switch kind {
	case cooldown.Quota:
		return ladderStep(cooldown.LadderRate, level)
	case cooldown.Authentication:
		return ladderStep(cooldown.LadderRefusal, level)
	}
	return ladderStep(cooldown.LadderOverload, level)
}

// opClear ends cooldowns.
type opClear struct{ ID, Model string }

func (op opClear) do(w *world) error {
	got, err := w.pool.ClearCooldown(op.ID, op.Model, w.oracle.now)
	a := w.oracle.auths[op.ID]
	if a == nil {
		return wantError(err, selector.ErrUnknownAuth)
	}
	return same("ClearCooldown", got, w.oracle.clear(a, bare(a, oracleKey(op.Model))))
}

// clear ends what concerns a model key, or all, and counts what was in force.
func (o *oracle) clear(a *selector.Auth, key string) (cleared int) {
	stamp := o.stamp()
	for k, l := range o.ledgers {
		if !slices.Contains(o.subjects(a), k.scope.subject) || key != "" && !slices.Contains(o.scopes(k.scope.subject, key), k.scope) ||
			key != "" && k.scope.key == "" {
			continue
		}
		if _, blocked := l.span(o.now, "", secretOf(a)); blocked {
			cleared++
		}
		l.cleared = stamp
	}
	return cleared
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
	if s.disabled, s.why, s.switched = !op.On, "", w.oracle.stamp(); s.disabled {
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
	_ = w.oracle.stamp() // what was bound until then counts for nothing
	want := 0
	if w.oracle.bindings != nil {
		want = w.oracle.bindings.Release(identityOf(a))
	}
	return same("Release", got, want)
}

// opAnswered tells of an answer.
type opAnswered struct {
	ID             string
	Sessions, Pins []uint64
	FirstTurn      uint64
}

func (op opAnswered) do(w *world) error {
	answer := selector.Answer{AuthID: op.ID, FirstTurn: historyKey(op.FirstTurn)}
	for _, id := range op.Sessions {
		answer.Sessions = append(answer.Sessions, selector.Session{Key: historyKey(id)})
	}
	for _, id := range op.Pins {
		answer.Pins = append(answer.Pins, selector.Session{Key: historyKey(id)})
	}
	err := w.pool.Answered(answer, w.oracle.now)
	a := w.oracle.auths[op.ID]
	if a == nil {
		return wantError(err, selector.ErrUnknownAuth)
	}
	delete(w.oracle.firstTurns, answer.FirstTurn)
	if w.oracle.bindings == nil {
		return err
	}
	for _, s := range answer.Sessions {
		w.oracle.bindings.Bind([]selector.Session{s}, identityOf(a), w.oracle.now)
	}
	for _, s := range answer.Pins {
		w.oracle.bindings.Bind([]selector.Session{s}, issuerMark+identityOf(a), w.oracle.now)
	}
	return err
}
