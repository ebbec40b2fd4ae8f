package state

import (
	"context"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// Store keeps runtime state beyond the process. The pool does not call it: a Persister drives stores with what Pool.Take
// returns, and hands what they load to Pool.Merge. state/statetest is the specification of a store, in code.
//
// All methods may be called concurrently. An error of Save leaves open whether the batch was kept; saving it again is safe.
// What cannot be read does not keep a shared store from the rest.
type Store interface {
	// Keys are the keys that names of identities and sessions are made with: those that are kept, or else the proposed
	// ones, which are kept from then on. Where none are kept and the proposed ones are zero, nothing is kept and zero comes
	// back: that is how to ask.
	Keys(ctx context.Context, proposed Keys) (Keys, error)
	// Load hands everything that is kept to a sink, but for bindings that are over. A store that replicas share hands over
	// no bindings: they are asked for when they are needed.
	Load(ctx context.Context, into Sink) error
	// Save merges a batch into what is kept. Once it returns nil the batch survives the end of the process.
	Save(ctx context.Context, batch Batch) error
	// Close ends all use of the store. What was saved stays.
	Close() error
}

// Keys make the names of identities and sessions. Who has them can guess at what the names stand for.
type Keys struct {
	// Fingerprint is the key of fingerprints of secrets.
	Fingerprint [32]byte
	// Session is the key of session keys.
	Session [16]byte
}

// Batch is what is saved at once, all of it or nothing.
type Batch struct {
	Records  []cooldown.Record
	Bindings []BoundSession
}

// BoundSession is one session id of a binding. Times are Unix nanoseconds of fleet time.
type BoundSession struct {
	Key selector.SessionKey
	// Group is the same for all ids of one binding: the key of one of them.
	Group  selector.SessionKey
	Source uint8
	// Caller whose session it is; empty: there are no callers. Its key says the same; this is for those who count.
	Caller string
	// Identity that it is bound to; empty: it is bound to none any more.
	Identity string
	// Bound is when it was bound to the identity. It counts for nothing unless that is after Record.Released.
	Bound int64
	// Ends is when it is over.
	Ends int64
}

// Sink takes what a store hands over, in any order. The slices are only lent.
type Sink interface {
	Records(records []cooldown.Record)
	Bindings(bindings []BoundSession)
}

// Fleet is a store that replicas share. While it is out of reach each decides alone.
//
// Its Save keeps a binding where there is none, prolongs one to the same identity, leaves one to another identity as it is,
// and ends one whose Identity is empty, unless it was bound after the Bound of that; 0: always.
type Fleet interface {
	Store
	Permits
	// Follow hands over what others save and move, without gaps from what this store handed over before, until the context
	// ends or the connection is lost. It calls live each time that it has caught up with what was there. Where it cannot go
	// on without a gap, because it is new or the store forgot, it hands over everything first.
	Follow(ctx context.Context, into Sink, live func(resync bool)) error
	// Bind binds the ids of one session, primary first, and returns what the primary is bound to then. It stays with what it
	// is bound to, unless that is from: the identity that the caller moves it off. Where it is bound to none, it takes what
	// the first of the further ids that is bound is bound to, unless that is from. An id that comes without an Identity is
	// looked at and never bound; if none is bound and the primary is such an id, the answer has no Identity.
	Bind(ctx context.Context, sessions []BoundSession, from string) (BoundSession, error)
	// Offset is what to add to the local clock to get fleet time, as far as the store knows.
	Offset() time.Duration
}

// Permits are given to one replica at a time.
type Permits interface {
	// Claim asks for a permit for as long as lease. False: another replica has it.
	Claim(ctx context.Context, key selector.PermitKey, lease time.Duration) (bool, error)
	// GiveBack ends a permit that this replica claimed; it is no error if it is over.
	GiveBack(ctx context.Context, key selector.PermitKey) error
}
