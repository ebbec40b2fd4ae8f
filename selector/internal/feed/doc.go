// Package feed tells readers what changed, each at its own pace, without a list for each of them.
//
// All share one list: what changed, in the order of the last change, with the readers between. What comes after a reader it has
// not been given yet. Something that changes again goes to the end, and what no reader waits for is dropped, so the list has
// everything once at most, however many readers there are and however slow they are. A change costs the same whoever reads;
// without readers it costs nothing.
//
//	reader A   x   y   reader B   z   reader C        A has yet to get x, y and z; B only z
//
// A reader also notes which names it has passed on, so that it can be said of which of them the end is news. That takes a bit for each
// name: the feed numbers those that some reader knows.
//
// A Feed and its readers are for one goroutine at a time.
package feed
