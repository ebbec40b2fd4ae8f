// Package cooldown is what is known against an auth, and how the knowledge of replicas becomes one.
//
// A Ledger holds what is known of one scope for one Kind of cooldown: observations, each with the time at which it was made
// and the time until which it keeps the auth out, and a success watermark, which ends the observations made before it. A
// Ladder says how long to stay away where nobody does. A Record is all the ledgers of one identity or limit domain; replicas
// exchange records. A Finding is what an upstream answer means, in the terms in which ledgers take it in.
//
// Merging ledgers and records is commutative, associative and idempotent: replicas that have seen the same records agree, in
// whatever order and however often those came. It follows that an older success ends nothing that was observed after it, and
// that a shorter time never shortens a longer one.
//
// # What it does not do
//
// It knows no auth, no pool and no store. It reads no clock: times are arguments, in Unix nanoseconds of fleet time, and
// chance is an argument too.
//
// # Concurrency
//
// Values are not for concurrent use; a pool guards its own.
package cooldown
