// Package doubt remembers which requests failed where, for as long as their callers may try again, so that the second failure
// of a request finds the first; and it has the sets of what is in doubt.
//
// Its values are for one goroutine at a time. Times are Unix nanoseconds.
package doubt
