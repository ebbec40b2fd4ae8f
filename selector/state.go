package selector

import (
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// Cooldown is an explicit order to stay away from an auth. It only lengthens what holds.
type Cooldown struct {
	// Model that cools down, prefix and thinking suffix allowed; blank: the whole auth.
	Model string
	Kind  cooldown.Kind
	// Until is its end. Zero: the backoff ladder of Kind decides.
	Until time.Time
	// Endless: it does not end by itself, whatever Until says.
	Endless bool
	// Reason is a human-readable message.
	Reason string
}

// Block is one span in force.
type Block struct {
	// Model key; empty: the whole auth, or a family.
	Model string
	// Family is a glob on model keys that cool down together; empty: it is no family.
	Family string
	// Domain is the limit domain that cools down, with this auth in it; empty: the auth itself does.
	Domain string
	Kind   cooldown.Kind
	// Until is its end; zero: it has none.
	Until time.Time
	// ProbeAt is from when on one request at a time may probe it before Until; zero: none may.
	ProbeAt time.Time
	// Reason are the words given with it, or the reason of a judged answer.
	Reason string
	// Rule is the id of the row that judged the answer; empty: no answer led to it.
	Rule string
	// Level is the step of the backoff ladder, from 1; 0: the time was given.
	Level int
}

// State is whether an auth as a whole can be picked.
type State uint8

// The states of an auth.
const (
	StateReady State = iota + 1
	StateCooling
	StateBlocked
	StateDisabled
)

// Status is one auth and its runtime state at one time.
type Status struct {
	Auth *Auth
	// Priority in force.
	Priority int64
	// Weight in force.
	Weight uint32
	State  State
	// Why is a human-readable message; empty when ready.
	Why string
	// Until is when State ends by itself; zero: it does not, or it is ready.
	Until time.Time
	// Blocks in force, of the whole auth first, then sorted of the model key.
	Blocks []Block
	// Slot stands for it in Bindings.
	Slot Slot
	// Picks since the start, and the time of the last.
	Picks      uint64
	LastPicked time.Time
	// Windows are the quota windows that its answers told of, sorted of their names.
	Windows []cooldown.Window
	// LastReport is the last thing reported of it; its time is zero if nothing was.
	LastReport cooldown.Report
}
