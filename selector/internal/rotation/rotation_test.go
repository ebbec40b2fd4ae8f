package rotation_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/credbroker/credbroker/selector/internal/readyset"
	"github.com/credbroker/credbroker/selector/internal/rotation"
)

// model is stride scheduling over a slice: it scans everything.
type model struct {
	low, end int
	weights  []uint32
	in       []bool
	lag      []float64 // ahead of virtual time
}

func (m *model) next(excluded []int32) (position int) {
	position = -1
	for i := m.low; i < m.end; i++ {
		if m.in[i] && !slices.Contains(excluded, int32(i)) && (position < 0 || m.lag[i] < m.lag[position]-1e-9) {
			position = i
		}
	}
	return position
}

func (m *model) take(position int, excluded []int32) {
	sum := 0.0
	for i := m.low; i < m.end; i++ {
		if m.in[i] && !slices.Contains(excluded, int32(i)) {
			sum += float64(m.weights[i])
		}
	}
	for i := m.low; i < m.end; i++ {
		if m.in[i] && !slices.Contains(excluded, int32(i)) {
			m.lag[i] -= 1 / sum
		}
	}
	m.lag[position] += 1 / float64(m.weights[position])
}

// list is an ordered list of which some are ready, some of those hidden, beside a rotation over a part of it.
type list struct {
	model

	view    readyset.View
	changes readyset.Changes
	random  *rand.Rand
}

func newList(seed uint64, n int) *list {
	l := &list{random: rand.New(rand.NewPCG(seed, uint64(n)))}
	l.low = l.random.IntN(n)
	l.end = l.low + 1 + l.random.IntN(n-l.low)
	l.weights, l.in, l.lag = make([]uint32, n), make([]bool, n), make([]float64, n)
	l.view = readyset.View{All: readyset.New(n), Hidden: readyset.New(n)}
	l.changes = readyset.NewChanges(l.view.All.Words())
	for i := range n {
		l.weights[i] = uint32(1 + l.random.IntN(5))
	}
	for range n {
		l.flip()
	}
	return l
}

// flip makes somebody ready or hidden, or not.
func (l *list) flip() {
	i := l.random.IntN(len(l.weights))
	if l.random.IntN(2) == 0 {
		l.view.All.Put(i, !l.view.All.Has(i))
	}
	l.view.Hidden.Put(i, l.view.All.Has(i) && l.random.IntN(3) == 0)
	l.changes.Add(i)
	l.in[i] = l.view.Has(i)
}

func (l *list) excluded() (excluded []int32) {
	for range l.random.IntN(4) {
		i := int32(l.low + l.random.IntN(l.end-l.low))
		if l.in[i] && !slices.Contains(excluded, i) {
			excluded = append(excluded, i)
		}
	}
	return excluded
}

func TestWeightedTakesWhomAModelTakes(t *testing.T) {
	for seed := range uint64(20) {
		for _, n := range []int{1, 5, 63, 64, 65, 130, 700} {
			l := newList(seed, n)
			r := rotation.NewWeighted(l.low, l.end, l.weights)
			r.Start(l.view, &l.changes)
			for step := range 400 {
				for range l.random.IntN(4) * l.random.IntN(4) {
					l.flip()
				}
				if l.random.IntN(100) == 0 {
					r = l.remake(r)
				}
				r.Follow(l.view, &l.changes)
				excluded := l.excluded()
				want := l.next(excluded)
				if want < 0 {
					continue
				}
				got := r.Next(excluded)
				if again := r.Next(excluded); again != got {
					t.Fatalf("Next = %d, then %d, and nothing was taken", got, again)
				}
				if !l.in[got] || slices.Contains(excluded, int32(got)) || math.Abs(l.lag[got]-l.lag[want]) > 1e-9 {
					t.Fatalf("seed %d, %d positions, step %d: Next = %d, want %d", seed, n, step, got, want)
				}
				if l.random.IntN(5) > 0 {
					r.Turn(got, excluded)
					l.take(got, excluded)
				}
			}
		}
	}
}

// remake is a rotation that goes on from what was saved of another, with one that is new.
func (l *list) remake(r *rotation.Weighted) *rotation.Weighted {
	r.Follow(l.view, &l.changes)
	saved := r.Save(func(position int) string { return fmt.Sprint(position) })
	made := rotation.NewWeighted(l.low, l.end, l.weights)
	if saved != nil {
		fresh := l.low + l.random.IntN(l.end-l.low)
		l.lag[fresh] = 0
		made.Restore(saved, func(position int) bool { return position == fresh }, func(name string) (position int) {
			if _, err := fmt.Sscan(name, &position); err != nil {
				return -1
			}
			return position
		})
	} else {
		clear(l.lag)
	}
	made.Start(l.view, &l.changes)
	return made
}

func TestWeightedTurnsOfOneRound(t *testing.T) {
	view, changes := readyset.View{All: readyset.New(2)}, readyset.NewChanges(1)
	view.All.Put(0, true)
	view.All.Put(1, true)
	r := rotation.NewWeighted(0, 2, []uint32{2, 1})
	r.Start(view, &changes)
	for i, want := range []int{0, 1, 0, 0, 1, 0} {
		if got := r.Next(nil); got != want {
			t.Fatalf("turn %d: Next = %d, want %d", i, got, want)
		}
		r.Turn(r.Next(nil), nil)
	}
}

func TestNothingIsSavedOfARotationThatNobodyUsed(t *testing.T) {
	if saved := rotation.NewWeighted(0, 3, []uint32{1, 1, 1}).Save(func(int) string { return "" }); saved != nil {
		t.Errorf("Save = %v, want nil", saved)
	}
}

func TestRoundRobinStartsAtTheCursorThatItIsGiven(t *testing.T) {
	var r rotation.RoundRobin
	if got := r.Cursor(7); got != 7 || r.Used() {
		t.Errorf("Cursor = %d, used %t", got, r.Used())
	}
	r.Turn(7)
	if got := r.Cursor(100); got != 8 || !r.Used() {
		t.Errorf("after a turn: Cursor = %d, used %t, want 8", got, r.Used())
	}
}

func TestTwoLevelKeepsCursorsOfGroupsThatAreThere(t *testing.T) {
	var r rotation.TwoLevel
	for i := range 10 {
		r.Turn(uint64(i), fmt.Sprint(i%5))
	}
	if got := r.Groups.Cursor(0); got != 10 || r.Inner("3") != 2 || r.Len() != 5 {
		t.Errorf("cursor %d, inner %d, %d groups", got, r.Inner("3"), r.Len())
	}
	if r.Prune(5, nil); r.Len() != 5 {
		t.Errorf("Prune dropped some of %d groups, though no more than allowed", r.Len())
	}
	if r.Prune(4, map[string]bool{"1": true}); r.Len() != 1 || r.Inner("1") != 2 {
		t.Errorf("after Prune: %d groups", r.Len())
	}
}

func BenchmarkWeighted(b *testing.B) {
	for _, n := range []int{3, 333, 33_333} {
		b.Run(fmt.Sprintf("positions=%d", n), func(b *testing.B) {
			view, changes := readyset.View{All: readyset.New(n)}, readyset.NewChanges(n/64)
			weights := make([]uint32, n)
			for i := range n {
				weights[i] = uint32(i*3%5 + 1)
				view.All.Put(i, true)
			}
			r := rotation.NewWeighted(0, n, weights)
			r.Start(view, &changes)
			b.ReportAllocs()
			for b.Loop() {
				r.Follow(view, &changes)
				r.Turn(r.Next(nil), nil)
			}
		})
	}
}
