package state

// Notifier tells a goroutine that there is work. Notified more than once before it is seen, it counts once.
type Notifier chan struct{}

// NewNotifier returns a notifier that was not notified.
func NewNotifier() Notifier { return make(Notifier, 1) }

// Notify never waits.
func (s Notifier) Notify() {
	select {
	case s <- struct{}{}:
	default:
	}
}
