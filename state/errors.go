package state

import "errors"

// What can be wrong with something that is kept.
var (
	// ErrDamaged: it is not what was written.
	ErrDamaged = errors.New("it is damaged")
	// ErrNewer: a later version of the broker wrote it.
	ErrNewer = errors.New("a newer version of credbroker wrote it")
	// ErrPassedOver: a Save has kept all but what a newer version wrote, which it left as it was. Saving that again is of no use.
	ErrPassedOver = errors.New("what a newer version of credbroker wrote was left as it is")
)
