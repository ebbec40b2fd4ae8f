// Package redis keeps runtime state in Redis or Valkey, where a fleet of replicas shares it. Store implements
// state.Fleet over a standalone server, one that Sentinel watches, or a cluster.
//
// What it promises:
//
//   - A save is answered once the server has it. Records merge: each is written only if it is as it was read, else it is
//     merged with what is there now and written again.
//   - Follow delivers what others save, moves and ends of bindings included, as they happen. It goes on where it left off,
//     and where it cannot tell that there is no gap, it reads everything.
//   - What cannot be read is passed over, with a word to Config.Note: what a newer version wrote stays as it is, and so does what
//     is longer than this one writes; a record that is damaged is replaced by what is saved next.
//   - With Config.Secret what carries no MAC of it counts as not there: records, what sessions are bound to, and moves. Records carry
//     the MAC at the end of their tag, bindings in forms of their own, so that replicas without the secret read both.
//   - A reply that is larger than anything here asks for ends its connection before it is allocated.
//   - Every round trip ends by the deadline of its context, and by Config.Timeout.
//
// What it does not: it starts no retries of its own, decides nothing, and delivers no bindings at start. A failover can
// lose what the old master did not pass on; replicas notice, and what each of them knows is saved again by its persister.
//
// All keys of a namespace carry the one hash tag `{namespace}`, so that one script can change several of them, in a cluster
// too; a namespace is thus served by one master. They are, all below `cb:{namespace}:`
//
//	records  hash: the records, the fleet's keys, and an epoch that vanishes with them
//	log      stream: which records were saved, by whom, and the bindings that moved; bounded
//	b:KEY    a binding, KEY being 16 bytes; gone at its end
//	p:NAME   a permit; gone at its end
//	sweep    whoever is sweeping old records out, for an hour
//
// A Store may be used by many goroutines; Follow by one at a time.
package redis
