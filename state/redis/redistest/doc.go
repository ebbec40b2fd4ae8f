// Package redistest runs real Redis servers inside a test, on free ports of the loopback: standalone, in a cluster, or
// watched by sentinels, with TLS and ACL users if wanted, and a proxy that can slow a connection down or cut it.
//
// It promises that nothing is left behind when the test ends: what it starts it stops, by process. Without redis-server on
// the PATH it skips the test, in CI it fails it. Everything is empty at first, and nothing is kept on disk. Servers may be
// used by several goroutines, but only one at a time may kill or start them.
package redistest
