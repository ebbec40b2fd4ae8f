package state

// Signal tells a goroutine that there is work. Raised more than once before it is seen, it counts once.
type Signal chan struct{}

// NewSignal returns a signal that is not raised.
func NewSignal() Signal { return make(Signal, 1) }

// Raise never waits.
func (s Signal) Raise() {
	select {
	case s <- struct{}{}:
	default:
	}
}
