// Package journal keeps runtime state in one file, with bbolt underneath, for one broker at a time. What Save took in
// survives the end of the process at any moment, and that of the machine as far as its disk keeps its word.
//
// The file comes into being whole or not at all. Open checks what it is, that all of it is there, and that its pages
// hang together, before a byte of it is trusted: a file that is cut off, damaged, somebody else's, of a newer broker, not
// writable or in use is refused, with its path and what to do, and never replaced by an empty one. One of format 1 is
// written anew beside its place, and replaced when that is on disk; one of format 2 lacks a bucket, which it gets in one transaction.
//
// What is known of a model has a value of its own: a Save reads and writes what its records tell of, not all that is kept of them.
//
// Each value carries a checksum of its key and itself, and the head of the file says how many values there are of each sort and
// what their checksums add up to, so that none goes missing without a word. A record that is damaged is refused like the
// file; a binding is dropped with a note, since losing one costs a warm cache and nothing else. What is over is removed as
// other bindings are saved.
//
// While the file is open, it may be removed, moved, replaced, cut off or overwritten. Save and Check notice, say so once, and
// then write it anew from memory; nothing is acknowledged before it is under the path. What stands in the way and is
// not ours is moved aside, unless another process has it locked.
//
// A Journal passes the suites of state/statetest. Its methods may be called concurrently; saves happen one after the
// other, so who has much to save puts it into few batches.
package journal
