package cooldown

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// randomRecord is what one replica may know of a key: what it learnt itself, and what others told it.
func randomRecord(r *rand.Rand, others ...*Record) *Record {
	record := &Record{Key: RecordKey{Kind: RecordIdentity, Name: "a"}}
	for _, o := range others {
		if r.IntN(2) == 0 {
			record.Merge(o)
		}
	}
	for range r.IntN(12) {
		at := 1 + Instant(r.IntN(20))*Instant(time.Second)/2
		switch r.IntN(9) {
		case 8:
			for range 1 + r.IntN(2)*r.IntN(60) {
				record.Withdrawn.Add(Tag(1+r.IntN(60)), at+Instant(r.IntN(4)))
			}
		case 0:
			record.Switch = record.Switch.later(Switch{At: at, Disabled: r.IntN(2) == 0, Why: fmt.Sprint(r.IntN(2))})
		case 1:
			record.Cleared = max(record.Cleared, at)
		case 2:
			record.Succeeded = max(record.Succeeded, at)
			record.Released = max(record.Released, at/2)
		case 3:
			record.Windows = MergeWindows(record.Windows, []Window{{Name: fmt.Sprint(r.IntN(40)), UsedShare: float64(r.IntN(3)), SeenAt: at.Time()}})
		case 4:
			record.Merge(&Record{LastReport: Report{ReceivedAt: at.Time(), What: fmt.Sprint(r.IntN(2))}})
		default:
			model := []string{"", "m", "n"}[r.IntN(3)]
			learnt := &Record{Scopes: []ScopeRecord{{Model: model, Family: model != "" && r.IntN(3) == 0}}}
			randomObservations(r, learnt.Scopes[0].Ledgers.Of(Kind(r.IntN(int(NumKinds)))), at)
			record.Merge(learnt)
		}
	}
	record.Merge(&Record{}) // so that what was set above counts everywhere
	return record
}

func randomObservations(r *rand.Rand, l *Ledger, at Instant) {
	switch r.IntN(7) {
	case 5, 6:
		randomDoubt(r, l, at)
	case 0:
		l.Succeed(at)
	case 1:
		l.Clear(at)
	case 2:
		l.AddFailure(Failure{At: at, Reason: fmt.Sprint(r.IntN(3))}, at)
	default:
		e := Observation{Received: at, Until: at + Instant(r.IntN(4))*Instant(time.Second), Level: r.IntN(3), Ladder: Ladder(r.IntN(2)), Reason: fmt.Sprint(r.IntN(3))}
		e.Probe, e.Command, e.Claimed = e.Until-Instant(r.IntN(2)), r.IntN(4) == 0, r.IntN(4) == 0
		if r.IntN(4) == 0 {
			e.Secret = Fingerprint(1 + r.IntN(12))
		}
		l.Add(e)
	}
}

// randomDoubt is of one of a few requests, most of them at one time, so that there are too many.
func randomDoubt(r *rand.Rand, l *Ledger, at Instant) {
	for range 1 + r.IntN(2)*r.IntN(12) {
		made := at + Instant(r.IntN(3))*Instant(DoubtSpan)/2
		d := Doubt{Observation: Observation{Received: made, Until: made + Instant(r.IntN(4))*Instant(time.Hour), Reason: fmt.Sprint(r.IntN(2))}, Tag: Tag(1 + r.IntN(6)), Repeated: r.IntN(2) == 0}
		d.Probe = d.Until - Instant(r.IntN(2))
		l.AddDoubt(d)
	}
}

func merged(records ...*Record) string {
	sum := &Record{}
	for _, r := range records {
		sum.Merge(clone(r))
	}
	return fmt.Sprintf("%+v", *sum)
}

// What is kept of too many models does not depend on the order in which replicas hear of them, and the whole is always kept.
func TestTooManyModelsMergeInAnyOrderToTheSame(t *testing.T) {
	seed := rand.Uint64()
	for round := range 20 {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		var of [3]*Record
		for i := range of {
			of[i] = manyModels(r)
		}
		a, b, c := of[0], of[1], of[2]
		want := merged(a, b, c)
		nested := clone(b)
		nested.Merge(c)
		for name, got := range map[string]string{
			"in another order": merged(c, a, b), "twice": merged(a, b, c, b, a), "in pairs": merged(a, nested),
		} {
			if got != want {
				t.Fatalf("seed %d, %d: merged %s, another record", seed, round, name)
			}
		}
		all := clone(a)
		all.Merge(b)
		all.Merge(c)
		if len(all.Scopes) != 1+MaxModels || all.Scopes[0].Model != "" {
			t.Fatalf("seed %d, %d: %d models are kept, want %d and the whole", seed, round, len(all.Scopes)-1, MaxModels)
		}
		first := &all.Scopes[1].Ledgers
		for i := range all.Scopes[1:] {
			if l := &all.Scopes[1+i].Ledgers; l.CompareEnds(first) < 0 {
				first = l
			}
		}
		for _, s := range slices.Concat(a.Scopes, b.Scopes, c.Scopes) {
			if at := slices.IndexFunc(all.Scopes, func(kept ScopeRecord) bool { return compareScopes(kept, &s) == 0 }); at < 0 && s.CompareEnds(first) > 0 {
				t.Fatalf("seed %d, %d: %q is not kept, though another ends before it", seed, round, s.Model)
			}
		}
	}
}

// manyModels is what one replica knows of many models, many of which end at one time.
func manyModels(r *rand.Rand) *Record {
	record := &Record{Scopes: []ScopeRecord{{}}}
	record.Scopes[0].Transient.Add(Observation{Received: 1, Until: 2})
	for range 900 {
		name := r.IntN(2000)
		s := record.Scope(fmt.Sprint(name), name%5 == 0)
		if at := Instant(1 + r.IntN(100)); name%8 == 0 {
			s.Quota.Succeed(at)
		} else {
			s.Transient.Add(Observation{Received: at, Until: at + 10 + Instant(name%3)*50, Command: name%3 == 1, Claimed: name%3 == 2})
		}
	}
	return record
}

// However long callers say that cooldowns of other models are, and in whatever order they are heard of, those that an upstream told stay.
func TestWhatCallersSayPushesNothingOut(t *testing.T) {
	heard, said := &Record{}, &Record{}
	for i := range MaxModels {
		heard.Scope(fmt.Sprint("heard", i), false).Quota.Add(Observation{Received: 1, Until: 2, Probe: 2})
		said.Scope(fmt.Sprint("said", i), i%2 == 0).Quota.Add(Observation{Received: 1, Until: Never, Probe: Never, Command: i%3 == 0, Claimed: i%3 != 0})
	}
	for _, sum := range []string{merged(heard, said), merged(said, heard), merged(said, heard, said)} {
		if sum != merged(heard) {
			t.Error("of what an upstream told something is gone")
		}
	}
}

func clone(r *Record) *Record {
	c := &Record{}
	c.Merge(r)
	return c
}

func TestRecordsMergeInAnyOrderAnyNumberOfTimesToTheSame(t *testing.T) {
	count, seed := 20_000, rand.Uint64()
	if testing.Short() {
		count = 1_000
	}
	for i := range count {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		a := randomRecord(r)
		b := randomRecord(r, a)
		c := randomRecord(r, a, b)
		want := merged(a, b, c)
		nested := clone(b)
		nested.Merge(c)
		for name, got := range map[string]string{
			"in another order": merged(c, a, b), "twice": merged(a, b, c, b, a), "in pairs": merged(a, nested), "alone": merged(clone(a), b, c),
		} {
			if got != want {
				t.Fatalf("seed %d, %d: merged %s:\n%s\nwant\n%s\nof\n%+v\n%+v\n%+v", seed, i, name, got, want, *a, *b, *c)
			}
		}
	}
}
