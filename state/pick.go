package state

import (
	"context"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// Pick is Pool.Pick for a replica of a fleet: where a session is bound anew, all replicas come to the same. Picks of a
// session that this replica knows ask nobody, and wait for nobody but another pick that is asking about this very session.
func (k *Persister) Pick(ctx context.Context, req *selector.Request, now time.Time) (selector.Pick, error) {
	if k.fleet == nil || len(req.Sessions)+len(req.Pins) == 0 || req.Options&selector.DryRun != 0 {
		return k.pool.Pick(req, now)
	}
	var until time.Time
	k.lookUp(ctx, &until, req.Pins, now)
	if len(req.Sessions) == 0 {
		return k.pool.Pick(req, now)
	}
	if req.Options&selector.Opening != 0 {
		// An opening is nobody's, so it is not agreed on; what comes with it is one conversation's own.
		k.lookUp(ctx, &until, req.Sessions[1:], now)
		return k.pool.Pick(req, now)
	}
	key := req.Sessions[0].Key
	mine, err := k.awaitClaim(ctx, key, now)
	if err != nil {
		return selector.Pick{}, err
	}
	if mine != nil {
		defer k.claims.end(key, mine)
	}
	pick, err := k.pool.Pick(req, now)
	for try := 0; err == nil && try < claimTries && k.confirmPick(ctx, &until, req, &pick, now); try++ {
		pick, err = k.pool.Pick(req, now)
	}
	return pick, err
}

// enter waits for whoever asks about the session, and says that this pick may ask if the session is not known.
func (k *Persister) awaitClaim(ctx context.Context, key selector.SessionKey, now time.Time) (*claim, error) {
	for {
		other := k.claims.find(key)
		if other == nil {
			if _, known := k.table.Find(key, now); known || k.claims.standalone.Load() {
				return nil, nil //nolint:nilnil // no claim is the usual case
			}
			mine, ok := k.claims.begin(key)
			if ok {
				return mine, nil
			}
			other = mine
		}
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// learn asks the fleet what ids are bound to of which this replica knows none.
func (k *Persister) lookUp(ctx context.Context, until *time.Time, ids []selector.Session, now time.Time) {
	for i := range ids {
		if _, known := k.table.Find(ids[i].Key, now); known {
			return
		}
	}
	if len(ids) == 0 || k.claims.standalone.Load() {
		return
	}
	if bound, ok := k.bindInFleet(ctx, until, k.boundSessions(ids, "", now), ""); ok && bound.Identity != "" {
		k.adopt(ids[:1], "", bound, now)
	}
}

// settle asks the fleet what the session of a pick is bound to, if the pick has bound it. True: to something else, which
// the table has now, so pick again.
func (k *Persister) confirmPick(ctx context.Context, until *time.Time, req *selector.Request, pick *selector.Pick, now time.Time) (again bool) {
	if pick.Binding != selector.BindingNew && pick.Binding != selector.BindingRebound {
		return false
	}
	own, claimed := claimsOf(req, pick)
	sessions := k.boundSessions(claimed, pick.Identity, now)
	for i := own; i < len(sessions); i++ {
		sessions[i].Identity = ""
	}
	if !k.claims.standalone.Load() {
		if bound, ok := k.bindInFleet(ctx, until, sessions, pick.From); ok {
			return k.adopt(claimed[:own], pick.Identity, bound, now)
		}
	}
	k.claims.addUnconfirmed(claimed[:own])
	k.claims.check.Notify()
	k.observer.Unconfirmed()
	return false
}

// claimsOf a pick are the ids that the fleet is asked about, of which the first own are to be bound. A name that moves
// takes nothing in. Prefixes are bound one at a time. A conversation that follows another one is asked about with that.
func claimsOf(req *selector.Request, pick *selector.Pick) (own int, ids []selector.Session) {
	ids = req.Sessions
	switch {
	case ids[0].Role != selector.RoleName:
		own = 1
	case pick.Binding == selector.BindingRebound:
		return 1, ids[:1]
	default:
		own = len(ids)
	}
	if req.Parent != (selector.SessionKey{}) && pick.Binding == selector.BindingNew {
		ids = append(slices.Clip(ids), selector.Session{Key: req.Parent})
	}
	return own, ids
}

// ask asks the fleet. Until is set by the first question of a pick and ends all of them. False: there was no answer in time.
// One that names what has been released since is as good as none: the session is moved off that.
func (k *Persister) bindInFleet(
	ctx context.Context, until *time.Time, sessions []BoundSession, from string,
) (BoundSession, bool) {
	if until.IsZero() {
		*until = time.Now().Add(claimTimeout)
	}
	limited, cancel := context.WithDeadline(ctx, *until)
	defer cancel()
	began := k.clock()
	k.lookups.begin(sessions[0].Key)
	bound, err := k.fleet.Bind(limited, sessions, from)
	if err == nil && bound.Identity != "" && bound.Bound <= k.pool.Released(bound.Identity) {
		bound, err = k.fleet.Bind(limited, sessions, bound.Identity)
	}
	bound = k.lookups.end(sessions[0].Key, bound)
	k.observer.Claimed(k.clock().Sub(began), err == nil && bound.Identity != sessions[0].Identity, err)
	switch {
	case err == nil:
		k.claims.failures.Store(0)
	case ctx.Err() == nil && k.claims.failures.Add(1) >= maxClaimFailures && !k.claims.standalone.Swap(true):
		k.fleetHealth.set(partClaim, err)
		k.claims.check.Notify()
	}
	return bound, err == nil
}

// adopt makes the table bind ids to what the fleet has. False: it does already, or this replica has no such auth.
func (k *Persister) adopt(ids []selector.Session, identity string, bound BoundSession, now time.Time) bool {
	if bound.Identity == identity {
		k.claims.confirm(ids)
		return false
	}
	slot, ok := k.pool.SlotOf(bound.Identity, bound.Bound)
	if !ok {
		return false
	}
	k.table.Bind(ids, slot, now)
	k.claims.confirm(ids)
	return true
}

// bound is what a store is told of the ids of a session.
func (k *Persister) boundSessions(ids []selector.Session, identity string, now time.Time) []BoundSession {
	list := make([]BoundSession, len(ids))
	// What was bound at the time of a release counts as released.
	at := max(now.UnixNano(), k.pool.Released(identity)+1)
	for i := range ids {
		list[i] = BoundSession{
			Key: ids[i].Key, Group: ids[0].Key, Source: ids[i].Source, Identity: identity,
			Bound: at, Ends: k.endsInFleet(now),
		}
		if ids[i].Role != selector.RoleName {
			list[i].Group = ids[i].Key
		}
	}
	return list
}

// endsInFleet is the end that the fleet is told of a binding that is used now. It is a little later than the true one,
// because uses are told only now and then.
func (k *Persister) endsInFleet(now time.Time) int64 {
	ttl := k.ttl()
	return now.Add(ttl + ttl/refreshShare).UnixNano()
}

// watchClaims finds out when the fleet answers in time again, and asks what picks could not ask, until ctx ends.
func (k *Persister) confirmBehind(ctx context.Context) {
	for ctx.Err() == nil {
		switch {
		case k.claims.standalone.Load():
			if k.answersInTime(ctx) {
				k.claims.failures.Store(0)
				k.claims.standalone.Store(false)
				k.fleetHealth.set(partClaim, nil)
				continue
			}
			sleep(ctx, checkPause)
		case k.confirmAll(ctx):
			sleep(ctx, checkPause)
		default:
			select {
			case <-ctx.Done():
			case <-k.claims.check:
			}
		}
	}
}

func (k *Persister) answersInTime(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	_, err := k.fleet.Keys(ctx, k.keys)
	return err == nil
}

// askLate asks about the sessions that were bound without the fleet. What others bound them to holds. True: some are left,
// because there was no answer.
func (k *Persister) confirmAll(ctx context.Context) (left bool) {
	for _, ids := range k.claims.takeUnconfirmed() {
		if left || !k.confirmSession(ctx, ids) {
			k.claims.addUnconfirmed(ids)
			left = true
		}
	}
	return left
}

// askLater asks about one session. False: there was no answer.
func (k *Persister) confirmSession(ctx context.Context, ids []selector.Session) bool {
	now := k.Now()
	slot, alive := k.table.Find(ids[0].Key, now)
	if !alive {
		return true
	}
	identity, ok := k.pool.NameOf(slot)
	if !ok {
		return true
	}
	bound, ok := k.bindInFleet(ctx, new(time.Time), k.boundSessions(ids, identity, now), "")
	if ok {
		k.adopt(ids, identity, bound, now)
	}
	return ok
}
