package sessions_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/credbroker/credbroker/sessions"
)

// dialogue is one synthetic conversation.
type dialogue struct {
	number int
	wire   wire
	turns  []turn
	// model that the requests name, and whether another one was named before.
	model    string
	switched bool
	auth     int
	// origin is the first conversation among those that branched off each other.
	origin int
	// ambiguous: others open alike.
	ambiguous bool
	// pruned: the history is not what the last requests but one had.
	pruned bool
	// lost: it was moved where its data did not tell whose it is.
	lost bool
	last sessions.Identity
}

// simulation plays many conversations at a time against one set of bindings.
type simulation struct {
	*rand.Rand
	t        *testing.T
	bindings *affinityModel
	wires    []wire
	live     []*dialogue
	begun    int
	limit    int
	report   bool
	moves    map[string]*tally
	// owner is the origin of the conversations that an auth has.
	owner      map[int]int
	collisions int
	requests   int
}

// tally counts how often a kind of move left a conversation on its auth.
type tally struct{ kept, made int }

// TestSyntheticConversations plays conversations that grow, repeat themselves, go back, part and shrink, in all wire
// formats. CREDBROKER_CONVERSATIONS says how many, CREDBROKER_SEED which: by default others each time.
func TestSyntheticConversations(t *testing.T) {
	count, seed := numberFrom(t, "CREDBROKER_CONVERSATIONS", 2_000), uint64(numberFrom(t, "CREDBROKER_SEED", int(rand.Uint64()>>1)))
	for _, report := range []bool{true, false} {
		name := map[bool]string{true: "answers reported", false: "silent"}[report]
		t.Run(name, func(t *testing.T) {
			w := newSimulation(t, seed, report)
			w.run(count)
			fmt.Printf("synthetic, %s: seed %d, %d conversations, %d requests, %d bindings, %d collisions\n",
				name, seed, count, w.requests, len(w.bindings.bound), w.collisions)
			for _, move := range []string{"continue", "ambiguous continue", "retry", "again", "edit", "back", "beyond", "branch", "prune", "switch"} {
				at := w.tally(move)
				fmt.Printf("  %-18s %7d of %7d kept their auth\n", move, at.kept, at.made)
				if at.made == 0 {
					t.Errorf("seed %d: nobody made the move %q", seed, move)
				}
				if float64(at.kept) < promised(move, report)*float64(at.made) {
					t.Errorf("seed %d: %q kept the auth %d of %d times", seed, move, at.kept, at.made)
				}
			}
			if w.collisions > 0 {
				t.Errorf("seed %d: %d collisions", seed, w.collisions)
			}
		})
	}
}

// promised is the share of moves that must leave a conversation on its auth.
func promised(move string, report bool) float64 {
	switch {
	case move == "prune":
		// Conversations that began alike, said the same and called different tools are told apart by what is pruned.
		return 0.97
	case move == "beyond":
		return 0.5
	case move == "ambiguous continue" && !report:
		// Of conversations that began alike and go on at the same time, one keeps its auth.
		return 0.3
	default:
		return 1
	}
}

func numberFrom(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q is no number", variable, text)
	}
	return n
}

func newSimulation(t *testing.T, seed uint64, report bool) *simulation {
	r := rand.New(rand.NewPCG(seed, 1))
	return &simulation{
		Rand: r, t: t, bindings: newAffinityModel(), wires: wires(r), report: report, moves: map[string]*tally{}, owner: map[int]int{},
	}
}

// run plays that many conversations, forty at a time.
func (w *simulation) run(count int) {
	w.limit = count
	for w.begun < count || len(w.live) > 0 {
		if w.begun < count && len(w.live) < 40 {
			w.open()
			continue
		}
		i := w.IntN(len(w.live))
		if len(w.live[i].turns) > 24 || w.IntN(12) == 0 {
			w.live = slices.Delete(w.live, i, i+1)
			continue
		}
		w.move(w.live[i])
	}
}

func (w *simulation) tally(move string) *tally {
	if w.moves[move] == nil {
		w.moves[move] = &tally{}
	}
	return w.moves[move]
}

// open begins a conversation; a third of them begin with words that others begin with as well.
func (w *simulation) open() {
	w.begun++
	k := &dialogue{number: w.begun, origin: w.begun, wire: w.wires[w.IntN(len(w.wires))]}
	first := turn{by: 'u', text: fmt.Sprintf("Please look at ticket %d.\nThanks", w.begun)}
	if w.IntN(3) == 0 {
		k.ambiguous, first.text = true, fmt.Sprintf("Fix the tests. \"%d\"", w.IntN(5))
	}
	if w.IntN(4) == 0 {
		first.image = fmt.Sprintf("data:image/png;base64,%08x", w.begun)
	}
	if w.IntN(20) == 0 {
		k.turns = append(k.turns, turn{by: 'u', text: "This is the project."}, turn{by: 'a', text: "Got it.", id: "constant"})
		k.ambiguous = true
	}
	k.turns = append(k.turns, first)
	w.live = append(w.live, k)
	k.auth = w.request(k)
	w.own(k)
}

// request sends the conversation as it stands.
func (w *simulation) request(k *dialogue) (auth int) {
	w.requests++
	w.bindings.now = w.bindings.now.Add(30 * time.Second)
	body := k.wire.request(k.wire, fmt.Sprintf("You help. It is %d o'clock.", w.requests), k.turns)
	k.last = sessions.Identify(nil, []byte(body), sessions.IdentificationChain)
	if k.last.Source != sessions.SourceChain || len(k.last.IDs) > 16 {
		w.t.Fatalf("Identify(%s) = %v", body, k.last)
	}
	return w.bindings.pick(k.last, k.model)
}

// own counts an auth that two conversations use which do not belong together.
func (w *simulation) own(k *dialogue) {
	if k.lost || !w.report && k.ambiguous {
		return
	}
	if owner, ok := w.owner[k.auth]; ok && owner != k.origin {
		w.collisions++
		return
	}
	w.owner[k.auth] = k.origin
}

// answer adds what the assistant said to the last request, and tells the bindings.
func (w *simulation) answer(k *dialogue) {
	a := turn{by: 'a', id: fmt.Sprintf("%d_%d", k.number, w.requests), thought: w.IntN(2) == 0}
	if w.IntN(3) > 0 {
		a.text = fmt.Sprintf("Answer \t%d: it is \\ done / \u00fc.", w.requests)
	}
	if a.text == "" || w.IntN(3) == 0 {
		a.tool, a.path, a.number = "read", fmt.Sprintf("/src/<%d>.go", w.requests), w.IntN(1000)
	}
	k.turns = append(k.turns, a)
	if w.report {
		digest := sessions.AnswerDigest([]byte(k.wire.answer(k.wire, a)))
		if !sessions.ValidDigest(digest) {
			w.t.Fatalf("AnswerDigest(%s) = %q", k.wire.answer(k.wire, a), digest)
		}
		w.bindings.answered(k.last, k.model, digest, "", k.auth)
	}
	if a.tool != "" {
		k.turns = append(k.turns, turn{by: 'r', result: fmt.Sprintf("package p%d\n\nfunc f() {}\n", w.requests)})
	}
}

// check counts whether the request went to the conversation's auth.
func (w *simulation) check(k *dialogue, move string, auth int) {
	if k.switched && k.last.Reasoning != sessions.ReasoningCarried && auth != k.auth {
		// Back before all reasoning, nothing of what another model was told is left to know it by under this one.
		k.auth, k.lost = auth, true
		return
	}
	// Whose history has been on two auths, or is not what the last requests but one had, may go back to where it was before.
	beyond := k.lost || k.pruned && k.ambiguous
	if beyond && (move == "edit" || move == "back" || move == "branch") {
		move = "beyond"
	}
	at := w.tally(move)
	at.made++
	if auth == k.auth {
		at.kept++
		return
	}
	k.auth, k.lost = auth, true
	if w.report && promised(move, true) == 1 {
		w.t.Logf("%s: conversation %d (%s) moved: %+v, %+v", move, k.number, k.wire.name, k.turns, k.last)
	}
}
