package sessions_test

import (
	"fmt"
	"strings"

	"github.com/credbroker/credbroker/sessions"
)

// The worked example of type chain: which ids the requests of a conversation name, and how a report of an answer tells two
// conversations apart that began alike.
func ExampleIdentify_chain() {
	const u1, a1, u2 = `{"role":"user","content":"u1"}`, `{"role":"assistant","content":"a1"}`, `{"role":"user","content":"u2"}`
	const b1, a2, u3 = `{"role":"assistant","content":"b1"}`, `{"role":"assistant","content":"a2"}`, `{"role":"user","content":"u3"}`
	identify := func(messages ...string) sessions.Identity {
		body := `{"messages":[` + strings.Join(messages, ",") + `]}`
		return sessions.Identify(nil, []byte(body), sessions.IdentificationChain)
	}
	// An id is called by the turns that it is the digest of: each of these is the first of its request.
	names := map[string]string{}
	for _, turns := range [][]string{{u1}, {u1, a1}, {u1, a1, u2}, {u1, a1, u2, a2}, {u1, a1, u2, a2, u3}, {u1, b1}, {u1, b1, u2}} {
		var name strings.Builder
		for _, turn := range turns {
			name.WriteString(strings.Split(turn, `"`)[7])
		}
		names[identify(turns...).IDs[0]] = name.String()
	}
	show := func(request string, ids []string) {
		fmt.Printf("%-10s", request)
		for _, id := range ids {
			fmt.Printf(" [%s]", names[id])
		}
		fmt.Println()
	}
	first := identify(u1)
	show("u1", first.IDs)
	show("u1a1u2", identify(u1, a1, u2).IDs)
	show("u1a1u2a2u3", identify(u1, a1, u2, a2, u3).IDs)
	show("u1b1u2", identify(u1, b1, u2).IDs)
	show("b1 is said", sessions.Answered(first.State, sessions.AnswerDigest([]byte(b1))))
	// Output:
	// u1         [u1]
	// u1a1u2     [u1a1u2] [u1a1] [u1]
	// u1a1u2a2u3 [u1a1u2a2u3] [u1a1u2a2] [u1a1u2] [u1a1] [u1]
	// u1b1u2     [u1b1u2] [u1b1] [u1]
	// b1 is said [u1b1]
}
