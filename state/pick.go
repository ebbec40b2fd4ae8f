package state

import (
	"context"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// pick is Pool.Pick where the fleet is asked.
func (c *claims) pick(ctx context.Context, req *selector.Request, now time.Time) (selector.Pick, error) {
	var until time.Time
	c.findInFleet(ctx, &until, req.Pins, now)
	if len(req.Sessions) == 0 {
		return c.pool.Pick(req, now)
	}
	c.findInFleet(ctx, &until, req.Writer(), now)
	if req.Options&selector.FirstTurn != 0 {
		// A first turn may be anybody's, so the fleet is not asked to confirm it; what comes with it is one conversation's own.
		c.findInFleet(ctx, &until, req.Sessions[1:], now)
		return c.pool.Pick(req, now)
	}
	mine, err := c.awaitClaim(ctx, req.Sessions, now)
	if err != nil {
		return selector.Pick{}, err
	}
	if mine != nil {
		defer c.end(mine)
	}
	pick, err := c.pool.Pick(req, now)
	for try := 0; err == nil && try < claimTries && c.confirmPick(ctx, &until, req, &pick, now); try++ {
		pick, err = c.pool.Pick(req, now)
	}
	return pick, err
}

// awaitClaim waits for whoever asks about the session, and says that this pick may ask if the session is not known.
func (c *claims) awaitClaim(ctx context.Context, ids []selector.Session, now time.Time) (*claim, error) {
	for {
		other := c.find(ids[0].Key)
		if other == nil {
			if _, known := c.table.Find(ids[0].Key, now); known || c.standalone.Load() {
				return nil, nil //nolint:nilnil // no claim is the usual case
			}
			mine, ok := c.begin(ids)
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

// findInFleet asks the fleet what ids are bound to of which this replica knows none.
func (c *claims) findInFleet(ctx context.Context, until *time.Time, ids []selector.Session, now time.Time) {
	for i := range ids {
		if _, known := c.table.Find(ids[i].Key, now); known {
			return
		}
	}
	if len(ids) == 0 || c.standalone.Load() {
		return
	}
	if bound, ok := c.bindInFleet(ctx, until, c.boundSessions(ids, "", now), ""); ok && bound.Identity != "" {
		c.adopt(ids[:1], "", bound, now)
	}
}

// confirmPick asks the fleet what the session of a pick is bound to, if the pick has bound it. True: to something else, which
// the table has now, so pick again.
func (c *claims) confirmPick(ctx context.Context, until *time.Time, req *selector.Request, pick *selector.Pick, now time.Time) (again bool) {
	if pick.Binding != selector.BindingNew && pick.Binding != selector.BindingRebound {
		return false
	}
	own, claimed := claimsOf(req, pick)
	sessions := c.boundSessions(claimed, pick.Identity, now)
	for i := own; i < len(sessions); i++ {
		sessions[i].Identity = ""
	}
	if !c.standalone.Load() {
		if bound, ok := c.bindInFleet(ctx, until, sessions, pick.From); ok {
			return c.adopt(claimed[:own], pick.Identity, bound, now)
		}
	}
	c.addUnconfirmed(claimed[:own])
	c.check.Notify()
	c.observer.Unconfirmed()
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

// bindInFleet asks the fleet. Until is set by the first time that a pick asks and ends all of them. False: there was no answer in time.
// One that names what has been released since is as good as none: the session is moved off that.
func (c *claims) bindInFleet(
	ctx context.Context, until *time.Time, sessions []BoundSession, from string,
) (BoundSession, bool) {
	if until.IsZero() {
		*until = time.Now().Add(claimTimeout)
	}
	limited, cancel := context.WithDeadline(ctx, *until)
	defer cancel()
	began := c.clock()
	c.lookups.begin(sessions[0].Key)
	bound, err := c.fleet.Bind(limited, sessions, from)
	if err == nil && bound.Identity != "" && bound.Bound <= c.pool.Released(bound.Identity) {
		bound, err = c.fleet.Bind(limited, sessions, bound.Identity)
	}
	bound = c.lookups.end(sessions[0].Key, bound)
	c.observer.Claimed(c.clock().Sub(began), err == nil && bound.Identity != sessions[0].Identity, err)
	switch {
	case err == nil:
		c.failures.Store(0)
	case ctx.Err() == nil && c.failures.Add(1) >= maxClaimFailures && !c.standalone.Swap(true):
		c.health.set(partClaim, err)
		c.check.Notify()
	}
	return bound, err == nil
}

// adopt makes the table bind ids to what the fleet has. False: it does already, or this replica has no such auth.
func (c *claims) adopt(ids []selector.Session, identity string, bound BoundSession, now time.Time) bool {
	if bound.Identity == identity {
		c.confirm(ids)
		return false
	}
	slot, ok := c.pool.SlotOf(bound.Identity, bound.Bound)
	if !ok {
		return false
	}
	c.table.Bind(ids, slot, now)
	c.confirm(ids)
	return true
}

// boundSessions are what a store is given of the ids of a session.
func (c *claims) boundSessions(ids []selector.Session, identity string, now time.Time) []BoundSession {
	list := make([]BoundSession, len(ids))
	// What was bound at the time of a release counts as released.
	at := max(now.UnixNano(), c.pool.Released(identity)+1)
	for i := range ids {
		list[i] = BoundSession{
			Key: ids[i].Key, Group: ids[0].Key, Source: ids[i].Source, Caller: ids[i].Caller, Identity: identity,
			Bound: at, Ends: c.endsInFleet(now),
		}
		if ids[i].Role != selector.RoleName {
			list[i].Group = ids[i].Key
		}
	}
	return list
}

// endsInFleet is the end that the fleet is given of a binding that is used now. It is a little later than the true one,
// because uses are sent only now and then.
func (c *claims) endsInFleet(now time.Time) int64 {
	ttl := c.ttl()
	return now.Add(ttl + ttl/refreshShare).UnixNano()
}

// confirmBehind finds out when the fleet answers in time again, and asks what picks could not ask, until ctx ends.
func (c *claims) confirmBehind(ctx context.Context) {
	for ctx.Err() == nil {
		switch {
		case c.standalone.Load():
			if c.answersInTime(ctx) {
				c.failures.Store(0)
				c.standalone.Store(false)
				c.health.set(partClaim, nil)
				continue
			}
			sleep(ctx, checkPause)
		case c.confirmAll(ctx):
			sleep(ctx, checkPause)
		default:
			select {
			case <-ctx.Done():
			case <-c.check:
			}
		}
	}
}

func (c *claims) answersInTime(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	_, err := c.fleet.Keys(ctx, c.keys)
	return err == nil
}

// confirmAll asks about the sessions that were bound without the fleet. What others bound them to holds. True: some are left,
// because there was no answer.
func (c *claims) confirmAll(ctx context.Context) (left bool) {
	for _, ids := range c.takeUnconfirmed() {
		if left || !c.confirmSession(ctx, ids) {
			c.addUnconfirmed(ids)
			left = true
		}
	}
	return left
}

// confirmSession asks about one session. False: there was no answer.
func (c *claims) confirmSession(ctx context.Context, ids []selector.Session) bool {
	now := c.now()
	slot, alive := c.table.Find(ids[0].Key, now)
	if !alive {
		return true
	}
	identity, ok := c.pool.NameOf(slot)
	if !ok {
		return true
	}
	bound, ok := c.bindInFleet(ctx, new(time.Time), c.boundSessions(ids, identity, now), "")
	if ok {
		c.adopt(ids, identity, bound, now)
	}
	return ok
}
