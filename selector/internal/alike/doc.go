// Package alike notices when many fail alike within seconds: for the same reason, about the same model, at one provider. Then
// it may be the fault of what they share.
//
// A Log is for one goroutine at a time. Times are Unix nanoseconds.
package alike
