package state

import "errors"

// What can be wrong with something that is kept.
var (
	// ErrDamaged: it is not what was written.
	ErrDamaged = errors.New("it is damaged")
	// ErrNewer: a later version of the broker wrote it.
	ErrNewer = errors.New("a newer version of credbroker wrote it")
)
