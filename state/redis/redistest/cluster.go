package redistest

import (
	"net"
	"os/exec"
	"strings"
	"testing"
)

// Cluster is three masters with a replica each.
type Cluster struct {
	Nodes []*Server
}

const (
	masters         = 3
	nodeTimeout     = "1000" // milliseconds
	replicaValidity = "0"    // a replica takes over however old its copy is
)

// StartCluster starts an empty cluster and waits until it is whole.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	binary(t, "redis-cli")
	c := &Cluster{}
	create := make([]string, 0, 2*masters+5)
	create = append(create, "--cluster", "create")
	for range 2 * masters {
		_, bus, _ := net.SplitHostPort(freeAddr(t))
		s := Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", nodeTimeout, "--cluster-port", bus,
			"--cluster-replica-validity-factor", replicaValidity, "--repl-diskless-sync-delay", "0")
		c.Nodes = append(c.Nodes, s)
		create = append(create, s.Addr+"@"+bus)
	}
	create = append(create, "--cluster-replicas", "1", "--cluster-yes")
	cli := exec.CommandContext(t.Context(), "redis-cli", create...) //nolint:gosec // the test's own
	if out, err := cli.CombinedOutput(); err != nil {
		t.Fatalf("redis-cli %q: %v: %s", create, err, out)
	}
	for _, s := range c.Nodes {
		s.Await("part of a whole cluster", func() bool {
			return strings.Contains(s.try("CLUSTER", "INFO"), "cluster_state:ok") &&
				strings.Count(s.try("CLUSTER", "NODES"), "slave") == masters && s.synced()
		})
	}
	return c
}

// synced: a replica has what its master has.
func (s *Server) synced() bool {
	info := s.try("INFO", "replication")
	return !strings.Contains(info, "role:slave") || strings.Contains(info, "master_link_status:up")
}

// Addrs of all nodes.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, 0, len(c.Nodes))
	for _, s := range c.Nodes {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// Master of a key.
func (c *Cluster) Master(key string) *Server {
	for _, s := range c.Nodes {
		select {
		case <-s.exited:
			continue
		default:
		}
		// The others say where to go instead.
		if !strings.Contains(s.try("EXISTS", key), "MOVED") && strings.Contains(s.try("ROLE"), "master") {
			return s
		}
	}
	return nil
}
