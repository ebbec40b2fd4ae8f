package selector

import (
	"slices"

	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// present is the list that a strategy chooses from: ready candidates of one lane, of one tier or of all of them, less
// those that the request excludes. Members are counted by rank among the visible members of the lane.
type present struct {
	lane *lane
	mask *mask
	// holes are the ranks of excluded members, ascending.
	holes []int32
	// The ranks from low to end, holes among them.
	low, end int
	// length is the number of members, holes not among them.
	length int
}

// present is the list of all ready candidates in a lane.
func (q *query) present(l *lane) present {
	p := present{lane: l, mask: q.mask(l)}
	seen := p.seen()
	p.end = seen.Len()
	if len(q.excluded) > 0 {
		// Lists of one pick live side by side, so each takes the next piece of the scratch.
		scratch := q.pool.scratch
		for _, x := range q.excluded {
			if position := l.position(x); position >= 0 && seen.Has(position) {
				scratch = append(scratch, int32(seen.Rank(position))) //nolint:gosec // a pool has fewer auths
			}
		}
		p.holes = scratch[len(q.pool.scratch):]
		slices.Sort(p.holes)
		q.pool.scratch = scratch
	}
	p.length = p.end - len(p.holes)
	return p
}

// at is the position of the k-th member, from 0.
func (p *present) at(k int) int {
	rank := p.low + k
	for _, hole := range p.holes {
		if int(hole) < p.low {
			continue
		}
		if int(hole) > rank {
			break
		}
		rank++
	}
	return p.seen().At(rank)
}

// excluded are the positions of the list's holes, in the next piece of a scratch.
func (p *present) excluded(scratch *[]int32) []int32 {
	if len(p.holes) == 0 {
		return nil
	}
	seen, positions := p.seen(), *scratch
	for _, hole := range p.holes {
		if int(hole) >= p.low && int(hole) < p.end {
			positions = append(positions, int32(seen.At(int(hole)))) //nolint:gosec // a pool has fewer auths
		}
	}
	excluded := positions[len(*scratch):]
	*scratch = positions
	return excluded
}

func (p *present) seen() readyset.View { return p.lane.seen(p.mask) }

// narrow is the part of the list between two positions.
func (p *present) narrow(low, end int) present {
	part := *p
	seen := p.seen()
	part.low, part.end = seen.Rank(low), seen.Rank(end)
	part.length = part.end - part.low
	for _, hole := range p.holes {
		if int(hole) >= part.low && int(hole) < part.end {
			part.length--
		}
	}
	return part
}

// best is the part of the list in its best tier, and that tier. The list must not be empty.
func (p *present) best() (present, int) {
	t := 0
	if len(p.lane.tiers) == 1 {
		return *p, t
	}
	// Most of the time it is the first one.
	part := p.narrow(p.lane.tiers[t].low, p.lane.tiers[t].end)
	if part.length == 0 {
		t = p.lane.tierAt(p.at(0))
		part = p.narrow(p.lane.tiers[t].low, p.lane.tiers[t].end)
	}
	return part, t
}
