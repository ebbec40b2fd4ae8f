package main

import (
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/state/redis/redistest"
)

// Something else answers where Redis was: picks go on, little is held, and what was learnt meanwhile is shared once Redis is back.
func TestBrokerOutlivesAHostileStore(t *testing.T) {
	server := redistest.Start(t)
	hostile := redistest.StartScripted(t, func(request []string) string {
		switch request[0] {
		case "HELLO", "CLIENT", "CLUSTER", "PING":
			return ""
		case "EVALSHA":
			return "$1000000000\r\n"
		case "XREAD":
			return strings.Repeat("*1\r\n", 10_000)
		}
		return "*2147483647\r\n"
	})
	proxy := redistest.NewProxy(t, server.Addr)
	shared := func(addr string) string { return twoAuths + "state: {redis: {addresses: ['" + addr + "']}}\n" }
	a, b := serving(t, shared(proxy.Addr)), serving(t, shared(server.Addr))
	proxy.Turn(hostile.Addr)
	line := a.log.wait(t, logDisbelieved)
	if cause := line["cause"].(string); line["what"] != "reply" || !strings.Contains(cause, "too large") || !strings.Contains(cause, proxy.Addr) {
		t.Errorf("said is %v", line)
	}
	a.log.wait(t, logEngineDown)
	a.must("pick", "--provider", "claude", "--model", "m")
	a.must("auths", "disable", "a")
	if got := a.must("status"); !strings.Contains(got, "redis, NOT HEALTHY") {
		t.Errorf("status\n%s", got)
	}
	proxy.Turn(server.Addr)
	for began := time.Now(); !strings.Contains(b.must("auths", "get", "a"), "DISABLED"); {
		if time.Since(began) > patience {
			t.Fatalf("the other broker was not told; the log:\n%s", a.log)
		}
	}
	a.log.wait(t, logEngineUp)
	if lines := a.log.all(logDisbelieved); len(lines) != 1 {
		t.Errorf("%d lines, want one a minute: %v", len(lines), lines)
	}
}
