package bindings_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// listedNames is the names on a page, which a table of n sessions called 0 to n-1 gives back as keys.
func listedNames(t *bindings.Table, n int, page []bindings.Bound) string {
	names := make(map[selector.SessionKey]string)
	for i := range n {
		names[keyNamed(t, fmt.Sprint(i))] = fmt.Sprint(i)
	}
	var all []string
	for _, b := range page {
		all = append(all, names[b.Key])
	}
	return strings.Join(all, " ")
}

func TestListPages(t *testing.T) {
	table := bindings.New(bindings.Config{})
	for i := range 10 {
		bindNamed(table, selector.Slot(i%2), float64(i), fmt.Sprint(i))
	}
	renewNamed(table, "3", 10)
	even := bindings.Query{Slot: 0, OfSlot: true}
	tests := []struct {
		name string
		q    bindings.Query
		want []string
	}{
		{"all fit", bindings.Query{}, []string{"3 9 8 7 6 5 4 2 1 0"}},
		{"pages end where the last is full", bindings.Query{Size: 5}, []string{"3 9 8 7 6", "5 4 2 1 0"}},
		{"the last page has the rest", bindings.Query{Size: 4}, []string{"3 9 8 7", "6 5 4 2", "1 0"}},
		{"one a page", bindings.Query{Slot: 1, OfSlot: true, Size: 1}, []string{"3", "9", "7", "5", "1"}},
		{"of a slot", even, []string{"8 6 4 2 0"}},
		{"of an unknown slot", bindings.Query{Slot: 5, OfSlot: true}, []string{""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for i, want := range test.want {
				page, next, err := table.List(test.q, tableAt(10))
				if got := listedNames(table, 10, page); err != nil || got != want {
					t.Errorf("page %d = %q, %v, want %q", i, got, err, want)
				}
				if last := i+1 == len(test.want); (next == "") != last {
					t.Errorf("page %d: next = %q, last page is %v", i, next, last)
				}
				test.q.Token = next
			}
		})
	}
}

func TestListSizes(t *testing.T) {
	table := bindings.New(bindings.Config{})
	for i := range 1200 {
		bindNamed(table, 1, 0, fmt.Sprint(i))
	}
	for size, want := range map[int]int{-1: 100, 0: 100, 1: 1, 1000: 1000, 5000: 1000} {
		if page, _, _ := table.List(bindings.Query{Size: size}, tableStart); len(page) != want {
			t.Errorf("page of size %d has %d, want %d", size, len(page), want)
		}
	}
}

func TestListLeavesOutWhatIsOver(t *testing.T) {
	table := bindings.New(bindings.Config{TTL: 10 * time.Second})
	for i := range 4 {
		bindNamed(table, 1, float64(i), fmt.Sprint(i))
	}
	page, _, err := table.List(bindings.Query{}, tableAt(11))
	if got := listedNames(table, 4, page); got != "3 2" || err != nil {
		t.Errorf("List = %q, %v, want 3 2", got, err)
	}
}

// TestListWhileUsed goes on behind the last page, whatever became of what was on it.
func TestListWhileUsed(t *testing.T) {
	table := bindings.New(bindings.Config{})
	for i := range 8 {
		bindNamed(table, 1, 0, fmt.Sprint(i))
	}
	page, next, err := table.List(bindings.Query{Size: 3}, tableAt(1))
	if got := listedNames(table, 8, page); got != "7 6 5" || err != nil {
		t.Fatalf("first page = %q, %v", got, err)
	}
	renewNamed(table, "5", 1)
	table.Unbind(keyNamed(table, "6"), tableAt(1))
	table.Unbind(keyNamed(table, "3"), tableAt(1))
	renewNamed(table, "1", 1)
	page, next, err = table.List(bindings.Query{Size: 3, Token: next}, tableAt(1))
	if got := listedNames(table, 8, page); got != "4 2 0" || next != "" || err != nil {
		t.Errorf("second page = %q, %q, %v, want 4 2 0 and no more", got, next, err)
	}
}

func TestListRefusesTokens(t *testing.T) {
	table := bindings.New(bindings.Config{})
	other := bindings.New(bindings.Config{HashKey: [16]byte{1}})
	fuller := bindings.New(bindings.Config{})
	for i := range 5 {
		bindNamed(table, 1, 0, fmt.Sprint(i))
		bindNamed(other, 1, 0, fmt.Sprint(i))
	}
	for i := range 50 {
		bindNamed(fuller, 1, 0, fmt.Sprint(i))
	}
	token := func(t *bindings.Table, q bindings.Query) string {
		q.Size = 1
		_, next, _ := t.List(q, tableStart)
		return next
	}
	good := token(table, bindings.Query{})
	for name, text := range map[string]string{
		"no token":            "x",
		"cut":                 good[:len(good)-1],
		"not base64":          strings.Repeat("%", len(good)),
		"changed":             "B" + good[1:],
		"long":                strings.Repeat("A", 1<<20),
		"of zeros":            base64.RawURLEncoding.EncodeToString(make([]byte, 16)),
		"of another filter":   token(table, bindings.Query{Slot: 1, OfSlot: true}),
		"of another table":    token(other, bindings.Query{}),
		"of a time not begun": token(fuller, bindings.Query{}),
	} {
		page, next, err := table.List(bindings.Query{Token: text}, tableStart)
		var field *selector.FieldError
		if !errors.As(err, &field) || field.Field != "page_token" || page != nil || next != "" {
			t.Errorf("token %s: List = %v, %q, %v, want an error about page_token", name, page, next, err)
		}
	}
	if _, _, err := table.List(bindings.Query{Token: good}, tableStart); err != nil {
		t.Errorf("a good token: %v", err)
	}
}

// TestListManyIDs lists more ids than are looked at under one lock.
func TestListManyIDs(t *testing.T) {
	table := bindings.New(bindings.Config{})
	for i := range 100 {
		names := []string{fmt.Sprint(i)}
		for j := range 40 {
			names = append(names, fmt.Sprint(i, "/", j))
		}
		bindNamed(table, 1, 0, names...)
	}
	page, next, err := table.List(bindings.Query{}, tableStart)
	if len(page) != 100 || next != "" || err != nil {
		t.Fatalf("List = %d bindings, %q, %v, want 100 and no more", len(page), next, err)
	}
	for i, b := range page {
		if b.Key != keyNamed(table, fmt.Sprint(99-i)) || b.Aliases != 41 {
			t.Fatalf("binding %d = %v", i, b)
		}
	}
}
