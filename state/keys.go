package state

import (
	"context"
	"errors"
	"fmt"
)

// ErrOtherKeys is what joining a fleet ends with that makes the names of identities and sessions with other keys than this
// replica: neither could find what the other keeps.
var ErrOtherKeys = errors.New("the fleet's keys are others than those of the state that is kept here")

// JoinKeys finds the keys that names are made with: those of the fleet, which must be those that are kept here if some
// are; or those kept here, if the fleet is out of reach and this replica has keys already; or else fresh ones. Either
// store may be nil, and fresh ones are not kept then.
func JoinKeys(ctx context.Context, local Store, fleet Fleet, fresh Keys) (Keys, error) {
	known := Keys{}
	if local != nil {
		var err error
		if known, err = local.Keys(ctx, Keys{}); err != nil {
			return Keys{}, fmt.Errorf("read keys: %w", err)
		}
	}
	isNew := known == Keys{}
	keys := known
	if isNew {
		keys = fresh
	}
	if fleet != nil {
		theirs, err := fleet.Keys(ctx, keys)
		switch {
		case err != nil && isNew:
			return Keys{}, fmt.Errorf("join the fleet for the first time: %w", err)
		case err == nil && !isNew && theirs != known:
			return Keys{}, ErrOtherKeys
		case err == nil:
			keys = theirs
		}
	}
	if local == nil || !isNew {
		return keys, nil
	}
	keys, err := local.Keys(ctx, keys)
	if err != nil {
		return Keys{}, fmt.Errorf("keep keys: %w", err)
	}
	return keys, nil
}
