package state

import (
	"context"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// Renewable is a store that can lose what it keeps while it is in use, as a file can that somebody removes.
type Renewable interface {
	Store
	// Check returns nil if what was saved is there. Else it returns what is wrong, once, and begins anew when it or Save is
	// called again; until that has worked it returns why not, and so does Save.
	Check(ctx context.Context) error
	// RenewFrom says what to begin anew from: records are all that there are, which the store has on disk before it
	// acknowledges anything again. Renewed is called when it has begun anew, without bindings: all of them have to be saved
	// again. Call it once the store's state has been loaded.
	RenewFrom(records func() []cooldown.Record, renewed func())
}
