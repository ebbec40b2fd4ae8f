// Package firstturn remembers for a moment which conversations were begun. Many begin with the same words, and only the
// answer tells them apart: all but the same request sent again are spread over the pool.
//
// A Log is for one goroutine at a time. Times are Unix nanoseconds.
package firstturn
