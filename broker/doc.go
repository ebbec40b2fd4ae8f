// Package broker is the daemon without its edge: one method for each use case.
//
// A Broker holds the pool, the table of bindings, the rules that judge answers and the persister. It promises that
// each use case is one call, that the parts are asked in the order that docs/architecture.md tells, and that a change
// which a method has returned without an error is kept: on disk, or else with the fleet.
//
// The second turn of a conversation finds the auth of the first like this. Pick finds the session that the request
// belongs to, makes the keys of its bindings and asks the pool; the pick id that it hands out says what was asked. Report takes
// that id back, judges the answer, and binds what the next turn will name to the auth that served this one.
//
// It knows neither gRPC nor files: errors are those of the domain, for server to translate.
//
// Everything may be used concurrently. Times are those of the fleet and come from the caller, but in the loops of Run.
package broker
