// Package rotation holds whose turn it is: round robin, round robin over groups and within each, and weighted round robin.
// It speaks of positions in an ordered list and knows nothing of what stands there.
//
// Weighted is stride scheduling. Each position has a deadline and whoever has the earliest takes the turn, the first at
// equal deadlines; that moves its deadline by 1/weight, and virtual time by 1/(sum of the weights that take part):
//
//	weights a:2 b:1     now   deadlines      turn
//	                    0     a 0    b 0     a
//	                    1/3   a 1/2  b 0     b
//	                    2/3   a 1/2  b 1     a
//	                    1     a 1    b 1     a      as at 0, one round later
//	b goes out at 1 + 1/3 with b 1: its lag, 1 - 4/3 = -1/3, is kept, and 1/3 before its present it comes back.
//
// So going and coming back neither earns nor loses anything. What outlives the list itself (Saved) is virtual time and lags.
//
// The deadlines are not in a heap but in a least.Tree over words of 64 positions: who goes out, is excluded or comes back
// changes one leaf and is never skipped over, equal deadlines come in the order of positions by themselves, and words whose
// members were never taken have no deadlines yet, so a rotation that is used once costs little.
//
// All of it is for one goroutine at a time.
package rotation
