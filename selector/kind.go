package selector

// CooldownKind is what a cooldown is for.
type CooldownKind uint8

// The kinds of cooldown. Only Quota counts as cooling down.
const (
	Quota CooldownKind = iota
	Transient
	Authentication
	Other
	numCooldownKinds
)
