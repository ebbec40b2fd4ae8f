// Package readyset keeps ordered positions of which some are ready, and counts them: how many are ready before a position,
// which is the k-th ready one, and where something changed since somebody last looked. It knows nothing of what stands at a
// position.
//
// All of it is for one goroutine at a time.
package readyset
