package redistest

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Sentinels watch a master that has a replica.
type Sentinels struct {
	// Addrs of the sentinels.
	Addrs           []string
	Master, Replica *Server
}

// MasterName is the name that sentinels watch the master by.
const MasterName = "fleet"

const sentinels = 3

// StartSentinels starts an empty server, a replica of it and three sentinels, which take half a second to miss the master.
func StartSentinels(t testing.TB) *Sentinels {
	t.Helper()
	s := &Sentinels{Master: Start(t, "--repl-diskless-sync-delay", "0")}
	host, port, _ := net.SplitHostPort(s.Master.Addr)
	s.Replica = Start(t, "--replicaof", host+" "+port)
	s.Replica.Await("in step with its master", s.Replica.synced)
	for range sentinels {
		s.Addrs = append(s.Addrs, startSentinel(t, host, port).Addr)
	}
	watching := &Server{Addr: s.Addrs[0], t: t, exited: make(chan struct{})}
	watching.Await("aware of the others", func() bool {
		master := watching.try("SENTINEL", "MASTER", MasterName)
		return fieldIs(master, "num-other-sentinels", "2") && fieldIs(master, "num-slaves", "1")
	})
	return s
}

// AwaitFailover waits until the sentinels name another master, which takes writes.
func (s *Sentinels) AwaitFailover() {
	_, port, _ := net.SplitHostPort(s.Replica.Addr)
	asked := &Server{Addr: s.Addrs[0], t: s.Replica.t, exited: make(chan struct{})}
	asked.Await("of another mind about the master", func() bool {
		return strings.HasSuffix(asked.try("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName), port)
	})
	s.Replica.Await("master", func() bool { return strings.HasPrefix(s.Replica.try("ROLE"), "master") })
}

func startSentinel(t testing.TB, host, port string) *Server {
	t.Helper()
	s := &Server{Addr: freeAddr(t), t: t, dir: t.TempDir()}
	_, own, _ := net.SplitHostPort(s.Addr)
	config := strings.Join([]string{
		"port " + own, "bind 127.0.0.1", "dir " + s.dir,
		"sentinel monitor " + MasterName + " " + host + " " + port + " 2",
		"sentinel down-after-milliseconds " + MasterName + " 500",
		"sentinel failover-timeout " + MasterName + " 2000",
	}, "\n")
	const private = 0o600
	file := filepath.Join(s.dir, "sentinel.conf")
	if err := os.WriteFile(file, []byte(config+"\n"), private); err != nil {
		t.Fatal(err)
	}
	s.run(binary(t, "redis-server"), file, "--sentinel")
	t.Cleanup(s.Kill)
	s.Await("ready", func() bool { return strings.HasSuffix(s.try("PING"), "PONG") })
	return s
}

// fieldIs looks into an answer of names and values, one a line.
func fieldIs(answer, name, value string) bool {
	_, behind, found := strings.Cut("\n"+answer, "\n"+name+"\n")
	return found && strings.HasPrefix(behind+"\n", value+"\n")
}
