package selector

import (
	"context"
	"time"
)

// Store keeps runtime state beyond the process. The pool does not call it: whoever drives both stores what Take returns
// and hands what a store loads to Merge. state/statetest is the specification of a store, in code.
//
// All methods may be called concurrently. An error of Save leaves open whether the batch was kept; saving it again is safe.
type Store interface {
	// Load hands everything that is kept to a sink.
	Load(ctx context.Context, into Sink) error
	// Save merges a batch into what is kept. Once it returns nil the batch survives the end of the process.
	Save(ctx context.Context, batch Batch) error
	// Close ends all use of the store. What was saved stays.
	Close() error
}

// Batch is what is saved at once, all of it or nothing.
type Batch struct {
	Records  []Record
	Bindings []BoundSession
}

// BoundSession is one session id of a binding. Of two with one key the one that ends later holds.
type BoundSession struct {
	Key SessionKey
	// Group is the same for all ids of one binding: the key of the first.
	Group  SessionKey
	Source uint8
	// Identity that it is bound to; empty: the binding was released.
	Identity string
	// Ends in Unix nanoseconds of fleet time.
	Ends int64
}

// Sink takes what a store hands over, in any order. The slices are only lent.
type Sink interface {
	Records(records []Record)
	Bindings(bindings []BoundSession)
}

// Fleet is a store that replicas share. While it is out of reach each decides alone.
type Fleet interface {
	Store
	// Follow hands over what others save, without gaps from what this store handed over before, until the context ends
	// or the connection is lost. It calls live each time that it has caught up with what was there.
	Follow(ctx context.Context, into Sink, live func()) error
	// Claim asks for a permit for as long as lease. False: another replica has it.
	Claim(ctx context.Context, key PermitKey, lease time.Duration) (bool, error)
	// GiveBack ends a permit that this replica claimed; it is no error if it is over.
	GiveBack(ctx context.Context, key PermitKey) error
	// Bind binds the ids of one binding, the first of them being the primary, and returns what the primary is bound to
	// then: it stays with what it was bound to before, unless that is from, the identity that the caller moves it off.
	Bind(ctx context.Context, sessions []BoundSession, from string) (BoundSession, error)
	// Offset is what to add to the local clock to get fleet time, as far as the store knows.
	Offset() time.Duration
}
