package alike

import (
	"slices"
	"time"
)

const (
	// within is how close together failures are that count as one event.
	within = int64(10 * time.Second)
	// kept is how long after a doubtful failure the next one of who failed so is waited for.
	kept = int64(time.Hour)
	// fewest is how many must fail alike at least, and most how many are most of however many there are.
	fewest = 3
	most   = 16
	// maxFailures bounds the failures of a suspicion.
	maxFailures = 64
)

// MaxSuspicions bounds the suspicions of a provider.
const MaxSuspicions = 64

// Log holds suspicions by provider. The zero value holds none.
type Log[Who comparable, Scope any] map[string][]*Suspicion[Who, Scope]

// Suspicion are recent failures for one reason, the newest of each, oldest first.
type Suspicion[Who comparable, Scope any] struct {
	Model    string // empty: they are not about one model
	Reason   string
	Failures []Failure[Who, Scope]
}

// Failure is what one failed with.
type Failure[Who comparable, Scope any] struct {
	Who         Who
	Started, At int64
	// Scope and Kind of what is held against it.
	Scope Scope
	Kind  uint8
	// Tag of the request, where it may be to blame; 0: it is not.
	Tag uint64
	// CertainAt is from when on nobody withdraws it any more, so that the next failure of who failed so is beyond doubt.
	CertainAt int64
}

// Note adds a failure to the suspicion that it belongs to. Those whose failures are all old go first. A doubtful failure takes
// the place of none that is beyond doubt.
func (l *Log[W, S]) Note(provider, model, reason string, f Failure[W, S]) *Suspicion[W, S] {
	s := l.suspicion(provider, model, reason, f.At)
	s.Failures = slices.DeleteFunc(s.Failures, func(old Failure[W, S]) bool { return old.over(f.At) })
	same := slices.IndexFunc(s.Failures, func(old Failure[W, S]) bool { return old.Who == f.Who })
	switch {
	case same >= 0 && f.Tag != 0 && s.Failures[same].Tag == 0:
		return s
	case same >= 0:
		if s.Failures[same].CertainAt <= f.At {
			f.Tag = 0 // another request, and the first would have failed elsewhere by now if it were to blame
		}
		s.Failures = slices.Delete(s.Failures, same, same+1)
	case len(s.Failures) == maxFailures:
		oldest := max(slices.IndexFunc(s.Failures, func(old Failure[W, S]) bool { return old.Tag != 0 }), 0)
		s.Failures = slices.Delete(s.Failures, oldest, oldest+1)
	}
	s.Failures = append(s.Failures, f)
	return s
}

// suspicion finds or makes one.
func (l *Log[W, S]) suspicion(provider, model, reason string, at int64) *Suspicion[W, S] {
	all := slices.DeleteFunc((*l)[provider], func(s *Suspicion[W, S]) bool {
		return !slices.ContainsFunc(s.Failures, func(f Failure[W, S]) bool { return !f.over(at) })
	})
	if *l == nil {
		*l = make(Log[W, S])
	}
	i := slices.IndexFunc(all, func(s *Suspicion[W, S]) bool { return s.Model == model && s.Reason == reason })
	if i >= 0 {
		(*l)[provider] = all
		return all[i]
	}
	if len(all) == MaxSuspicions {
		all = slices.Delete(all, 0, 1)
	}
	s := &Suspicion[W, S]{Model: model, Reason: reason}
	(*l)[provider] = append(all, s)
	return s
}

// over: it is too long ago to say anything of a failure at that time.
func (f *Failure[W, S]) over(at int64) bool {
	if f.Tag != 0 {
		return f.At < at-kept
	}
	return f.At < at-within
}

// Recent are the failures that count as one event with the last.
func (s *Suspicion[W, S]) Recent() []Failure[W, S] {
	last := s.Failures[len(s.Failures)-1].At
	return s.Failures[slices.IndexFunc(s.Failures, func(f Failure[W, S]) bool { return f.At >= last-within }):]
}

// Confirmed reports whether enough have failed, the fewest that are needed beyond doubt: all that can be used, or most of them
// if it may be the fault of what they share.
func (s *Suspicion[W, S]) Confirmed(shared bool, usable func() int) bool {
	failed, beyondDoubt := s.Recent(), 0
	for i := range failed {
		if failed[i].Tag == 0 {
			beyondDoubt++
		}
	}
	if beyondDoubt < fewest {
		return false
	}
	need := usable()
	if shared {
		need = min(need/2+1, most)
	}
	return len(failed) >= need
}

// Succeed drops the failures of requests that began no later than one of a model that was served.
func (l Log[W, S]) Succeed(provider, model string, started int64) {
	l.delete(provider, func(s *Suspicion[W, S], f Failure[W, S]) bool {
		return (s.Model == "" || s.Model == model) && f.Started <= started
	})
}

// Withdraw drops the failures of a request that turned out to be to blame.
func (l Log[W, S]) Withdraw(provider string, tag uint64) {
	l.delete(provider, func(_ *Suspicion[W, S], f Failure[W, S]) bool { return f.Tag == tag })
}

// delete drops failures of a provider, and the suspicions that are left without any.
func (l Log[W, S]) delete(provider string, drop func(*Suspicion[W, S], Failure[W, S]) bool) {
	all := l[provider]
	if len(all) == 0 {
		return
	}
	all = slices.DeleteFunc(all, func(s *Suspicion[W, S]) bool {
		s.Failures = slices.DeleteFunc(s.Failures, func(f Failure[W, S]) bool { return drop(s, f) })
		return len(s.Failures) == 0
	})
	if l[provider] = all; len(all) == 0 {
		delete(l, provider)
	}
}

// Drop forgets a suspicion of a provider.
func (l Log[W, S]) Drop(provider string, s *Suspicion[W, S]) {
	all := slices.DeleteFunc(l[provider], func(other *Suspicion[W, S]) bool { return other == s })
	if l[provider] = all; len(all) == 0 {
		delete(l, provider)
	}
}
