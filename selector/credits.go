package selector

import (
	"math"
	"math/bits"
)

// credits is stride scheduling over one lane for one route. Every member has a pass, the virtual time at which it is
// next due; the ready one with the smallest pass is taken, the first in lane order at equal passes, and its pass grows
// by 1/weight. A tier's virtual time grows by 1/(sum of present weights) a pick. What a member is ahead or behind of
// it is kept while the member is out, so that going and coming back neither earns nor loses anything.
//
// Passes are kept in chunks of a word of the lane, made when they differ from zero, so that a model name that is asked
// for once costs little. A pick looks only at words that changed since the last one.
type credits struct {
	lane       *lane
	generation uint64   // of the index
	seen       uint64   // of lane.changes
	in         []uint64 // members that count as present, by word
	pass       []*[64]float64
	// best is a tournament over the words: the smallest pass of a present member in each, at size+word.
	best []float64
	size int
	// clocks are the virtual times of the tiers that were used, and the last of them.
	clocks   map[int]*float64
	tier     int
	lastUsed *float64
}

// turn is a choice that was not taken yet.
type turn struct {
	position int
	tier     int
	weight   float64 // of all members of the list, excluded ones not among them
	excluded []int   // positions of present members that this request excludes
}

func newCredits(l *lane, generation uint64) *credits {
	words := l.ready.Words()
	size := 1
	for size < words {
		size *= 2
	}
	return &credits{
		lane: l, generation: generation, in: make([]uint64, words), pass: make([]*[64]float64, words),
		best: make([]float64, 2*size), size: size, clocks: make(map[int]*float64),
	}
}

// byWeight is weighted round robin.
func (q *query) byWeight(list *present) (choice, bool) {
	c := q.creditsFor(list)
	c.sync(list.mask)
	t := list.lane.tierAt(list.at(0))
	turn := turn{tier: t, weight: float64(list.lane.weight(t, list.mask))}
	seen := list.seen()
	for _, hole := range list.holes {
		position := seen.At(int(hole))
		if position >= list.lane.tiers[t].low && position < list.lane.tiers[t].end {
			turn.excluded = append(turn.excluded, position)
			turn.weight -= float64(list.lane.order[position].weight)
			c.setIn(position, false)
		}
	}
	turn.position = c.first(list.lane.tiers[t])
	for _, position := range turn.excluded {
		c.setIn(position, true)
	}
	return choice{route: q.route, member: list.lane.order[turn.position], credits: c, turn: turn}, true
}

// creditsFor finds or makes the credits of a list.
func (q *query) creditsFor(list *present) *credits {
	slot := list.lane.kind & webSocketLane
	t := q.route
	if c := t.credits[slot]; c != nil && c.lane == list.lane {
		return c
	}
	t.forgetLane(slot)
	c := newCredits(list.lane, q.pool.index.generation)
	if kept := t.remembered[slot]; kept != nil {
		c.recall(kept, q.pool.index)
		t.remembered[slot] = nil
	}
	c.settle(list.mask)
	t.credits[slot] = c
	return c
}

// forgetLanes turns credits of lanes that are no longer looked at into what has to outlive them.
func (t *route) forgetLanes() {
	for slot, c := range t.credits {
		if c != nil && (t.view == nil || c.lane.view != t.view) {
			t.forgetLane(laneKind(slot))
		}
	}
}

func (t *route) forgetLane(slot laneKind) {
	if c := t.credits[slot]; c != nil {
		t.remembered[slot], t.credits[slot] = c.remember(), nil
	}
}

// take moves virtual time on by one pick.
func (c *credits) take(t turn) {
	step := 1 / t.weight
	*c.clock(t.tier) += step
	for _, position := range t.excluded {
		c.setPass(position, c.passOf(position)+step)
	}
	c.setPass(t.position, c.passOf(t.position)+1/float64(c.lane.order[t.position].weight))
}

// sync lets members in and out that became ready or stopped being it.
func (c *credits) sync(m *mask) {
	seen := c.lane.seen(m)
	c.seen = c.lane.changes.Since(c.seen, len(c.in), func(w int) {
		if word := seen.Word(w); word != c.in[w] {
			c.follow(w, word)
			c.update(w)
		}
	})
}

// settle is sync for credits whose tournament is still to be made.
func (c *credits) settle(m *mask) {
	seen := c.lane.seen(m)
	for i := c.size + len(c.in); i < len(c.best); i++ {
		c.best[i] = math.Inf(1)
	}
	for w := range c.in {
		c.follow(w, seen.Word(w))
		c.best[c.size+w], _ = c.least(w, c.in[w])
	}
	for i := c.size - 1; i > 0; i-- {
		c.best[i] = min(c.best[2*i], c.best[2*i+1])
	}
	c.seen = c.lane.changes.Count()
}

// follow makes the members of a word those that are present.
func (c *credits) follow(w int, word uint64) {
	if len(c.clocks) > 0 {
		for changed := word ^ c.in[w]; changed != 0; changed &= changed - 1 {
			position := w<<6 + bits.TrailingZeros64(changed)
			now := c.now(c.lane.tierAt(position))
			if c.in[w]>>(position&63)&1 != 0 {
				now = -now
			}
			c.put(position, c.passOf(position)+now)
		}
	}
	c.in[w] = word
}

func (c *credits) now(tier int) float64 {
	if now := c.clocks[tier]; now != nil {
		return *now
	}
	return 0
}

func (c *credits) clock(tier int) *float64 {
	if c.lastUsed != nil && c.tier == tier {
		return c.lastUsed
	}
	k := c.clocks[tier]
	if k == nil {
		k = new(float64)
		c.clocks[tier] = k
	}
	c.tier, c.lastUsed = tier, k
	return k
}

func (c *credits) passOf(position int) float64 {
	if chunk := c.pass[position>>6]; chunk != nil {
		return chunk[position&63]
	}
	return 0
}

func (c *credits) setPass(position int, pass float64) {
	c.put(position, pass)
	c.update(position >> 6)
}

// put is setPass without the tournament.
func (c *credits) put(position int, pass float64) {
	w := position >> 6
	if c.pass[w] == nil {
		if pass == 0 {
			return
		}
		c.pass[w] = new([64]float64)
	}
	c.pass[w][position&63] = pass
}

func (c *credits) setIn(position int, in bool) {
	w := position >> 6
	if in {
		c.in[w] |= 1 << (position & 63)
	} else {
		c.in[w] &^= 1 << (position & 63)
	}
	c.update(w)
}

// update carries the smallest pass of a word up the tournament.
func (c *credits) update(w int) {
	least, _ := c.least(w, c.in[w])
	i := c.size + w
	c.best[i] = least
	for i /= 2; i > 0; i /= 2 {
		least := min(c.best[2*i], c.best[2*i+1])
		if c.best[i] == least {
			return
		}
		c.best[i] = least
	}
}

// least is the smallest pass among the members of a word, and the first place that has it.
func (c *credits) least(w int, members uint64) (pass float64, place int) {
	if members == 0 {
		return math.Inf(1), 0
	}
	place = bits.TrailingZeros64(members)
	chunk := c.pass[w]
	if chunk == nil {
		return 0, place
	}
	pass = chunk[place]
	for members &= members - 1; members != 0; members &= members - 1 {
		if i := bits.TrailingZeros64(members); chunk[i&63] < pass {
			pass, place = chunk[i&63], i
		}
	}
	return pass, place
}

// first is the present member of a tier with the smallest pass. There must be one.
func (c *credits) first(t tier) int {
	low, last := t.low>>6, (t.end-1)>>6
	lowBits, lastBits := ^uint64(0)<<(t.low&63), ^uint64(0)>>(63-(t.end-1)&63)
	if low == last {
		_, place := c.least(low, c.in[low]&lowBits&lastBits)
		return low<<6 + place
	}
	// Words that belong to the tier as a whole are in the tournament; those at its ends may belong to two tiers.
	pass, position := math.Inf(1), 0
	whole, wholeEnd := low, last+1
	if lowBits != ^uint64(0) {
		p, place := c.least(low, c.in[low]&lowBits)
		pass, position, whole = p, low<<6+place, low+1
	}
	if lastBits != ^uint64(0) && t.end < len(c.lane.order) {
		wholeEnd = last
	}
	if w, p := c.firstWord(whole, wholeEnd); p < pass {
		_, place := c.least(w, c.in[w])
		pass, position = p, w<<6+place
	}
	if wholeEnd == last {
		if p, place := c.least(last, c.in[last]&lastBits); p < pass {
			position = last<<6 + place
		}
	}
	return position
}

// firstWord is the first of the words from low up to, not including, end with the smallest pass.
func (c *credits) firstWord(low, end int) (word int, pass float64) {
	pass = math.Inf(1)
	node := 0
	left, right := low+c.size, end+c.size
	var rights [64]int
	n := 0
	for ; left < right; left, right = left/2, right/2 {
		if left&1 == 1 {
			if c.best[left] < pass {
				pass, node = c.best[left], left
			}
			left++
		}
		if right&1 == 1 {
			right--
			rights[n] = right
			n++
		}
	}
	for n--; n >= 0; n-- {
		if c.best[rights[n]] < pass {
			pass, node = c.best[rights[n]], rights[n]
		}
	}
	if node == 0 {
		return 0, pass
	}
	for node < c.size {
		node *= 2
		if c.best[node] != pass {
			node++
		}
	}
	return node - c.size, pass
}
