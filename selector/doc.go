// Package selector is the pool of auths and the decision which one a request uses.
//
// A Pool holds the auths (configuration, replaced by Update), the runtime state of their identities (blocks, disabled
// registers, counters) and the rotations. Pick reads one request and answers with one auth or a typed error; the rules
// are those of docs/behaviour.md.
//
// # Promises
//
//   - A pick costs O(log n) in the number of auths, nothing for each of them, and allocates nothing: readiness is an index (ranks, lane) that
//     is changed in place when a block begins or ends, not looked for at a pick.
//   - An auth that is blocked, disabled or expired at the pick's time is never returned.
//   - Memory is bounded by the configuration, not by what callers send: rotations are kept for 4,096 model keys, blocks
//     for 1,024 models of an identity, watchers keep ids of auths.
//   - An explanation comes from the same classification that errors are counted with.
//
// # Where a rule lives
//
// pool_pick.go is the order of a pick; present.go and lane.go the list that a strategy sees; strategy.go and credits.go
// the strategies, creditmemory.go what an update leaves of their credits; route.go the rotations; identity.go and
// block.go the state; reason.go why not; index.go what the membership is turned into.
//
// # What it does not do
//
// No input or output, no clock, no goroutine: time is an argument, and chance comes from a seed. It does not know what
// a session id is, what a header means, or how state is stored.
//
// # Concurrency
//
// One mutex guards a Pool. It is held for one decision or one change; building the index of a changed membership
// happens outside it.
package selector
