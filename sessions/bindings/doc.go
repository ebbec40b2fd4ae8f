// Package bindings remembers which slot of the selector's pool each session is bound to: for a sliding time to live, within
// a bound on their number, with several ids to one binding.
//
// The table holds keyed hashes instead of ids. One that records reports what changed, for those who keep bindings beyond
// the process, and can be filled with what they kept.
//
// It does no input or output, reads no clock and starts no goroutine. All methods of a table may be called concurrently.
package bindings
