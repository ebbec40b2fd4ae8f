package verdict

import (
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// members reads the delay, or its end, from members that are called after it, in the error and in what is in it, or else beside it.
func (v *view) members(bound time.Duration) (hint, bool) {
	s := memberSearch{view: v, bound: bound, left: maxSearched, rank: len(memberRanks)}
	for _, at := range [...]gjson.Result{v.fault, v.passedOn(), v.root} {
		if s.search(at, 0); s.found.delay > 0 {
			return s.found, true
		}
	}
	return hint{}, false
}

const (
	maxSearched     = 200 // members
	maxSearchedDeep = 3
)

// memberSearch looks for the member whose name says most clearly that this is how long to wait.
type memberSearch struct {
	*view

	bound time.Duration
	left  int // members that may be looked at
	rank  int // of what was found
	found hint
}

// search looks at the members of an object, then at those of the objects in it: the nearest counts.
func (s *memberSearch) search(at gjson.Result, depth int) {
	if !at.IsObject() && !at.IsArray() {
		return
	}
	at.ForEach(func(name, value gjson.Result) bool {
		s.left--
		s.take(name.Str, value)
		return s.left > 0
	})
	if depth == maxSearchedDeep || s.found.delay > 0 {
		return
	}
	at.ForEach(func(_, value gjson.Result) bool {
		s.search(value, depth+1)
		return s.left > 0 && s.found.delay == 0
	})
}

func (s *memberSearch) take(name string, value gjson.Result) {
	text := scalar(value)
	if text == "" || len(text) > maxValue {
		return
	}
	plain, unit := memberUnit(codeName(name))
	rank := memberRank(plain)
	if rank >= s.rank {
		return
	}
	var h hint
	var ok bool
	if unit == 0 {
		h, ok = s.resetValue(text, s.bound)
		if !ok {
			instant, read := readInstant(folded(text), s.clock, s.set.grammar.zones, nil)
			h, ok = s.at(instant, read, s.bound)
		}
	} else {
		var d time.Duration
		d, ok = parseUnits(text, unit)
		h, ok = bounded(d, ok, s.bound)
	}
	if ok {
		s.found, s.rank = h, rank
	}
}

// memberUnits are what names of members end with that say in which unit they count.
var memberUnits = [...]struct {
	suffix string
	unit   time.Duration
}{
	{"milliseconds", time.Millisecond}, {"millis", time.Millisecond}, {"ms", time.Millisecond}, {"seconds", time.Second},
	{"secs", time.Second}, {"sec", time.Second}, {"minutes", time.Minute}, {"mins", time.Minute}, {"hours", time.Hour},
}

// memberUnit returns what a name says without its unit, and the unit.
func memberUnit(name string) (string, time.Duration) {
	for _, u := range memberUnits {
		if plain, ok := strings.CutSuffix(name, u.suffix); ok && plain != "" {
			return plain, u.unit
		}
	}
	return name, 0
}

// memberRanks are names of members as codes are compared, in any number of words: what counts first comes first. A limit may
// start anew later than the request would be let through.
var memberRanks = [...][]string{
	{"retryafter", "retryin", "retrydelay", "wait", "waitfor", "waittime", "cooldown", "cooldowntime", "estimatedtime", "backoff"},
	{"retryat", "retryuntil", "availableat", "nextavailableat", "availablein", "unlocksat", "unlockat", "unlocksin", "blockeduntil", "cooldownuntil"},
	{"resetin", "resetsin", "resetafter", "resetsafter", "timetoreset", "timeuntilreset", "secondsuntilreset", "secondstoreset", "timeremaining"},
	{"resetat", "resetsat", "resettime", "resettimestamp", "resetdate", "nextreset", "nextresetat", "nextresettime", "reset", "xratelimitreset"},
}

func memberRank(name string) int {
	for rank, names := range memberRanks {
		if slices.Contains(names, name) {
			return rank
		}
	}
	return len(memberRanks)
}
