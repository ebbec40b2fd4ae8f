// Package access says who a caller is, by what it shows, and what it may do: pure policy, decided without any input or output.
//
// A Policy is made of the callers that the configuration names. Identify finds the one that a call belongs to, by names in the
// certificate of its client, by a bearer token, or by the user at the other end of a socket. What a caller may do are its
// Roles; which auths it may get, its Allow; how much it may ask for, its Limits. Others enforce all three.
//
// # Promises
//
//   - What is not named is nobody: there is no default caller and no role that comes by itself.
//   - One name, token or user belongs to one caller at most (NewPolicy finds the others), and a call that shows those of two
//     callers is refused.
//   - Tokens are known by their hashes only, which are compared in constant time.
//   - Identify takes the same time for a policy of one caller as for one of 256 while names are exact, and costs a connection
//     its globs once.
//
// A Policy is immutable and may be used concurrently, as may Evidence.
package access
