package sessions

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// play is how recorded requests are played against bindings.
type play struct {
	name string
	// answers: every answer is reported.
	answers bool
	// woven: the conversations take turns, instead of one coming after the other.
	woven bool
	// unnamed: the ids that clients send are taken away, so that only the messages are left. What became of a conversation
	// that was compacted can not be told then.
	unnamed bool
}

// measure is what came of a play. Collisions of conversations that nothing but answers could have told apart do not
// count while none is reported.
type measure struct{ conversations, later, kept, collisions int }

func (m *measure) add(other measure) {
	m.conversations += other.conversations
	m.later += other.later
	m.kept += other.kept
	m.collisions += other.collisions
}

func (m measure) String() string {
	return fmt.Sprintf("%6.1f %% %3d", 100*float64(m.kept)/float64(max(1, m.later)), m.collisions)
}

func plays() []play {
	return []play{
		{name: "silent"}, {name: "answers", answers: true}, {name: "woven", answers: true, woven: true},
		{name: "no ids", answers: true, woven: true, unnamed: true},
	}
}

// The measure of the recordings' description: continuity must be 100 %, and no two conversations may end on one auth.
func TestIdealTraffic(t *testing.T) {
	for _, folder := range sharedFolders(t, "CREDBROKER_TRAFFIC", "traffic") {
		var total [4]measure
		instructions := 0
		fmt.Printf("| %-34s | conversations | %-12s | %-12s | %-12s | %-12s |\n", "client", "silent", "answers", "woven", "no ids")
		for _, file := range sharedFiles(t, folder) {
			chat := chatRequests(t, file)
			if len(chat) == 0 {
				continue
			}
			client := strings.TrimSuffix(filepath.Base(file), ".jsonl")
			var row [4]measure
			instructions += changing(t, chat)
			for i, p := range plays() {
				row[i] = p.run(t, client, chat)
				total[i].add(row[i])
			}
			fmt.Printf("| %-34s | %13d | %v | %v | %v | %v |\n", client, row[0].conversations, row[0], row[1], row[2], row[3])
		}
		fmt.Printf("| %-34s | %13d | %v | %v | %v | %v |\n", "all", total[0].conversations, total[0], total[1], total[2], total[3])
		fmt.Printf("%d conversations change what instructs the model\n", instructions)
		if total[0].later == 0 {
			t.Errorf("%s: no conversation goes on", folder)
		}
	}
}

// run plays the chat requests of one client.
func (p play) run(t *testing.T, client string, chat []recorded) (m measure) {
	t.Helper()
	if p.woven {
		chat = weave(chat)
	}
	s := newStandIn()
	last := map[string]int{}
	for i, r := range chat {
		s.now = s.now.Add(30 * time.Second)
		id := Identify(headersOfRecord(r), r.Body, RecognitionChain)
		if p.unnamed {
			id = Identify(nil, withoutIDs(t, r.Body), RecognitionChain)
		}
		auth := s.pick(id)
		if before, ok := last[r.Session]; ok {
			m.later++
			if before == auth {
				m.kept++
			} else if !p.unnamed {
				t.Errorf("%s, %s: %s left its auth at seq %d: %v", client, p.name, r.Session, r.Seq, id.IDs)
			}
		}
		last[r.Session] = auth
		if next := slices.IndexFunc(chat[i+1:], func(n recorded) bool { return n.Session == r.Session }); p.answers && next >= 0 {
			message, responseID := answerIn(t, chat[i+1+next].Body)
			s.answered(id, AnswerDigest(message), responseID, auth)
		}
	}
	m.conversations = len(last)
	for _, pair := range collisions(chat, last) {
		m.collisions++
		if p.unnamed {
			continue
		}
		t.Errorf("%s, %s: %s and %s end on one auth", client, p.name, pair[0], pair[1])
	}
	return m
}

// withoutIDs is a body without what names a session.
func withoutIDs(t *testing.T, body json.RawMessage) json.RawMessage {
	t.Helper()
	var members map[string]json.RawMessage
	decode(t, "body", 0, body, &members)
	for _, name := range []string{"metadata", "conversation", "prompt_cache_key", "session_id", "client_metadata"} {
		delete(members, name)
	}
	if members["request"] != nil {
		members["request"] = withoutIDs(t, members["request"])
	}
	without, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return without
}

// weave lets the conversations take turns.
func weave(chat []recorded) (woven []recorded) {
	var order []string
	queues := map[string][]recorded{}
	for _, r := range chat {
		if queues[r.Session] == nil {
			order = append(order, r.Session)
		}
		queues[r.Session] = append(queues[r.Session], r)
	}
	for len(woven) < len(chat) {
		for _, session := range order {
			if queue := queues[session]; len(queue) > 0 {
				woven = append(woven, queue[0])
				queues[session] = queue[1:]
			}
		}
	}
	return woven
}

// collisions are the pairs of conversations whose last requests had one auth, forks aside.
func collisions(chat []recorded, last map[string]int) (pairs [][2]string) {
	forks := map[[2]string]bool{}
	var sessions []string
	for _, r := range chat {
		if !slices.Contains(sessions, r.Session) {
			sessions = append(sessions, r.Session)
		}
		if r.ForkOf != "" {
			forks[[2]string{r.Session, r.ForkOf}] = true
			forks[[2]string{r.ForkOf, r.Session}] = true
		}
	}
	for i, a := range sessions {
		for _, b := range sessions[:i] {
			if last[a] == last[b] && !forks[[2]string{a, b}] {
				pairs = append(pairs, [2]string{b, a})
			}
		}
	}
	return pairs
}

func headersOfRecord(r recorded) *Headers {
	var h Headers
	for name, values := range r.Headers {
		for _, value := range values {
			h.Add(name, value)
		}
	}
	return &h
}

// answerIn is the answer that a request shows to have come before its last question, and the id of the response.
func answerIn(t *testing.T, body json.RawMessage) (message []byte, responseID string) {
	t.Helper()
	var b struct {
		Messages, Contents, Input json.RawMessage
		PreviousResponseID        string `json:"previous_response_id"`
		Request                   struct{ Contents json.RawMessage }
	}
	decode(t, "body", 0, body, &b)
	var elements []json.RawMessage
	for _, list := range []json.RawMessage{b.Messages, b.Contents, b.Request.Contents, b.Input} {
		if len(list) > 0 && list[0] == '[' && elements == nil {
			decode(t, "messages", 0, list, &elements)
		}
	}
	end := len(elements)
	for end > 0 && !byAssistant(t, elements[end-1]) {
		end--
	}
	begin := end
	for begin > 0 && byAssistant(t, elements[begin-1]) {
		begin--
	}
	if begin == end {
		return nil, b.PreviousResponseID
	}
	if b.Input != nil {
		list, err := json.Marshal(map[string]any{"output": elements[begin:end]})
		if err != nil {
			t.Fatal(err)
		}
		return list, b.PreviousResponseID
	}
	return elements[end-1], b.PreviousResponseID
}

func byAssistant(t *testing.T, element json.RawMessage) bool {
	t.Helper()
	var e struct{ Role, Type string }
	decode(t, "message", 0, element, &e)
	return e.Role == "assistant" || e.Role == "model" || e.Role == "" && !strings.HasSuffix(e.Type, "_output")
}
