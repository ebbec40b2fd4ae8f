// Package allow is what a caller may use of the pool: an allow list, which is made of rules about auths.
//
// A List is immutable and may be used concurrently. It does no input or output.
package allow
