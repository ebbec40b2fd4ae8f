package feed

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// plain is what a reader would keep on its own.
type plain struct {
	pending map[item[int]]bool
	known   map[string]bool
}

func TestReadersGetWhatListsOfTheirOwnWouldHave(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		var f Feed[int]
		readers := map[*Reader[int]]*plain{}
		any1 := func() *Reader[int] {
			for r := range readers {
				return r
			}
			return nil
		}
		for range 20_000 {
			switch r := any1(); random.IntN(12) {
			case 0:
				if len(readers) < 8 {
					readers[f.Read()] = &plain{map[item[int]]bool{}, map[string]bool{}}
				}
			case 1:
				if r != nil && random.IntN(4) == 0 {
					r.Close()
					delete(readers, r)
				}
			case 2, 3, 4:
				i := item[int]{name: fmt.Sprint(random.IntN(200))}
				if random.IntN(5) == 0 {
					i = item[int]{group: 1 + random.IntN(5)}
				}
				change(t, &f, readers, i)
			case 5, 6, 7, 8:
				if r != nil {
					take(t, r, readers[r])
				}
			case 9, 10:
				if name := fmt.Sprint(random.IntN(200)); r != nil {
					r.Learn(name)
					readers[r].known[name] = true
				}
			default:
				if name := fmt.Sprint(random.IntN(200)); r != nil {
					if got := r.Forget(name); got != readers[r].known[name] {
						t.Fatalf("seed %d: Forget(%s) = %t", seed, name, got)
					}
					delete(readers[r].known, name)
				}
			}
			check(t, &f, readers)
		}
	}
}

func change(t *testing.T, f *Feed[int], readers map[*Reader[int]]*plain, i item[int]) {
	t.Helper()
	if i.group == 0 {
		f.Change(i.name)
	} else {
		f.ChangeGroup(i.group)
	}
	for r, p := range readers {
		if len(p.pending) == 0 && len(r.Changed()) == 0 {
			t.Fatalf("a change of %v is not signalled", i)
		}
		p.pending[i] = true
	}
}

func take(t *testing.T, r *Reader[int], p *plain) {
	t.Helper()
	name, group, ok := r.Next()
	i := item[int]{name, group}
	if ok != (len(p.pending) > 0) || ok && !p.pending[i] {
		t.Fatalf("Next = %v, %t of %v", i, ok, p.pending)
	}
	if delete(p.pending, i); len(p.pending) == 0 {
		select {
		case <-r.Changed():
		default:
		}
	}
}

// check that the feed has what some reader waits for, once, and numbers for what some reader knows.
func check(t *testing.T, f *Feed[int], readers map[*Reader[int]]*plain) {
	t.Helper()
	pending, known := map[item[int]]bool{}, map[string]bool{}
	for _, p := range readers {
		maps.Copy(pending, p.pending)
		maps.Copy(known, p.known)
	}
	if len(readers) > 0 && (len(f.items) != len(pending) || len(f.numbers) != len(known)) || f.order.Len() != len(f.items)+len(readers) {
		t.Fatalf("the feed has %d items and %d names, want %d and %d", len(f.items), len(f.numbers), len(pending), len(known))
	}
	if len(f.known) > 200 {
		t.Fatalf("%d numbers for 200 names", len(f.known))
	}
}

func TestAReaderThatIsClosedHasNothing(t *testing.T) {
	var f Feed[int]
	r := f.Read()
	f.Change("a")
	r.Learn("a")
	r.Close()
	r.Close()
	r.Learn("b")
	if _, _, ok := r.Next(); ok || r.Forget("a") || r.Forget("b") {
		t.Error("a closed reader has something")
	}
	f.Change("b")
	if f.order.Len() != 0 || len(f.items) != 0 || len(f.numbers) != 0 {
		t.Errorf("without readers %d items are kept", f.order.Len())
	}
}

// BenchmarkChange is what a change costs, of 10,000 names in turn, with so many readers that take nothing.
func BenchmarkChange(b *testing.B) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprint("auth-", i)
	}
	for _, readers := range []int{0, 1, 1000} {
		b.Run(fmt.Sprint(readers, "_readers"), func(b *testing.B) {
			var f Feed[int]
			for range readers {
				f.Read()
			}
			b.ReportAllocs()
			for i := range b.N {
				f.Change(names[i%len(names)])
			}
		})
	}
}
