package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/server"
)

func TestLimitsThatFollowFromTheMachine(t *testing.T) {
	defaults := config.Default().Limits
	given := config.Limits{Message: 1 << 20, ReceiveBytes: 5 << 20, Connections: 7}
	large := defaults
	large.Message = 32 << 20
	for _, tt := range []struct {
		name   string
		limits config.Limits
		memory int64
		files  int
		want   server.Limits
	}{
		{"a server", defaults, 64 << 30, 1 << 20, server.Limits{ReceiveBytes: 1 << 30, Connections: 1024, HTTPConnections: 64, Watches: 256}},
		{"a small container", defaults, 256 << 20, 1 << 20, server.Limits{ReceiveBytes: 64 << 20, Connections: 128, HTTPConnections: 64, Watches: 64}},
		{"a tiny one", defaults, 32 << 20, 1 << 20, server.Limits{ReceiveBytes: 16 << 20, Connections: 32, HTTPConnections: 64, Watches: 16}},
		{"large requests in a small one", large, 128 << 20, 1 << 20, server.Limits{ReceiveBytes: 64 << 20, Connections: 128, HTTPConnections: 64, Watches: 64}},
		{"few files", defaults, 64 << 30, 64, server.Limits{ReceiveBytes: 1 << 30, Connections: 24, HTTPConnections: 8, Watches: 256}},
		{"hardly any", defaults, 64 << 30, 20, server.Limits{ReceiveBytes: 1 << 30, Connections: 1, HTTPConnections: 8, Watches: 256}},
		{"what is given stays", given, 64 << 30, 64, server.Limits{ReceiveBytes: 5 << 20, Connections: 7, HTTPConnections: 8, Watches: 5}},
	} {
		tt.want.Message, tt.want.ReceiveTimeout = int(tt.limits.Message), tt.limits.ReceiveTimeout
		tt.want.CallsPerConnection, tt.want.Idle, tt.want.WatchTimeout = tt.limits.CallsPerConnection, tt.limits.Idle, tt.limits.WatchTimeout
		if diff := cmp.Diff(tt.want, limitsFor(&tt.limits, tt.memory, tt.files)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
