// Package clientanswer writes what a client is told when no upstream's answer is passed on: status, headers and body as the
// client's own API writes its errors.
//
// A body names the model, the provider where one was asked for, and the time to come back where it is known; it never says
// which auth was at fault, or of what. What the members mean is in docs/errors.md.
//
// It only computes; its functions may be called concurrently.
package clientanswer
