// Package census counts what each of many counts as, and knows the earliest of their ends, while they change. It speaks of
// indexes and marks and knows nothing of what they stand for.
//
// A Census looks only at what changed since it was last asked. What it knows of each, 9 bytes, can be forgotten
// where there are many of them; the sums stay good until something changes.
//
// A Census is for one goroutine at a time.
package census
