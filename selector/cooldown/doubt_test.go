package cooldown

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// second of a test, from one that is not the zero instant.
func second(n int) Instant { return Instant(n+1) * Instant(time.Second) }

// doubted is a failure of a request that keeps an auth out for half an hour if it is the auth's fault.
func doubted(tag Tag, at Instant) Doubt {
	return Doubt{Observation: Observation{Received: at, Until: at.Add(30 * time.Minute), Probe: at.Add(15 * time.Minute), Reason: "forbidden"}, Tag: tag}
}

func TestDoubtEndsWithinAMinuteUnlessAnotherRequestFailsAlike(t *testing.T) {
	otherwise := doubted(2, second(5))
	otherwise.Reason = "upstream_error"
	for name, c := range map[string]struct {
		add         []Doubt
		withdrawn   []Tag
		until, next Instant
	}{
		"one request":                      {[]Doubt{doubted(1, second(0))}, nil, second(60), second(60)},
		"the same request again":           {[]Doubt{doubted(1, second(0)), doubted(1, second(5))}, nil, second(65), second(65)},
		"another request, another failure": {[]Doubt{doubted(1, second(0)), otherwise}, nil, second(65), second(65)},
		"another request alike":            {[]Doubt{doubted(1, second(0)), doubted(2, second(5))}, nil, second(1805), second(905)},
		"another that was to blame":        {[]Doubt{doubted(1, second(0)), doubted(2, second(5))}, []Tag{2}, second(60), second(60)},
		"both to blame":                    {[]Doubt{doubted(1, second(0)), doubted(2, second(5))}, []Tag{1, 2}, 0, 0},
	} {
		var l Ledger
		var w Withdrawn
		for _, d := range c.add {
			l.AddDoubt(d)
		}
		for _, tag := range c.withdrawn {
			w.Add(tag, second(6))
		}
		w.Apply(&l)
		if s := l.Span(0, second(7)); s.Until != c.until || s.Probe != c.next {
			t.Errorf("%s: until %v, probe %v, want %v, %v", name, s.Until.Time(), s.Probe.Time(), c.until.Time(), c.next.Time())
		}
	}
}

func TestDoubtRaisesNothingElse(t *testing.T) {
	ordinary := Observation{Received: second(0), Until: second(2), Probe: second(2), Level: 1, Ladder: LadderRate, Reason: "forbidden"}
	var l Ledger
	l.Add(ordinary)
	d := Doubt{Observation: ordinary, Tag: 1, Repeated: true}
	d.Level, d.Received, d.Until, d.Probe = 7, second(0)+1, second(9), second(9)
	l.AddDoubt(d)
	if fmt.Sprint(l.Observations) != fmt.Sprint([]Observation{ordinary}) {
		t.Errorf("the ordinary observation is now %+v", l.Observations)
	}
	if level, _ := l.Climb(&ordinary, 0, second(20), second(20)); level != 2 {
		t.Errorf("Climb = %d, want 2", level)
	}
	if level, _ := l.Climb(&ordinary, 1, second(20), second(20)); level != 2 {
		t.Errorf("Climb of the same request = %d, want 2", level)
	}
	if level, _ := l.Climb(&ordinary, 2, second(20), second(20)); level != 8 {
		t.Errorf("Climb of another request = %d, want 8", level)
	}
	for now, want := range map[Instant]int{second(59): 0, second(61): 1} {
		if got := l.CountFailures("forbidden", 0, now); got != want {
			t.Errorf("CountFailures after %v = %d, want %d", time.Duration(now-second(0)), got, want)
		}
	}
	l.Succeed(second(30))
	if l.Count() != 0 {
		t.Errorf("after a success there is %+v", l)
	}
}

// Whoever lets requests fail without end costs bounded memory, and brings nothing back that was withdrawn.
func TestWithdrawnTagsAreBoundedAndStayWithdrawn(t *testing.T) {
	a, b := &Record{Scopes: []ScopeRecord{{}}}, &Record{Scopes: []ScopeRecord{{}}}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 10_000 {
		at := second(0).Add(time.Duration(i) * 10 * time.Millisecond)
		late := doubted(Tag(i+1), at)
		a.Scopes[0].Quota.AddDoubt(late)
		a.Withdrawn.Add(late.Tag, at+1)
		if r.IntN(20) == 0 { // b hears of the failure first
			b.Merge(&Record{Scopes: []ScopeRecord{{Ledgers: Ledgers{Other: Ledger{Doubts: []Doubt{late}}}}}})
		}
		if r.IntN(50) == 0 {
			b.Merge(a)
			a.Merge(b)
			for _, kind := range []Kind{Quota, Other} {
				if s := b.Scopes[0].Of(kind).Span(0, at+2); s.Deciding != nil {
					t.Fatalf("after %d requests %+v holds", i, s.Deciding)
				}
			}
		}
		if n := len(a.Withdrawn.Tags); n > maxWithdrawn || len(a.Scopes[0].Quota.Doubts) > 2*maxDoubts {
			t.Fatalf("after %d requests there are %d tags and %d doubts", i, n, len(a.Scopes[0].Quota.Doubts))
		}
	}
	if a.Prune(second(0).Add(30*time.Hour)) || !a.Withdrawn.IsZero() {
		t.Errorf("a day later there is %+v", a)
	}
}

func TestKnowsMoreOfDoubt(t *testing.T) {
	know := func(tags ...Tag) *Record {
		r := &Record{Scopes: []ScopeRecord{{}}}
		for _, tag := range tags {
			r.Scopes[0].Quota.AddDoubt(doubted(tag, second(0)))
		}
		return r
	}
	withdrawn := know(1)
	withdrawn.Withdrawn.Add(1, second(1))
	withdrawn.Merge(&Record{})
	for name, c := range map[string]struct {
		r, o *Record
		at   Instant
		want bool
	}{
		"a doubt":                      {know(1), know(), second(2), true},
		"one that is over":             {know(1), know(), second(62), false},
		"the same":                     {know(1), know(1), second(2), false},
		"that it is withdrawn":         {withdrawn, know(1), second(2), true},
		"nothing where it is":          {know(), withdrawn, second(2), false},
		"what was withdrawn yesterday": {withdrawn, know(1), second(25 * 60 * 60), false},
	} {
		if _, got := c.r.Beyond(c.o, c.at); got != c.want {
			t.Errorf("%s: Beyond = %t, want %t", name, got, c.want)
		}
	}
}
