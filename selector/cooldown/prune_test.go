package cooldown

import "testing"

// Records come from other replicas too, and their ends may be anything.
func TestPruneKeepsWhatEndsLaterThanCanBeCounted(t *testing.T) {
	l := Ledger{Observations: []Observation{{Received: 1, Until: Never - 1, Probe: Never - 1, Level: 1, Ladder: LadderRate}}}
	if next := l.Prune(2); next != Never || len(l.Observations) != 1 {
		t.Errorf("Prune = %d and %d observations are left, want never and one", next, len(l.Observations))
	}
}
