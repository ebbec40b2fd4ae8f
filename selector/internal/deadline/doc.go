// Package deadline is a heap of timers: which instant comes next, at which something is over. Instants are numbers; the
// greatest is never.
//
// A Heap is for one goroutine at a time.
package deadline
