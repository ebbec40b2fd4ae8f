// Package statetest is the specification of what keeps runtime state, as tests that every engine runs: Store for all of
// them, Fleet for one that replicas share, Laws for the forms in which records are kept, Histories to compare engines
// with each other over the same random histories. An engine's own test calls them with a function that opens it.
//
// Memory is a shared store in memory with the faults of a network and of a server: answers that are lost before or after
// the call was applied, delays, partitions, a restart with nothing, evictions. It passes the specification itself, and
// stands in for a real store where many histories are to be played in virtual time.
//
// The tests wait for events and for real time only where an engine has a clock of its own. A failing random test prints
// its seed. Memory may be used concurrently.
package statetest
