// Package servertest runs the broker's gRPC edge inside a test: what server.New builds, behind an in-memory listener,
// with clients of both services, a clock that the test moves and everything that was logged.
//
// It promises that nothing is left behind when the test ends, and that nothing is faked but the clock, the network and
// the place where auths are kept. It is for tests of this module and of gateways in Go; it is no stand-in for a running
// broker. A Harness may be used by several goroutines.
package servertest
