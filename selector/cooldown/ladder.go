package cooldown

import (
	"math/rand/v2"
	"time"
)

// Ladder names how long to cool down when nobody says how long.
type Ladder uint8

// The ladders.
const (
	// LadderNone: LadderRate where one is needed.
	LadderNone Ladder = iota
	LadderRate
	LadderOverload
	LadderEgress
	LadderQuota
	// LadderQuotaLong is the quota ladder for limits of weeks or months.
	LadderQuotaLong
	// LadderRefusal is that of a secret that was refused.
	LadderRefusal
	numLadders
)

func (l Ladder) String() string {
	return [numLadders]string{
		LadderNone: "none", LadderRate: "rate", LadderOverload: "overload", LadderEgress: "egress", LadderQuota: "quota",
		LadderQuotaLong: "quota_long", LadderRefusal: "refusal",
	}[l]
}

// steps is a backoff ladder: each step is twice the one before, up to a limit.
type steps struct{ first, limit time.Duration }

// steps of a ladder. The figures are those of docs/verdicts.md.
func (l Ladder) steps() steps {
	switch l {
	case LadderOverload:
		return steps{time.Second, time.Minute}
	case LadderEgress:
		return steps{10 * time.Second, 30 * time.Minute}
	case LadderQuota:
		return steps{15 * time.Minute, 5 * time.Hour}
	case LadderQuotaLong:
		return steps{15 * time.Minute, 24 * time.Hour}
	case LadderRefusal:
		return steps{30 * time.Minute, 30 * time.Minute}
	default:
		return steps{2 * time.Second, 5 * time.Minute}
	}
}

// LadderOf is the ladder of a kind of cooldown that a caller orders without saying how long.
func LadderOf(kind Kind) Ladder {
	switch kind {
	case Quota:
		return LadderRate
	case Authentication:
		return LadderRefusal
	default:
		return LadderOverload
	}
}

// Step is the duration of a level, from 1, with up to 20 % of jitter either way. A ladder of one step has none.
func (l Ladder) Step(level int, random *rand.Rand) time.Duration {
	s := l.steps()
	if s.first == s.limit {
		return s.first
	}
	d := s.limit
	if shift := level - 1; shift < 32 && s.first<<shift < s.limit {
		d = s.first << shift
	}
	return time.Duration(float64(d) * (0.8 + 0.4*random.Float64()))
}
