package sessions

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// recorded is one request that a client sent.
type recorded struct {
	Session, Purpose string
	ForkOf           string `json:"fork_of"`
	Seq              int
	Headers          map[string][]string
	Body             json.RawMessage
}

// clientTraffic is what the rules make of one client's requests.
type clientTraffic struct {
	Client                       string
	Conversations, Split, Merged int
	Requests                     []struct {
		Seq               int
		Primary, Fallback string
		Group             *int
	}
}

func TestTraffic(t *testing.T) {
	for _, folder := range sharedFolders(t, "CREDBROKER_TRAFFIC", "traffic") {
		text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		var clients []clientTraffic
		decode(t, filepath.Join(folder, "expected.json"), 1, text, &clients)
		if len(clients) != len(sharedFiles(t, folder)) {
			t.Errorf("%s: %d clients are expected of %d files", folder, len(clients), len(sharedFiles(t, folder)))
		}
		var total clientTraffic
		for _, want := range clients {
			got := replay(t, filepath.Join(folder, want.Client+".jsonl"), want)
			total.Conversations += got.Conversations
			total.Split += got.Split
			total.Merged += got.Merged
		}
		if total.Conversations == 0 {
			t.Errorf("%s: no conversations", folder)
		}
		fmt.Printf("traffic: %d clients, %d conversations, %d split, %d merged\n",
			len(clients), total.Conversations, total.Split, total.Merged)
	}
}

// replay identifies the chat requests of one client and compares with what is wanted.
func replay(t *testing.T, file string, want clientTraffic) clientTraffic {
	t.Helper()
	got := clientTraffic{Client: want.Client}
	chat := chatRequests(t, file)
	groups := newGroups()
	for i, r := range chat {
		if i >= len(want.Requests) || want.Requests[i].Seq != r.Seq {
			t.Fatalf("%s: chat request seq %d is not expected as number %d", want.Client, r.Seq, i+1)
		}
		var h Headers
		for name, values := range r.Headers {
			for _, value := range values {
				h.Add(name, value)
			}
		}
		id := Identify(&h, r.Body, RecognitionReference)
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
	if got.Conversations != want.Conversations || got.Split != want.Split || got.Merged != want.Merged {
		t.Errorf("%s: %d conversations, %d split, %d merged, want %d, %d, %d", want.Client,
			got.Conversations, got.Split, got.Merged, want.Conversations, want.Split, want.Merged)
	}
	t.Logf("%-34s %3d conversations, %d split, %d merged", want.Client, got.Conversations, got.Split, got.Merged)
	return got
}

func chatRequests(t *testing.T, file string) []recorded {
	t.Helper()
	var chat []recorded
	readLines(t, file, func(number int, text []byte) {
		var r recorded
		decode(t, file, number, text, &r)
		if r.Purpose == "chat" {
			chat = append(chat, r)
		}
	})
	return chat
}

// count tells how many conversations fall into several groups, where a request without an id is a group of its own, and
// how many pairs of conversations share one, forks aside.
func (c *clientTraffic) count(chat []recorded, numbers []int) {
	var sessions []string
	in := map[string]map[int]bool{}
	forks := map[[2]string]bool{}
	for i, r := range chat {
		if in[r.Session] == nil {
			in[r.Session] = map[int]bool{}
			sessions = append(sessions, r.Session)
		}
		number := numbers[i]
		if number < 0 {
			number = -1 - i
		}
		in[r.Session][number] = true
		if r.ForkOf != "" {
			forks[[2]string{r.Session, r.ForkOf}] = true
			forks[[2]string{r.ForkOf, r.Session}] = true
		}
	}
	c.Conversations = len(sessions)
	for i, a := range sessions {
		if len(in[a]) > 1 {
			c.Split++
		}
		for _, b := range sessions[:i] {
			if !forks[[2]string{a, b}] && shareGroup(in[a], in[b]) {
				c.Merged++
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
