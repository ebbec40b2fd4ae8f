package main

import (
	"math"
	"runtime/debug"
	"syscall"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/server"
)

// respectContainer makes the runtime collect before the memory of the container is used up, until undo, unless GOMEMLIMIT
// says something else. A fifth is for what the runtime does not count, and for what comes before it has collected: requests
// of 31 MiB, one after the other, took 1.13 times its limit.
func (a *app) respectContainer() (undo func()) {
	if _, set := a.getenv("GOMEMLIMIT"); set {
		return func() {}
	}
	limit, err := memlimit.FromCgroup()
	if err != nil || limit == 0 || limit > math.MaxInt64 {
		return func() {}
	}
	before := debug.SetMemoryLimit(int64(limit / 5 * 4))
	return func() { debug.SetMemoryLimit(before) }
}

// What is taken where the configuration says nothing.
const (
	maxReceiveBytes   = 1 << 30
	mostConnections   = 1024
	connectionBytes   = 512 << 10 // of receive_bytes, so that each has room for some calls
	filesBesides      = 32        // that are open beside connections
	fewHTTP, mostHTTP = 8, 64
	mostWatches       = 256
	watchBytes        = 1 << 20 // of receive_bytes
)

// serverLimits are those of the configuration; what it leaves open follows from memory and files.
func (a *app) serverLimits(c *config.Limits) server.Limits {
	return limitsFor(c, memory(), openFiles())
}

func limitsFor(c *config.Limits, memory int64, files int) server.Limits {
	l := server.Limits{
		Message: int(c.Message), ReceiveBytes: c.ReceiveBytes, ReceiveTimeout: c.ReceiveTimeout, CallRate: c.CallRate,
		CallsPerConnection: c.CallsPerConnection, Connections: c.Connections, HTTPConnections: mostHTTP, Idle: c.Idle,
		Watches: c.Watches, WatchTimeout: c.WatchTimeout, ConnectionAge: c.ConnectionAge,
	}
	if l.ReceiveBytes == 0 {
		// Two of the largest requests must find room, or none would be served.
		l.ReceiveBytes = max(min(memory/4, maxReceiveBytes), 2*c.Message)
	}
	if files < 8*mostHTTP {
		l.HTTPConnections = fewHTTP
	}
	if l.Connections == 0 {
		room := min(l.ReceiveBytes/connectionBytes, int64(files-filesBesides-l.HTTPConnections))
		l.Connections = int(max(1, min(mostConnections, room)))
	}
	if l.Watches == 0 {
		l.Watches = int(max(1, min(mostWatches, l.ReceiveBytes/watchBytes)))
	}
	return l
}

// memory is how many bytes the process may use.
func memory() int64 {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return limit
	}
	if total, err := memlimit.FromSystem(); err == nil && total <= math.MaxInt64 {
		return int64(total)
	}
	return maxReceiveBytes
}

// openFiles is how many files the process may have open.
func openFiles() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(limit.Cur)
}
