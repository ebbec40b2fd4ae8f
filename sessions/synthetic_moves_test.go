package sessions_test

import (
	"fmt"
	"slices"

	"github.com/credbroker/credbroker/sessions"
)

// move lets a conversation do one of the things that conversations do.
func (w *simulation) move(k *dialogue) {
	switch w.IntN(13) {
	case 0:
		w.retry(k)
	case 1:
		w.again(k)
	case 2:
		w.edit(k)
	case 3:
		w.goBack(k)
	case 4:
		w.branch(k)
	case 5:
		w.prune(k)
	case 6:
		w.compact(k)
	case 7:
		w.delegate(k)
	case 8:
		w.switchModel(k)
	default:
		w.nextTurn(k)
	}
}

// nextTurn answers, and sends what is said next.
func (w *simulation) nextTurn(k *dialogue) {
	ambiguous := k.ambiguous && answers(k.turns) <= 1
	w.answer(k)
	w.say(k)
	auth := w.request(k)
	if ambiguous {
		w.check(k, "ambiguous continue", auth)
	} else {
		w.check(k, "continue", auth)
	}
	w.own(k)
}

// switchModel asks another model, which must be able to read what the answers so far were thought to be.
func (w *simulation) switchModel(k *dialogue) {
	if !k.wire.encrypts() || k.ambiguous && answers(k.turns) <= 1 {
		return
	}
	turns, thoughts := slices.Clone(k.turns), false
	for i := range turns {
		turns[i].sent = turns[i].thought
		thoughts = thoughts || turns[i].thought
	}
	if !thoughts {
		return
	}
	k.turns, k.switched, k.model = turns, true, fmt.Sprintf("model-%d", w.requests)
	auth := w.request(k)
	if k.last.Reasoning != sessions.ReasoningCarried {
		w.t.Fatalf("%s: the request carries no reasoning: %+v", k.wire.name, k.turns)
	}
	w.check(k, "switch", auth)
	w.own(k)
}

// say adds what the person says, unless a tool's result is what comes next.
func (w *simulation) say(k *dialogue) {
	if k.turns[len(k.turns)-1].by == 'a' {
		k.turns = append(k.turns, turn{by: 'u', text: []string{"Go on.", "Yes", fmt.Sprintf("Now do %d.", w.requests)}[w.IntN(3)]})
	}
}

func answers(turns []turn) (n int) {
	for _, t := range turns {
		if t.by == 'a' {
			n++
		}
	}
	return n
}

// retry sends the same at once, because no answer came.
func (w *simulation) retry(k *dialogue) {
	k.auth = w.request(k) // the attempt that fails
	w.bindings.now = w.bindings.now.Add(retryWindow)
	w.check(k, "retry", w.bindings.pick(k.last, k.model))
	w.own(k)
}

// again sends the same much later, to have another answer. Of a first turn nobody could tell whose it is.
func (w *simulation) again(k *dialogue) {
	if answers(k.turns) == 0 || k.ambiguous && answers(k.turns) == 1 {
		return
	}
	w.check(k, "again", w.request(k))
}

// edit says the last thing in other words.
func (w *simulation) edit(k *dialogue) {
	last := &k.turns[len(k.turns)-1]
	if last.by != 'u' || answers(k.turns) < 2 {
		return
	}
	k.turns = slices.Clone(k.turns)
	k.turns[len(k.turns)-1].text = fmt.Sprintf("No, rather %d.", w.requests)
	w.check(k, "edit", w.request(k))
}

// goBack forgets the last things that the person said, and says another.
func (w *simulation) goBack(k *dialogue) {
	for cut := len(k.turns) - 1; cut > 1; cut-- {
		if k.turns[cut].by != 'u' {
			continue
		}
		if w.IntN(2) == 0 || answers(k.turns[:cut]) < 2 {
			continue
		}
		k.turns = append(slices.Clone(k.turns[:cut]), turn{by: 'u', text: fmt.Sprintf("Wait, %d.", w.requests)})
		w.check(k, "back", w.request(k))
		w.own(k)
		return
	}
}

// branch begins a conversation with the history of another.
func (w *simulation) branch(k *dialogue) {
	if answers(k.turns) < 2 || len(w.live) > 60 || w.begun >= w.limit {
		return
	}
	w.begun++
	branch := &dialogue{number: w.begun, origin: k.origin, wire: k.wire, model: k.model, switched: k.switched, auth: k.auth, ambiguous: k.ambiguous, pruned: k.pruned, lost: k.lost}
	branch.turns = append(slices.Clone(k.turns[:len(k.turns)-1]), turn{by: 'u', text: fmt.Sprintf("Instead, %d.", w.requests)})
	if k.turns[len(k.turns)-1].by != 'u' {
		return
	}
	w.live = append(w.live, branch)
	w.check(branch, "branch", w.request(branch))
	w.own(branch)
}

// prune drops what tools returned long ago, to save tokens.
func (w *simulation) prune(k *dialogue) {
	if answers(k.turns) < 3 {
		return
	}
	k.turns = slices.Clone(k.turns)
	pruned := false
	for i := range k.turns[:len(k.turns)-2] {
		if k.turns[i].by == 'r' && k.turns[i].result != "[old]" {
			k.turns[i].result = "[old]"
			pruned = true
		}
	}
	if !pruned {
		return
	}
	w.answer(k)
	w.say(k)
	w.check(k, "prune", w.request(k))
	k.pruned = true
	w.own(k)
}

// delegate starts an agent that works for the conversation. Many are told the same, and nothing says whose they are: an
// agent is a conversation like any other.
func (w *simulation) delegate(k *dialogue) {
	if len(w.live) > 60 || w.begun >= w.limit {
		return
	}
	w.begun++
	agent := &dialogue{number: w.begun, origin: w.begun, wire: k.wire, model: k.model, ambiguous: true}
	agent.turns = []turn{{by: 'u', text: "Check the readme."}}
	w.live = append(w.live, agent)
	agent.auth = w.request(agent)
	w.own(agent)
}

// compact puts a summary in place of the history. Nothing of it is left to know the conversation by: it begins anew.
func (w *simulation) compact(k *dialogue) {
	if len(k.turns) < 10 {
		return
	}
	w.begun++
	*k = dialogue{number: w.begun, origin: w.begun, wire: k.wire, model: k.model}
	k.turns = []turn{{by: 'u', text: fmt.Sprintf("Summary %d. Go on.", w.requests)}}
	k.auth = w.request(k)
	w.own(k)
}
