package alike_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector/internal/alike"
)

type failure = alike.Failure[string, string]

func at(seconds int) int64 { return int64(seconds) * int64(time.Second) }

func TestMostMustFailAlikeWithinSeconds(t *testing.T) {
	for name, c := range map[string]struct {
		failures []failure
		shared   bool
		usable   int
		want     bool
	}{
		"two are too few":              {[]failure{{Who: "a"}, {Who: "b"}}, true, 2, false},
		"three of three":               {[]failure{{Who: "a"}, {Who: "b"}, {Who: "c"}}, false, 3, true},
		"three of four":                {[]failure{{Who: "a"}, {Who: "b"}, {Who: "c"}}, false, 4, false},
		"three of four, shared":        {[]failure{{Who: "a"}, {Who: "b"}, {Who: "c"}}, true, 4, true},
		"the same one again":           {[]failure{{Who: "a"}, {Who: "b"}, {Who: "b"}}, true, 3, false},
		"one of them ten seconds ago":  {[]failure{{Who: "a"}, {Who: "b", At: at(10)}, {Who: "c", At: at(10)}}, true, 3, true},
		"one of them eleven s ago":     {[]failure{{Who: "a"}, {Who: "b", At: at(11)}, {Who: "c", At: at(11)}}, true, 3, false},
		"three of a thousand, shared":  {[]failure{{Who: "a"}, {Who: "b"}, {Who: "c"}}, true, 1000, false},
		"none of the three is in time": {[]failure{{Who: "a"}, {Who: "b", At: at(20)}, {Who: "c", At: at(40)}}, true, 3, false},
	} {
		var l alike.Log[string, string]
		got := false
		for _, f := range c.failures {
			got = l.Note("p", "m", "r", f).Confirmed(c.shared, func() int { return c.usable })
		}
		if got != c.want {
			t.Errorf("%s: Confirmed = %t, want %t", name, got, c.want)
		}
	}
}

func TestASuccessDropsTheFailuresOfEarlierRequests(t *testing.T) {
	var l alike.Log[string, string]
	l.Note("p", "m", "r", failure{Who: "a", Started: 1})
	l.Note("p", "m", "r", failure{Who: "b", Started: 2})
	l.Note("p", "", "r", failure{Who: "a", Started: 1})
	l.Note("p", "n", "r", failure{Who: "a", Started: 1})
	l.Succeed("p", "m", 1)
	if len(l["p"]) != 2 || len(l["p"][0].Failures) != 1 || l["p"][1].Model != "n" {
		t.Fatalf("left are %d suspicions", len(l["p"]))
	}
	l.Succeed("p", "m", 2)
	l.Drop("p", l["p"][0])
	if len(l["p"]) != 0 {
		t.Errorf("left are %d suspicions, want none", len(l["p"]))
	}
	l.Succeed("unknown", "m", 1)
}

func TestSuspicionsAreBounded(t *testing.T) {
	var l alike.Log[string, string]
	for i := range 1000 {
		s := l.Note("p", fmt.Sprint("m", i%100), "r", failure{Who: fmt.Sprint(i)})
		for j := range 100 {
			s = l.Note("p", s.Model, "r", failure{Who: fmt.Sprint("w", j)})
		}
		if len(l["p"]) > alike.MaxSuspicions || len(s.Failures) > 64 {
			t.Fatalf("%d suspicions, %d failures", len(l["p"]), len(s.Failures))
		}
	}
}

func TestDoubtfulFailuresShowNothingByThemselves(t *testing.T) {
	var l alike.Log[string, string]
	confirmed := func(who string, tag uint64) bool {
		return l.Note("p", "m", "r", failure{Who: who, Tag: tag, CertainAt: at(60)}).Confirmed(true, func() int { return 7 })
	}
	for i := range uint64(100) {
		if confirmed(fmt.Sprint(i), 1+i) {
			t.Fatalf("%d doubtful failures show an outage", i+1)
		}
	}
	l = nil
	confirmed("a", 1)
	for _, who := range []string{"b", "c"} {
		if confirmed(who, 0) {
			t.Errorf("%s shows an outage", who)
		}
	}
	confirmed("c", 2) // in place of nothing
	if !confirmed("d", 0) {
		t.Error("three failures beyond doubt and a doubtful one are no outage of four in seven")
	}
	l.Withdraw("p", 1)
	if s := l["p"][0]; len(s.Failures) != 3 || s.Confirmed(true, func() int { return 7 }) {
		t.Errorf("after the request was found to be to blame: %+v", s.Failures)
	}
	for _, who := range []string{"b", "c", "d"} {
		l.Note("p", "m", "r", failure{Who: who, Tag: 9}) // in place of nothing
	}
	if l.Withdraw("p", 9); len(l["p"][0].Failures) != 3 {
		t.Errorf("doubt took the place of %+v", l["p"][0].Failures)
	}
}

func TestASecondDoubtfulFailureIsBeyondDoubtWhenTheFirstIsCertain(t *testing.T) {
	for name, c := range map[string]struct {
		after int
		clear func(l alike.Log[string, string])
		want  bool
	}{
		"when it is certain":             {60, func(alike.Log[string, string]) {}, true},
		"before that":                    {59, func(alike.Log[string, string]) {}, false},
		"more than an hour later":        {3700, func(alike.Log[string, string]) {}, false},
		"one of the first was withdrawn": {60, func(l alike.Log[string, string]) { l.Withdraw("p", 1) }, false},
		"one was served in the meantime": {60, func(l alike.Log[string, string]) { l.Succeed("p", "m", at(5)) }, false},
	} {
		var l alike.Log[string, string]
		for i, who := range []string{"a", "b", "c"} {
			l.Note("p", "m", "r", failure{Who: who, Started: at(i), At: at(i), Tag: uint64(i + 1), CertainAt: at(i + 60)})
		}
		c.clear(l)
		got := false
		for i, who := range []string{"a", "b", "c"} {
			got = l.Note("p", "m", "r", failure{Who: who, At: at(i + c.after), Tag: uint64(i + 4)}).Confirmed(false, func() int { return 3 })
		}
		if got != c.want {
			t.Errorf("%s: Confirmed = %t, want %t", name, got, c.want)
		}
	}
}
