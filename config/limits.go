package config

import (
	"time"

	"github.com/credbroker/credbroker/internal/document"
)

// Limits are what peers can make the broker hold. Changing them takes a restart.
type Limits struct {
	// Message is the size of a request, in bytes.
	Message int64
	// ReceiveBytes is what calls and requests that are being received take at most, in bytes; 0: a quarter of the memory.
	ReceiveBytes int64
	// ReceiveTimeout of a request.
	ReceiveTimeout time.Duration
	// Connections of the gRPC API; 0: as many as memory and files allow, at most 1,024.
	Connections int
	// CallsPerConnection at the same time.
	CallsPerConnection int
	// CallRate is how many calls may start in a second; 0: by the number of processors.
	CallRate int
	// Idle is how long a connection without calls is kept.
	Idle time.Duration
	// ConnectionAge is how long a connection is used for new calls; 0: for ever.
	ConnectionAge time.Duration
	// Watches that all callers may have open; 0: as many as memory allows, at most 256.
	Watches int
	// WatchTimeout is how long a message of a watch may wait to be read.
	WatchTimeout time.Duration
}

func defaultLimits() Limits {
	return Limits{Message: 8 << 20, ReceiveTimeout: 10 * time.Second, CallsPerConnection: 128, Idle: 15 * time.Minute, WatchTimeout: 30 * time.Second}
}

func limits(l *Limits) document.Type {
	return document.Object(document.Keys{
		"message": document.Size(&l.Message, 64<<10, 32<<20).Doc("The largest request, and so the largest body: 64KiB to 32MiB."),
		"receive_bytes": document.Size(&l.ReceiveBytes, 1<<20, 1<<40).Doc("What calls and requests that are being received take at most, " +
			"all together; at least twice message. Absent: a quarter of the memory that the broker may use, at most 1GiB."),
		"receive_timeout": document.Duration(&l.ReceiveTimeout, time.Second, 10*time.Minute).
			Doc("How long a request may take to arrive: 1s to 10m."),
		"connections": document.Integer(&l.Connections, 1, 1_000_000).With(document.Schema{"default": nil}).
			Doc("Connections of the gRPC API. Absent: 1024, or fewer where there are few files or little memory."),
		"calls_per_connection": document.Integer(&l.CallsPerConnection, 1, 10_000).
			Doc("Calls of one connection at the same time; further ones wait in the client."),
		"call_rate": document.Integer(&l.CallRate, 1000, 100_000_000).With(document.Schema{"default": nil}).
			Doc("Calls that all connections may start in a second; a connection that wants more than its part is slowed down. " +
				"Absent: 10000 for each processor."),
		"idle": document.Duration(&l.Idle, 10*time.Second, 24*time.Hour).
			Doc("How long a connection without calls is kept: 10s to 24h."),
		"connection_age": document.Duration(&l.ConnectionAge, time.Minute, 30*24*time.Hour).With(document.Schema{"default": nil}).
			Doc("How long a connection is used for new calls: 1m to 720h; calls that run then have a minute to end. Absent: for ever."),
		"watches": document.Integer(&l.Watches, 1, 100_000).With(document.Schema{"default": nil}).
			Doc("Watches that may be open, all together; a caller may have half of them. Absent: 256, or fewer where there is little memory."),
		"watch_timeout": document.Duration(&l.WatchTimeout, time.Second, 10*time.Minute).
			Doc("How long a message of a watch may wait to be read, before the watch ends: 1s to 10m."),
	}).Then(func(v document.Value) {
		if l.ReceiveBytes > 0 && l.ReceiveBytes < 2*l.Message {
			v.Under("receive_bytes").Problemf("is less than two of the largest requests; allowed: at least twice limits.message")
		}
	})
}
