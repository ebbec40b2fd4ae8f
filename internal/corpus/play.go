package corpus

import (
	"slices"
	"testing"
)

// Mode is how recorded requests are played.
type Mode struct {
	Name string
	// Answers: the target is told what each request was answered with.
	Answers bool
	// Interleaved: the conversations take turns, instead of one coming after the other.
	Interleaved bool
	// WithoutIDs: the ids that clients send are taken away, so that only the messages are left.
	WithoutIDs bool
}

// Target is what decides which auth each request gets.
type Target interface {
	// Pick is the auth of a request, which comes half a minute after the one before it.
	Pick(t *testing.T, r Request) (auth string)
	// Answered tells what the request of the last Pick was answered with.
	Answered(t *testing.T, answer Answer)
}

// Outcome is what came of a play.
type Outcome struct {
	Conversations int
	// Later is how many requests went on with a conversation, Kept how many of them got the auth of the one before.
	Later, Kept int
	// Moved are the others.
	Moved []Request
	// Collisions are the pairs of conversations whose last requests had one auth, forks aside.
	Collisions [][2]string
}

// Play plays the chat requests of one client against a target of their own.
func (m Mode) Play(t *testing.T, chat []Request, target Target) Outcome {
	t.Helper()
	if m.Interleaved {
		chat = interleave(chat)
	}
	var o Outcome
	last := map[string]string{}
	for i, r := range chat {
		played := r
		if m.WithoutIDs {
			played = withoutIDs(t, r)
		}
		auth := target.Pick(t, played)
		if before, known := last[r.Session]; known {
			if o.Later++; before == auth {
				o.Kept++
			} else {
				o.Moved = append(o.Moved, r)
			}
		}
		last[r.Session] = auth
		next := slices.IndexFunc(chat[i+1:], func(n Request) bool { return n.Session == r.Session })
		if m.Answers && next >= 0 {
			target.Answered(t, answerBefore(t, chat[i+1+next].Body))
		}
	}
	o.Conversations = len(last)
	o.Collisions = collisions(chat, last)
	return o
}

// interleave lets the conversations take turns.
func interleave(chat []Request) (mixed []Request) {
	conversations := Conversations(chat)
	for turn := 0; len(mixed) < len(chat); turn++ {
		for _, requests := range conversations {
			if turn < len(requests) {
				mixed = append(mixed, requests[turn])
			}
		}
	}
	return mixed
}

func collisions(chat []Request, last map[string]string) (pairs [][2]string) {
	forks := Forks(chat)
	var order []string
	for _, r := range chat {
		if !slices.Contains(order, r.Session) {
			order = append(order, r.Session)
		}
	}
	for i, a := range order {
		for _, b := range order[:i] {
			if last[a] == last[b] && !forks[[2]string{a, b}] {
				pairs = append(pairs, [2]string{b, a})
			}
		}
	}
	return pairs
}
