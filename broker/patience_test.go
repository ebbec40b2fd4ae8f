package broker_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/verdict"
)

// A short limit diverts a conversation for one request; what that is answered does not move it, a long limit does.
func TestAShortLimitDoesNotMoveAConversation(t *testing.T) {
	for retryAfter, stays := range map[string]bool{"8": true, "30": false} {
		b := broker.New(broker.Config{Settings: broker.Settings{Affinity: true, Selection: selector.Settings{Patience: 10 * time.Second}}})
		for _, id := range []string{"a", "b"} {
			b.Update([]*selector.Auth{{ID: id, Provider: "openai", Dialect: "openai", Kind: selector.KindAPIKey}}, nil, noon)
		}
		now, messages := noon, ""
		var order []string
		turn := func(outcome verdict.Outcome) {
			t.Helper()
			n := strconv.Itoa(len(order))
			asked := messages + `{"role":"user","content":"question ` + n + `"}`
			picked, err := b.Pick(t.Context(), &broker.PickRequest{Provider: "openai", Model: "m", Body: []byte(`{"messages":[` + asked + `]}`)}, now)
			if err != nil {
				t.Fatal(err)
			}
			id, err := broker.ParsePickID(picked.ID)
			if err != nil {
				t.Fatal(err)
			}
			outcome.Model = "m"
			report := &broker.Report{AuthID: picked.Auth.ID, Pick: id, Outcome: outcome}
			order = append(order, picked.Auth.ID)
			if now = now.Add(time.Second); outcome.Status == 200 {
				answer := `{"role":"assistant","content":"answer ` + n + `"}`
				report.AnswerMessage, messages = []byte(answer), asked+","+answer+","
			}
			if _, err := b.Report(t.Context(), report, now); err != nil {
				t.Fatal(err)
			}
		}
		served, limited := verdict.Outcome{Status: 200}, failed(429, "", "Retry-After", retryAfter)
		turn(served)
		turn(served)
		turn(limited)
		turn(served) // elsewhere
		now = now.Add(time.Minute)
		turn(served)
		if order[1] != order[0] || order[2] != order[0] || order[3] == order[0] || (order[4] == order[0]) != stays {
			t.Errorf("a limit of %s s: the turns went to %v, stays %t", retryAfter, order, stays)
		}
	}
}
