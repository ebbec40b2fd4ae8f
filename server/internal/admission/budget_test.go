package admission

import "testing"

func TestBudget(t *testing.T) {
	b := newBudget(100, 0)
	first, second := share{budget: b}, share{budget: b}
	for _, tt := range []struct {
		name  string
		share *share
		take  int64
		want  bool
	}{
		{"one message may be as large as all, and no larger", &first, 101, false},
		{"who is alone has", &first, 20, true},
		{"half of what stays free", &first, 13, true},
		{"and no more", &first, 2, false},
		{"another one has no more than is free", &second, 68, false},
		{"and for its first message all of that", &second, 67, true},
		{"nothing is left", &second, 1, false},
	} {
		if got := tt.share.take(tt.take); got != tt.want {
			t.Errorf("%s: take(%d) = %v, want %v", tt.name, tt.take, got, tt.want)
		}
	}
	first.give(33)
	second.give(67)
	if used := b.Used(); used != 0 || first.any() {
		t.Errorf("Used() = %d, want 0", used)
	}
	if !first.take(100) {
		t.Error("a single message cannot have what is free")
	}
}

// Whatever some connections take and keep, each further one has its part.
func TestBudgetKeepsAPartForEach(t *testing.T) {
	const connections, unit = 1000, 500
	b := newBudget(1<<20, connections)
	shares := make([]share, connections)
	for i := range shares {
		shares[i].budget = b
		for shares[i].take(unit) {
		}
		if shares[i].held < b.part/unit*unit {
			t.Fatalf("connection %d has %d bytes, want at least %d", i, shares[i].held, b.part/unit*unit)
		}
	}
	if used := b.Used(); used > b.limit {
		t.Errorf("%d of %d bytes are used", used, b.limit)
	}
}
