package sessions_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/credbroker/credbroker/internal/corpus"
	"github.com/credbroker/credbroker/sessions"
)

func TestTraffic(t *testing.T) {
	for _, folder := range corpus.Folders(t, corpus.Traffic) {
		clients := corpus.ReadExpected(t, folder)
		var total split
		for _, want := range clients {
			got := replay(t, corpus.Chat(t, filepath.Join(folder, want.Client+".jsonl")), want)
			total.conversations += got.conversations
			total.split += got.split
			total.merged += got.merged
		}
		if total.conversations == 0 {
			t.Errorf("%s: no conversations", folder)
		}
		fmt.Printf("traffic: %d clients, %d conversations, %d split, %d merged\n",
			len(clients), total.conversations, total.split, total.merged)
	}
}

// split counts conversations, those that fall into several sessions, and those that share one.
type split struct{ conversations, split, merged int }

// replay identifies the chat requests of one client and compares with what is wanted.
func replay(t *testing.T, chat []corpus.Request, want corpus.Expected) (got split) {
	t.Helper()
	groups := newGroups()
	for i, r := range chat {
		if i >= len(want.Requests) || want.Requests[i].Seq != r.Seq {
			t.Fatalf("%s: chat request seq %d is not expected as number %d", want.Client, r.Seq, i+1)
		}
		id := sessions.Identify(allHeaders(r.Headers), r.Body, sessions.IdentificationReference)
		w := []string{want.Requests[i].Primary, want.Requests[i].Fallback}
		if ids := primaryAndFallback(id); !slices.Equal(ids, w) {
			t.Errorf("%s seq %d: Identify = %q, want %q", want.Client, r.Seq, ids, w)
		}
		groups.add(id.IDs)
	}
	if len(chat) != len(want.Requests) {
		t.Errorf("%s: %d chat requests, want %d", want.Client, len(chat), len(want.Requests))
	}
	numbers := groups.numbers()
	for i, w := range want.Requests[:len(numbers)] {
		if wanted := w.Group; wanted == nil && numbers[i] >= 0 || wanted != nil && *wanted != numbers[i] {
			t.Errorf("%s seq %d: group %d, want %v", want.Client, w.Seq, numbers[i], w.Group)
		}
	}
	got.count(chat, numbers)
	if got.conversations != want.Conversations || got.split != want.Split || got.merged != want.Merged {
		t.Errorf("%s: %d conversations, %d split, %d merged, want %d, %d, %d", want.Client,
			got.conversations, got.split, got.merged, want.Conversations, want.Split, want.Merged)
	}
	t.Logf("%-34s %3d conversations, %d split, %d merged", want.Client, got.conversations, got.split, got.merged)
	return got
}

// count tells how many conversations fall into several groups, where a request without an id is a group of its own, and
// how many pairs of conversations share one, forks aside.
func (c *split) count(chat []corpus.Request, numbers []int) {
	var names []string
	in := map[string]map[int]bool{}
	forks := corpus.Forks(chat)
	for i, r := range chat {
		if in[r.Session] == nil {
			in[r.Session] = map[int]bool{}
			names = append(names, r.Session)
		}
		number := numbers[i]
		if number < 0 {
			number = -1 - i
		}
		in[r.Session][number] = true
	}
	c.conversations = len(names)
	for i, a := range names {
		if len(in[a]) > 1 {
			c.split++
		}
		for _, b := range names[:i] {
			if !forks[[2]string{a, b}] && shareGroup(in[a], in[b]) {
				c.merged++
			}
		}
	}
}

func shareGroup(a, b map[int]bool) bool {
	for number := range a {
		if b[number] {
			return true
		}
	}
	return false
}

// groups ties requests that have an id in common.
type groups struct {
	parent map[string]string
	firsts []string
}

func newGroups() *groups { return &groups{parent: map[string]string{}} }

func (g *groups) root(id string) string {
	for g.parent[id] != "" {
		id = g.parent[id]
	}
	return id
}

func (g *groups) add(ids []string) {
	if len(ids) == 0 {
		g.firsts = append(g.firsts, "")
		return
	}
	g.firsts = append(g.firsts, ids[0])
	for _, id := range ids[1:] {
		if a, b := g.root(ids[0]), g.root(id); a != b {
			g.parent[b] = a
		}
	}
}

// numbers are the groups of the requests in order of appearance; -1 for a request without an id.
func (g *groups) numbers() []int {
	byRoot := map[string]int{}
	numbers := make([]int, len(g.firsts))
	for i, id := range g.firsts {
		if id == "" {
			numbers[i] = -1
			continue
		}
		root := g.root(id)
		if _, ok := byRoot[root]; !ok {
			byRoot[root] = len(byRoot)
		}
		numbers[i] = byRoot[root]
	}
	return numbers
}
