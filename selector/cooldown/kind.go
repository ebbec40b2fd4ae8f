package cooldown

// Kind is what a cooldown is for.
type Kind uint8

// The kinds of cooldown. Only Quota counts as cooling down.
const (
	Quota Kind = iota
	Transient
	Authentication
	Other
	NumKinds
)

func (k Kind) String() string {
	return [NumKinds]string{Quota: "quota", Transient: "transient", Authentication: "authentication", Other: "other"}[k]
}
