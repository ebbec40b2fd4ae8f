// Package state keeps what a pool and a table of sessions know beyond the process: in a file, so that nothing acknowledged
// is lost, and in a store that replicas share, so that what one learns all know.
//
// store.go has the contract of a store; state/statetest is its specification in code, state/journal and state/redis fulfil it.
// Here is what they share, too: the form in which records are kept. A record is JSON with
// a version and short names that stay, for programs and for the people who look into a store; a binding is a few bytes, in
// each store as suits it. Forms are read by every later version. What a later version wrote is refused with ErrNewer rather than half understood.
//
// A Persister drives the stores of one replica: a local one, a fleet, both or none.
//
//   - What is saved of a record is what changed of it: a store merges that into what it keeps.
//   - Durable returns once what was changed of an auth is on disk, or with the fleet if there is no disk. Many share one
//     save: while one is under way the next gathers.
//   - Bindings and their uses are saved behind, within a tenth of a second. Losing one costs a warm cache, not a wrong pick.
//   - Pick asks the fleet only about sessions that are bound anew, for 20 ms at most, and after three times without an
//     answer not at all until a check in the background gets one.
//   - What is decided while the fleet is out of reach is offered when it is back. What others have bound by then holds.
//   - A store on this machine that loses what it keeps, as a file can, is found out within a second or so and begins anew from
//     memory: records at once, bindings behind.
//   - Stores that fail are tried again for as long as the persister runs; nothing that waits is dropped.
//
// loading.go loads, saver.go and queue.go save, follow.go takes in what others do, permits.go asks for permits to probe what is
// half-open, bindings.go saves bindings, pick.go, claims.go and lookups.go confirm first ones, recheck.go those that may
// have moved unnoticed, keys.go joins a fleet.
//
// It decides nothing that the pool decides, and writes no log: an Observer learns what happens. Its goroutines are those of Run, which
// waits for them. The functions and a Persister may be used concurrently.
package state
