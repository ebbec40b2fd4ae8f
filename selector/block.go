package selector

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	// maxModelBlocks bounds the models of one identity that blocks are kept for.
	maxModelBlocks = 1024
	// ladderMemory is how long the step of a backoff ladder is remembered after its window.
	ladderMemory = 24 * time.Hour
	// never is the end of what does not end.
	never = math.MaxInt64
)

// block is one span of one kind. Times are Unix nanoseconds inside the package.
type block struct {
	until  int64 // 0: there was none
	level  int   // of the ladder, from 1; 0: it was not climbed
	given  bool  // a caller gave the end, not the ladder
	reason string
}

// shown is the block as callers see it.
func (b *block) shown(model string, kind CooldownKind) Block {
	shown := Block{Model: model, Kind: kind, Until: timeOf(b.until), Reason: b.reason}
	if !b.given {
		shown.Level = b.level
	}
	return shown
}

// blockSet are the blocks of one identity for one model key, or for the whole of it.
type blockSet struct {
	timer

	owner  *identity
	model  string // "": the whole identity
	kinds  [numCooldownKinds]block
	active bool // some block is not over, as far as time was worked off
	place  int  // in Pool.blocked[model] while active and about a model
}

// latest is the block that ends last, a quota block where several do; its until is 0 if there is none.
func (s *blockSet) latest() (CooldownKind, *block) {
	best := Quota
	for kind := Quota + 1; kind < numCooldownKinds; kind++ {
		if s.kinds[kind].until > s.kinds[best].until {
			best = kind
		}
	}
	return best, &s.kinds[best]
}

// remembers reports whether a ladder still counts on this set after its blocks are over.
func (s *blockSet) remembers() bool {
	for i := range s.kinds {
		if s.kinds[i].level > 0 {
			return true
		}
	}
	return false
}

// ladder is how long an auth rests when nobody says how long.
type ladder struct{ first, limit time.Duration }

// ladderOf gives the backoff ladder of a kind. The figures are those of docs/behaviour.md.
func ladderOf(kind CooldownKind) ladder {
	switch kind {
	case Quota:
		return ladder{2 * time.Second, 5 * time.Minute}
	case Authentication:
		return ladder{30 * time.Minute, 30 * time.Minute}
	default:
		return ladder{time.Second, time.Minute}
	}
}

// step is the duration of a level, from 1, with up to 20 % of jitter either way. A ladder of one step has none.
func (l ladder) step(level int, random *rand.Rand) time.Duration {
	if l.first == l.limit {
		return l.first
	}
	d := l.limit
	if shift := level - 1; shift < 32 && l.first<<shift < l.limit {
		d = l.first << shift
	}
	return time.Duration(float64(d) * (0.8 + 0.4*random.Float64()))
}
