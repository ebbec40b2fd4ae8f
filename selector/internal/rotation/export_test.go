package rotation

// Saved counts the tiers that something is saved of.
func (t *Tiers) Saved() int { return len(t.saved) }
