// Package broker is the daemon without its edge: one method for each use case.
//
// A Broker holds the pool, the table of bindings, the rules that judge answers and the persister. It promises that
// each use case is one call, that the parts are called in the order of docs/architecture.md, and that a change is durable
// once its method has returned without an error: it is on disk, or else in the store of the fleet.
//
// The second turn of a conversation finds the auth of the first like this. Pick identifies the session of the
// request, makes the keys of its bindings and lets the pool choose; the pick id holds what a report must know of that.
// Report gets the id back, judges the answer, and binds what the next turn will name to the auth that served this one. The whole
// of it is in conversation.go. What a gateway does after a report is in next.go, what its client is told in answer.go.
//
// It knows neither gRPC nor files: errors are those of the domain, for server to translate.
//
// Everything may be used concurrently. Times are those of the fleet and come from the caller, but in the loops of Run.
package broker
