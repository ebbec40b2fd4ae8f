package statetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// RandomKey is one of a few keys of every kind, some with signs that are special to something.
func RandomKey(r *rand.Rand) cooldown.RecordKey {
	names := [...]string{"account:claude:a", "key:gemini:0f", "plain", "with:colon", "ünïcode \"quoted\"", "100%"}
	name := names[r.IntN(len(names))]
	switch r.IntN(5) {
	case 0:
		return cooldown.RecordKey{Kind: cooldown.RecordDomain, Provider: [...]string{"claude", "a:b", "a%3Ab"}[r.IntN(3)], Name: "org:" + name}
	case 1:
		return cooldown.RecordKey{Kind: cooldown.RecordProvider, Provider: [...]string{"claude", "a:b"}[r.IntN(2)]}
	default:
		return cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: name}
	}
}

// RandomRecord is what one replica may know of a key: what it learnt itself around a time, and what others told it.
func RandomRecord(r *rand.Rand, key cooldown.RecordKey, around time.Time, others ...cooldown.Record) cooldown.Record {
	record := cooldown.Record{Key: key}
	for i := range others {
		if r.IntN(2) == 0 {
			record.Merge(&others[i])
		}
	}
	for range 1 + r.IntN(6) {
		learnt := cooldown.Record{Key: key}
		randomFact(r, &learnt, cooldown.InstantOf(around)+cooldown.Instant(r.IntN(40)-20)*cooldown.Instant(time.Second)/2)
		record.Merge(&learnt)
	}
	return record
}

// randomFact puts one thing into an empty record.
func randomFact(r *rand.Rand, record *cooldown.Record, at cooldown.Instant) {
	word := func() string { return [...]string{"", "over budget", "rate_limited", "\u2028<&>", "日本"}[r.IntN(5)] }
	identity := record.Key.Kind == cooldown.RecordIdentity
	switch n := r.IntN(11); {
	case n == 0 && identity:
		record.Switch = cooldown.Switch{At: at, Disabled: r.IntN(2) == 0, Why: word()}
	case n == 1:
		record.Cleared = at
	case n == 2:
		record.Succeeded = at
	case n == 3 && identity:
		record.Released = at
	case n == 4 && identity:
		record.Windows = []cooldown.Window{{
			Name: fmt.Sprint(r.IntN(40), "h"), UsedShare: float64(r.IntN(30)-1) / 7, SeenAt: at.Time().UTC(),
			ResetsAt: []time.Time{{}, at.Time().UTC().Add(time.Hour)}[r.IntN(2)],
		}}
	case n == 10:
		for range 1 + r.IntN(40)*r.IntN(2) {
			record.Withdrawn.Add(randomTag(r), at+cooldown.Instant(r.IntN(9)))
		}
	case n == 5 && identity:
		record.LastReport = cooldown.Report{ReceivedAt: at.Time().UTC(), What: "success", Model: word(), Reason: word(), Rule: word()}
	default:
		scope := cooldown.ScopeRecord{Model: [...]string{"", "m", "claude-*"}[r.IntN(3)]}
		scope.Family = scope.Model == "claude-*"
		randomEvidence(r, scope.Ledgers.Of(cooldown.Kind(r.IntN(int(cooldown.NumKinds)))), at, word)
		record.Scopes = []cooldown.ScopeRecord{scope}
	}
}

func randomEvidence(r *rand.Rand, l *cooldown.Ledger, at cooldown.Instant, word func() string) {
	switch r.IntN(6) {
	case 5:
		for range 1 + r.IntN(10)*r.IntN(2) {
			l.AddDoubt(cooldown.Doubt{
				Observation: cooldown.Observation{Received: at, Until: at.Add(time.Minute), Probe: at + 1, Level: r.IntN(3), Reason: word(), Rule: word()},
				Tag:         randomTag(r), Repeated: r.IntN(2) == 0,
			})
		}
	case 0:
		l.Watermark = at
	case 1:
		l.Cleared = at
	case 2:
		l.Failures = []cooldown.Failure{{At: at, Reason: word()}}
	default:
		e := cooldown.Observation{
			Received: at, Until: at + cooldown.Instant(r.IntN(4))*cooldown.Instant(time.Minute), Level: r.IntN(3), Ladder: cooldown.Ladder(r.IntN(7)),
			Command: r.IntN(4) == 0, Reason: word(), Rule: word(), OperatorAction: word(),
		}
		if r.IntN(6) == 0 {
			e.Until = math.MaxInt64
		}
		if e.Probe = e.Until; r.IntN(3) == 0 {
			e.Probe = at + 1
		}
		if r.IntN(4) == 0 {
			e.Secret = cooldown.Fingerprint(r.Uint64() | 1<<63)
		}
		l.Observations = []cooldown.Observation{e}
	}
}

// randomTag is one of some requests: few doubts meet the withdrawal of theirs otherwise.
func randomTag(r *rand.Rand) cooldown.Tag { return cooldown.Tag(1 + r.IntN(40)) }

// RandomBinding is one of a few ids that is bound to one of a few identities.
func RandomBinding(r *rand.Rand, now time.Time) state.BoundSession {
	key := func() selector.SessionKey {
		return selector.SessionKey{Hi: uint64(r.IntN(4)) << 62, Lo: uint64(r.IntN(4))}
	}
	b := state.BoundSession{Key: key(), Source: uint8(r.IntN(5)), Bound: now.UnixNano() - int64(r.IntN(1000))}
	if b.Group = b.Key; r.IntN(3) == 0 {
		b.Group = key()
	}
	if r.IntN(3) == 0 {
		b.Caller = fmt.Sprint("caller-", r.IntN(3))
	}
	if r.IntN(5) > 0 {
		b.Identity = fmt.Sprint("identity-", r.IntN(3))
		b.Ends = now.Add(time.Duration(1+r.IntN(100)) * time.Hour).UnixNano()
	}
	return b
}

// later is a time that no engine takes for long ago, whenever the tests run, and the same in each run.
func later() time.Time { return time.Unix(4_000_000_000, 0) }
