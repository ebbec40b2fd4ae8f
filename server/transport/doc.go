// Package transport is what the gRPC edge knows of a connection before a call is made on it: which listener it came by, how it
// is encrypted, and who is at its other end.
//
// A Port is one listener: it marks the connections that it accepts, and Credentials, which are those of the gRPC server, do
// for each what its Port says. What came of it is the Peer of a call (PeerOf). Certificates come from what a Port is
// configured with, at any time, or from a SPIFFE Workload API; connections that are there keep what they were made with.
//
// It promises that a connection without a verified certificate shows no names, and that the user at the other end of a Unix
// socket is the one that the system tells. It does not decide who may do what: access does.
//
// Everything may be used concurrently.
package transport
