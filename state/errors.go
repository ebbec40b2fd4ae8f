package state

import "errors"

// What can be wrong with something that is kept.
var (
	// ErrDamaged: it is not what was written.
	ErrDamaged = errors.New("it is damaged")
	// ErrNewer: a later version of the broker wrote it.
	ErrNewer = errors.New("a newer version of credbroker wrote it")
	// ErrPassedOver: a Save has kept all but what there are records of that it cannot read and others can, such as those of a
	// newer version, which it left as they were. Saving that again is of no use.
	ErrPassedOver = errors.New("a record that cannot be read here was left as it is")
)
