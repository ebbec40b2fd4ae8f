package sessions_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/sessions"
)

// client is one of those of which there is no recording, as its source and its documentation describe it.
type client struct {
	name string
	wire clientWire
	form clientForm
	// adds is what it puts beside the person's words, by the number of the request, and tells what it makes of the history.
	adds  func(number int) string
	tells func(events []event, number int) []event
	// inTexts: tools are called and answered in texts.
	inTexts bool
	// moves is how often a conversation leaves its auth each time that it begins, as docs/sessions.md says; not at all, if all is
	// well.
	moves int
}

func clientsByHeart() []client {
	details := func(number int) string {
		return fmt.Sprintf("<environment_details>\n# Current Time\n%d\n</environment_details>", number)
	}
	return []client{
		{name: "Cline", wire: messagesClient, form: clientForm{marks: true}, adds: details, inTexts: true},
		{name: "Roo Code", wire: messagesClient, form: clientForm{marks: true}, adds: details},
		{name: "Zed", wire: messagesClient, form: clientForm{marks: true, renumbers: true}},
		{name: "LibreChat", wire: chatClient, form: clientForm{inline: true}, tells: trimmed},
		{name: "pydantic-ai", wire: chatClient, form: clientForm{thinks: true}},
		{name: "LlamaIndex", wire: chatClient, form: clientForm{empty: "", parts: true, renumbers: true}},
		{name: "n8n", wire: chatClient, form: clientForm{missing: true}, tells: trimmed},
		{name: "OpenHands", wire: chatClient, form: clientForm{parts: true, empty: []any{}}, tells: masked},
		{name: "goose", wire: messagesClient, tells: informed},
		{name: "AI SDK that keeps nothing", wire: responsesClient},
		{name: "ADK", wire: geminiClient, form: clientForm{renumbers: true}},
		{name: "Open WebUI", wire: chatClient, tells: cited, moves: 1},
		{name: "Cursor", wire: chatClient, tells: attended, moves: 1},
	}
}

// trimmed drops the white space at the ends of what was said.
func trimmed(events []event, _ int) []event {
	for i := range events {
		events[i].text = strings.TrimSpace(events[i].text)
	}
	return events
}

// masked leaves out what tools returned before the last time, and images of before.
func masked(events []event, _ int) []event {
	for i := range events[:max(0, len(events)-3)] {
		if events[i].image != "" {
			events[i].image, events[i].extra = "", "[image]"
		}
		events[i].calls = slices.Clone(events[i].calls)
		for n := range events[i].calls {
			events[i].calls[n].result = "<MASKED>"
		}
	}
	return events
}

// informed says beside what came before the last answer what time it is.
func informed(events []event, number int) []event {
	at := max(0, len(events)-3)
	events[at].extra = fmt.Sprintf("<info-msg>\nIt is currently %d\n</info-msg>", number)
	return events
}

// cited wraps the last question in what was found for it.
func cited(events []event, number int) []event {
	if last := &events[len(events)-1]; last.by == 'u' {
		last.text = fmt.Sprintf("### Task: answer by the context.\n<context>%d</context>\n%s", number, last.text)
	}
	return events
}

// attended puts the files that are open beside the last question.
func attended(events []event, number int) []event {
	if last := &events[len(events)-1]; last.by == 'u' {
		last.extra = fmt.Sprintf("<open_files>%d.go</open_files>", number)
	}
	return events
}

// TestClientsByHeart: clients that nobody recorded keep their auth through tool loops, retries, edits, forks and switches
// of the model, and share it with nobody; told of the answers, also where two conversations begin alike.
func TestClientsByHeart(t *testing.T) {
	for _, c := range clientsByHeart() {
		for _, report := range []bool{false, true} {
			t.Run(c.name+map[bool]string{false: ", silent", true: ", answers"}[report], func(t *testing.T) {
				p := &clientPlay{t: t, client: c, report: report, bindings: newAffinityModel()}
				p.script()
				for _, k := range p.all {
					for _, other := range p.all {
						if other.name < k.name && other.origin != k.origin && other.auth == k.auth {
							t.Errorf("%s and %s end on one auth", other.name, k.name)
						}
					}
				}
			})
		}
	}
}

// clientPlay plays conversations of one client side by side.
type clientPlay struct {
	t        *testing.T
	client   client
	report   bool
	bindings *affinityModel
	number   int
	all      []*clientConversation
}

// clientConversation is one conversation, and origin the one that it began as.
type clientConversation struct {
	name, origin, model string
	events              []event
	auth, moves         int
	last                sessions.Identity
}

func (p *clientPlay) script() {
	a := p.open("a", "Fix the tests.")
	if p.report {
		p.open("b", "Fix the tests.")
	}
	c := p.open("c", "What is main.go for?\n")
	for range 2 {
		p.each(func(k *clientConversation) { p.answer(k, "", 2); p.send(k) })
		p.each(func(k *clientConversation) { p.answer(k, "\nOne more. ", 1); p.send(k) })
		p.each(func(k *clientConversation) { p.answer(k, "Done.\n", 0); p.say(k, "Go on."); p.send(k) })
	}
	p.bindings.now = p.bindings.now.Add(-time.Minute)
	p.send(a) // again, since no answer came
	p.send(a)
	a.events[len(a.events)-1].text = "No, rather go back."
	p.send(a)
	fork := &clientConversation{name: "fork", origin: a.name, events: slices.Clone(a.events), auth: a.auth}
	p.all = append(p.all, fork)
	fork.events[len(fork.events)-1].text = "Try something else."
	p.send(fork)
	p.each(func(k *clientConversation) { p.answer(k, "Look.", 0); p.say(k, "And this?"); p.picture(k); p.send(k) })
	c.events = append(c.events[:len(c.events)-3:len(c.events)-3], event{by: 'u', text: "Other than that?"})
	p.send(c)
	p.each(func(k *clientConversation) { p.answer(k, "", 1); p.send(k) })
	p.each(func(k *clientConversation) { p.answer(k, "Yes.", 0); p.say(k, "Thanks."); p.send(k) })
	p.switchModel(c)
	p.each(func(k *clientConversation) { p.answer(k, "Bye.", 0); p.say(k, "Bye."); p.send(k) })
	p.compact(c)
	p.each(func(k *clientConversation) { p.answer(k, "Hello.", 0); p.say(k, "Hello?"); p.send(k) })
}

func (p *clientPlay) each(do func(k *clientConversation)) {
	for _, k := range p.all {
		do(k)
	}
}

func (p *clientPlay) open(name, text string) *clientConversation {
	k := &clientConversation{name: name, origin: name}
	p.all = append(p.all, k)
	p.say(k, text)
	p.send(k)
	return k
}

func (p *clientPlay) say(k *clientConversation, text string) {
	e := event{by: 'u', text: text}
	if p.client.adds != nil {
		e.extra = p.client.adds(p.number)
	}
	k.events = append(k.events, e)
}

func (p *clientPlay) picture(k *clientConversation) {
	k.events[len(k.events)-1].image = fmt.Sprintf("data:image/png;base64,%08d", p.number)
}

// answer is that of the upstream to the last request, and what its tools return.
func (p *clientPlay) answer(k *clientConversation, text string, calls int) {
	e := event{by: 'a', text: text, thought: fmt.Sprintf("Hm %d.", p.number)}
	if text != "" {
		e.text += fmt.Sprintf("(%s %d) ", k.name, p.number)
	}
	results := event{by: 'r'}
	for i := range calls {
		use := toolUse{"read", fmt.Sprintf("%s/%d/%d.go", k.name, p.number, i), ""}
		e.calls = append(e.calls, use)
		use.result = fmt.Sprintf("package p%d", p.number)
		results.calls = append(results.calls, use)
	}
	if p.client.inTexts && calls > 0 {
		results = event{by: 'u', text: fmt.Sprint("Result: ", results.calls)}
		e.text += fmt.Sprint("<read>", e.calls, "</read>")
		e.calls = nil
	}
	k.events = append(k.events, e)
	if p.report {
		digest := sessions.AnswerDigest(encoded(p.client.wire.answer(p.client.form, e)))
		p.bindings.answered(k.last, k.model, digest, "", k.auth)
	}
	if calls > 0 {
		k.events = append(k.events, results)
	}
}

func (p *clientPlay) send(k *clientConversation) {
	p.t.Helper()
	p.number++
	p.bindings.now = p.bindings.now.Add(30 * time.Second)
	events := slices.Clone(k.events)
	if p.client.tells != nil {
		events = p.client.tells(events, p.number)
	}
	body := encoded(p.client.wire.request(p.client.form, events, p.number))
	k.last = sessions.Identify(nil, body, sessions.IdentificationChain)
	auth := p.bindings.pick(k.last, k.model)
	if k.auth != 0 && auth != k.auth {
		if k.moves++; k.moves > p.client.moves {
			p.t.Errorf("%s left its auth with %s: %v", k.name, body, k.last.IDs)
		}
	}
	k.auth = auth
}

// switchModel asks another model. Only reasoning that is encrypted ties the conversation to its auth.
func (p *clientPlay) switchModel(k *clientConversation) {
	k.model = "other"
	if k.last.Reasoning == sessions.ReasoningNone {
		k.auth, k.moves = 0, 0
	}
	p.send(k)
}

// compact goes on from a summary: as another conversation.
func (p *clientPlay) compact(k *clientConversation) {
	k.events = []event{{by: 'u', text: "This is what was said so far."}}
	k.auth, k.moves, k.origin = 0, 0, "compacted"
	p.send(k)
}
