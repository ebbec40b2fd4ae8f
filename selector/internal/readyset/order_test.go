package readyset_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// orderModel is an order as slices: it scans everything.
type orderModel struct {
	priority []int64
	name     []string
	ready    []bool
	blocks   map[string][]int // by key and position
}

// list are the positions that a list should have.
func (m *orderModel) list(key string, excluded []int32) (positions []int) {
	for i, ready := range m.ready {
		if ready && (m.blocks[key] == nil || m.blocks[key][i] == 0) && !slices.Contains(excluded, int32(i)) {
			positions = append(positions, i)
		}
	}
	return positions
}

func newOrderModel(random *rand.Rand, n int) (*orderModel, *readyset.Order) {
	m := &orderModel{ready: make([]bool, n), blocks: map[string][]int{}}
	priority, parent := int64(0), 0
	for range n {
		if random.IntN(20) == 0 {
			priority, parent = priority-1, 0
		}
		parent += random.IntN(5) / 4
		m.priority = append(m.priority, priority)
		if parent == 0 {
			m.name = append(m.name, "")
		} else {
			m.name = append(m.name, fmt.Sprintf("g%03d", parent))
		}
	}
	o := readyset.NewOrder(n, func(i int) int64 { return m.priority[i] })
	o.Group(func(i int) string { return m.name[i] })
	return m, o
}

// step changes both at random.
func (m *orderModel) step(random *rand.Rand, o *readyset.Order) {
	i, key := random.IntN(len(m.ready)), []string{"a", "b", "c"}[random.IntN(3)]
	switch random.IntN(4) {
	case 0, 1:
		m.ready[i] = random.IntN(3) > 0
		if o.Put(i, m.ready[i]) {
			for key, blocks := range m.blocks {
				if blocks[i] > 0 {
					o.Follow(key, i)
				}
			}
		}
	case 2:
		if o.Hidden(key) == nil {
			o.Hide(key, 3)
			m.blocks[key] = make([]int, len(m.ready))
		}
		m.blocks[key][i]++
		o.Block(o.Hidden(key), i, 1, m.ready[i])
	default:
		if m.blocks[key] != nil && m.blocks[key][i] > 0 {
			m.blocks[key][i]--
			o.Block(o.Hidden(key), i, -1, m.ready[i] && m.blocks[key][i] > 0)
		}
	}
}

func TestOrderListsWhatAModelOfSlicesLists(t *testing.T) {
	for seed := range uint64(20) {
		for _, n := range []int{1, 5, 64, 65, 200} {
			random := rand.New(rand.NewPCG(seed, uint64(n)))
			m, o := newOrderModel(random, n)
			for step := range 300 {
				m.step(random, o)
				var excluded []int32
				for range random.IntN(4) {
					if i := int32(random.IntN(n)); !slices.Contains(excluded, i) {
						excluded = append(excluded, i)
					}
				}
				key := []string{"a", "b", "c", "unknown"}[random.IntN(4)]
				want := m.list(key, excluded)
				list := o.List(o.Hidden(key), slices.Clone(excluded))
				compareList(t, fmt.Sprintf("seed %d, %d positions, step %d", seed, n, step), &list, want)
				m.compareBest(t, o, &list, want)
			}
		}
	}
}

func compareList(t *testing.T, where string, list *readyset.List, want []int) {
	t.Helper()
	if list.Len() != len(want) {
		t.Fatalf("%s: Len = %d, want %d", where, list.Len(), len(want))
	}
	for k, position := range want {
		if got := list.At(k); got != position {
			t.Fatalf("%s: At(%d) = %d, want %d", where, k, got, position)
		}
	}
}

// compareBest compares the best tier of a list, and the groups of that.
func (m *orderModel) compareBest(t *testing.T, o *readyset.Order, list *readyset.List, want []int) {
	t.Helper()
	if len(want) == 0 {
		return
	}
	best := *list
	tier := best.Best()
	want = slices.DeleteFunc(slices.Clone(want), func(i int) bool { return m.priority[i] != m.priority[want[0]] })
	compareList(t, "best tier", &best, want)
	if o.Tiers[tier].Priority != m.priority[want[0]] || o.TierOf(m.priority[want[0]]) != tier || o.TierAt(want[0]) != tier {
		t.Fatalf("best tier is %d, of priority %d", tier, o.Tiers[tier].Priority)
	}
	var names []string
	for _, i := range want {
		names = append(names, m.name[i])
	}
	names = slices.Compact(names)
	groups := list.Groups(&o.Tiers[tier])
	if groups.Len() != len(names) {
		t.Fatalf("%d groups, want %d", groups.Len(), len(names))
	}
	for k, name := range names {
		if got := o.Groups[groups.At(k)].Name; got != name {
			t.Fatalf("group %d is %q, want %q", k, got, name)
		}
	}
}

func TestFillIsAsManyPuts(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 3))
		n := 1 + random.IntN(300)
		m, filled := newOrderModel(random, n)
		for i := range m.ready {
			m.ready[i] = random.IntN(3) > 0
		}
		put := readyset.NewOrder(n, func(i int) int64 { return m.priority[i] })
		put.Group(func(i int) string { return m.name[i] })
		for i, ready := range m.ready {
			put.Put(i, ready)
		}
		filled.Fill(n, func(i int) bool { return m.ready[i] })
		all := filled.List(nil, nil)
		want := m.list("", nil)
		if all.Len() != len(want) {
			t.Fatalf("seed %d: %d are ready, want %d", seed, all.Len(), len(want))
		}
		for k, position := range want {
			if got := all.At(k); got != position || filled.View(nil).Rank(position) != k {
				t.Fatalf("seed %d: the %dth is %d, want %d", seed, k, got, position)
			}
		}
		same := put.List(nil, nil)
		for i := range filled.Tiers {
			got, want := all.Groups(&filled.Tiers[i]), same.Groups(&put.Tiers[i])
			if got.Len() != want.Len() {
				t.Errorf("seed %d: tier %d has %d groups, want %d", seed, i, got.Len(), want.Len())
			}
		}
	}
}
