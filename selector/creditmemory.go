package selector

import "math/bits"

// remembered is what has to outlive the lane of credits: an index lasts only until the next change of the membership.
type remembered struct {
	generation uint64 // of the index that the lane was part of
	clocks     []tierClock
	ahead      []memberAhead
}

// tierClock is the virtual time of one tier.
type tierClock struct {
	priority int64
	now      float64
}

// memberAhead is what one member is ahead of virtual time, by id of its auth.
type memberAhead struct {
	id    string
	ahead float64
}

// remember leaves out members that are present and were never taken: all of them are due since the beginning.
func (c *credits) remember() *remembered {
	kept := &remembered{generation: c.generation}
	for t, now := range c.clocks {
		if *now != 0 {
			kept.clocks = append(kept.clocks, tierClock{c.lane.tiers[t].priority, *now})
		}
	}
	if len(kept.clocks) == 0 {
		return nil
	}
	for w, in := range c.in {
		for members := c.all(w); members != 0; members &= members - 1 {
			position := w<<6 + bits.TrailingZeros64(members)
			ahead := c.passOf(position)
			if in>>(position&63)&1 != 0 {
				if ahead == 0 {
					continue
				}
				ahead -= c.now(c.lane.tierAt(position))
			}
			kept.ahead = append(kept.ahead, memberAhead{c.lane.order[position].auth.ID, ahead})
		}
	}
	return kept
}

// recall makes new credits go on where older ones stopped. Members that are new since then, or that changed their shape,
// start at the present virtual time.
func (c *credits) recall(kept *remembered, x *index) {
	for _, k := range kept.clocks {
		if t := c.lane.tierOf(k.priority); t >= 0 {
			*c.clock(t) = k.now
		}
	}
	for w := range c.in {
		c.in[w] = c.all(w)
	}
	if kept.generation != x.generation {
		for position, m := range c.lane.order {
			if m.born > kept.generation {
				c.in[position>>6] &^= 1 << (position & 63)
			}
		}
	}
	for _, k := range kept.ahead {
		m := x.byID[k.id]
		if m == nil || m.born > kept.generation {
			continue
		}
		if position := c.lane.position(m); position >= 0 {
			c.in[position>>6] &^= 1 << (position & 63)
			c.put(position, k.ahead)
		}
	}
}

// all are the members of a word, present or not.
func (c *credits) all(w int) uint64 {
	if rest := len(c.lane.order) - w<<6; rest < 64 {
		return 1<<rest - 1
	}
	return ^uint64(0)
}
