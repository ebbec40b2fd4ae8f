package selector

import (
	"testing"
	"time"
)

// What is hidden from models is bounded, so it can go while its model still cools down. Whoever followed it must not miss what happens then.
func TestWeightedPickSeesWhatEndedWhileWhatWasHiddenWasDropped(t *testing.T) {
	p := New(Config{Settings: Settings{Strategy: WeightedRoundRobin}})
	p.Update([]*Auth{{ID: "a", Provider: "p"}, {ID: "b", Provider: "p"}}, nil, start())
	now := start()
	pick := func() string {
		t.Helper()
		got, err := p.Pick(&Request{Provider: "p", Model: "m"}, now)
		if err != nil {
			t.Fatal(err)
		}
		return got.Auth.ID
	}
	for _, model := range []string{"m", "other"} {
		if _, err := p.Cooldown("a", Cooldown{Model: model, Until: now.Add(time.Minute)}, now); err != nil {
			t.Fatal(err)
		}
	}
	if got := pick(); got != "b" {
		t.Fatalf("Pick = %s, want b: a cools down", got)
	}
	p.runtime.index.provider("p").view("m").plain().Drop("m")
	now = now.Add(time.Minute)
	if got := pick(); got != "a" {
		t.Errorf("Pick = %s, want a, which is back and was not taken yet", got)
	}
}
