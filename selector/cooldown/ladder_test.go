package cooldown

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestLadders compares the steps with those of docs/verdicts.md.
func TestLadders(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		ladder Ladder
		want   [3]time.Duration // levels 1, 2, 101
	}{
		{LadderRate, [3]time.Duration{2 * time.Second, 4 * time.Second, 5 * time.Minute}},
		{LadderOverload, [3]time.Duration{time.Second, 2 * time.Second, time.Minute}},
		{LadderEgress, [3]time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Minute}},
		{LadderQuota, [3]time.Duration{15 * time.Minute, 30 * time.Minute, 5 * time.Hour}},
		{LadderQuotaLong, [3]time.Duration{15 * time.Minute, 30 * time.Minute, 24 * time.Hour}},
		{LadderRefusal, [3]time.Duration{30 * time.Minute, 30 * time.Minute, 30 * time.Minute}},
		{LadderNone, [3]time.Duration{2 * time.Second, 4 * time.Second, 5 * time.Minute}},
	} {
		for i, level := range []int{1, 2, 101} {
			for range 100 {
				got := c.ladder.Step(level, random)
				if spread := c.want[i] / 5; got < c.want[i]-spread || got > c.want[i]+spread || c.ladder == LadderRefusal && got != c.want[i] {
					t.Errorf("%v.Step(%d) = %v, want %v, up to a fifth more or less", c.ladder, level, got, c.want[i])
				}
			}
		}
	}
	if got := fmt.Sprint(LadderQuotaLong, LadderNone); got != "quota_long none" {
		t.Errorf("ladders are called %q", got)
	}
}
