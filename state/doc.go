// Package state keeps what a pool and a table of sessions know beyond the process: in a file, so that nothing acknowledged
// is lost, and in a store that replicas share, so that what one learns all know.
//
// The contract of a store stands in package selector; state/statetest is its specification in code, state/journal and
// state/redis fulfil it. Here is what they share: the forms in which records and bindings are kept. A record is JSON with
// a version and short names that stay, for programs and for the people who look into a store; a binding is a few bytes.
// Forms are read by every later version. What a later version wrote is refused with ErrNewer rather than half understood.
//
// The functions have no state and may be called concurrently.
package state
