package sessions_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/credbroker/credbroker/internal/corpus"
	"github.com/credbroker/credbroker/sessions"
)

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

// modes are the ways to play. Without ids nothing is left by which to know a conversation that was compacted, or one that the
// upstream keeps.
func modes() []corpus.Mode {
	return []corpus.Mode{
		{Name: "silent"},
		{Name: "answers", Answers: true},
		{Name: "woven", Answers: true, Interleaved: true},
		{Name: "no ids", Answers: true, Interleaved: true, WithoutIDs: true},
	}
}

// The measure of the recordings' description: continuity must be 100 %, and no two conversations may end on one auth.
func TestIdealTraffic(t *testing.T) {
	for _, folder := range corpus.Folders(t, corpus.Traffic) {
		var total [4]measure
		instructions := 0
		fmt.Printf("| %-34s | conversations | %-12s | %-12s | %-12s | %-12s |\n", "client", "silent", "answers", "woven", "no ids")
		for _, file := range corpus.Files(t, folder) {
			chat := corpus.Chat(t, file)
			if len(chat) == 0 {
				continue
			}
			client := corpus.Client(file)
			var row [4]measure
			instructions += changing(t, chat)
			for i, mode := range modes() {
				row[i] = playIdeal(t, mode, client, chat)
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

// playIdeal plays the chat requests of one client.
func playIdeal(t *testing.T, mode corpus.Mode, client string, chat []corpus.Request) measure {
	t.Helper()
	played := mode.Play(t, chat, &rulesAlone{bindings: newAffinityModel()})
	for _, r := range played.Moved {
		if mode.WithoutIDs && (r.Compacted || r.Kept(t)) {
			t.Logf("%s, %s: %s is not known any more at seq %d", client, mode.Name, r.Session, r.Seq)
			continue
		}
		t.Errorf("%s, %s: %s left its auth at seq %d: %v", client, mode.Name, r.Session, r.Seq,
			sessions.Identify(allHeaders(r.Headers), r.Body, sessions.IdentificationChain).IDs)
	}
	for _, pair := range played.Collisions {
		t.Errorf("%s, %s: %s and %s end on one auth", client, mode.Name, pair[0], pair[1])
	}
	return measure{played.Conversations, played.Later, played.Kept, len(played.Collisions)}
}

// rulesAlone plays requests against a model of bindings.
type rulesAlone struct {
	bindings *affinityModel
	last     sessions.Identity
	auth     int
}

func (p *rulesAlone) Pick(t *testing.T, r corpus.Request) string {
	t.Helper()
	p.bindings.now = p.bindings.now.Add(30 * time.Second)
	p.last = sessions.Identify(allHeaders(r.Headers), r.Body, sessions.IdentificationChain)
	p.auth = p.bindings.pick(p.last, "")
	return strconv.Itoa(p.auth)
}

func (p *rulesAlone) Answered(t *testing.T, answer corpus.Answer) {
	t.Helper()
	p.bindings.answered(p.last, "", sessions.AnswerDigest(answer.Message), answer.ResponseID, p.auth)
}

func allHeaders(lines map[string][]string) *sessions.Headers {
	var h sessions.Headers
	for name, values := range lines {
		for _, value := range values {
			h.Add(name, value)
		}
	}
	return &h
}
