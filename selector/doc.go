// Package selector is the pool of auths and the decision which one a request uses.
//
// A Pool holds the auths (configuration, replaced by Update), the runtime state of their identities (observations for
// cooldowns, disabled registers, counters) and the rotations. Pick reads one request and answers with one auth or a typed
// error; Report takes in what came of it. The rules are those of docs/behaviour.md.
//
// # Promises
//
//   - A pick costs O(log n) in the number of auths, nothing for each of them, and allocates nothing: readiness is an index
//     (readyset, ordered.go) that is changed in place when a block begins or ends, not looked for at a pick. The begin or end of a
//     limit domain's block, a probe of one included, costs as much as the domain has auths.
//   - An auth that is blocked, disabled or expired at the pick's time is never returned.
//   - Memory is bounded by the configuration, not by what callers send: rotations are kept for 4,096 model keys, blocks
//     for 1,024 models of an identity or domain, watchers keep ids of auths.
//   - Records of one key merge in any order, any number of times, to the same. Pools that exchange what Take returns agree
//     in the end, and none lets two requests at once probe what is half-open.
//   - An explanation comes from the same classification that errors are counted with.
//
// # Where a rule lives
//
// pick.go is the order of a pick; affinity.go and pinned.go what its session has to say,
// answered.go what an answer adds to that; ordered.go the list that a strategy sees; strategy.go and
// weighted.go the strategies, route.go the rotations; index.go what
// the membership is turned into. Package cooldown is what is known and how it merges; blockset.go and
// subject.go whom it concerns, runtime.go how the index follows it, domain.go limit domains, outage.go whole providers; report.go is what a report does,
// doubt.go whose fault a failure is, reason.go why not; exchange.go and permit.go are for replicas.
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
