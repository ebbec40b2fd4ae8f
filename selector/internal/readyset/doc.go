// Package readyset keeps ordered positions of which some are ready, and counts them: how many are ready before a position,
// which is the k-th ready one, and where something changed since somebody last looked. It knows nothing of what stands at a
// position.
//
// A Set counts; a View is one set less another; an Order has tiers and groups and is less for some keys; a List is what one
// request can choose from. Each step costs O(log n), for excluded positions as well O(log n) each.
//
// All of it is for one goroutine at a time.
package readyset
