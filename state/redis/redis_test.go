package redis_test

import (
	"hash/fnv"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/redis/redistest"
	"github.com/credbroker/credbroker/state/statetest"
)

// How many histories are compared with those of a store in memory: what differs between servers is not what they say.
const usualHistories, fewHistories = 10, 2

func TestStandalone(t *testing.T) {
	histories := usualHistories
	if testing.Short() {
		histories = fewHistories
	}
	suites(t, &redis.Config{Addresses: []string{redistest.Start(t).Addr}}, histories)
}

func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out clusters")
	}
	t.Parallel() // most of it is waiting for others to agree
	cluster := redistest.StartCluster(t)
	c := redis.Config{Addresses: cluster.Addrs()}
	suites(t, &c, fewHistories)
	c.Namespace = "failover"
	failover(t, &c, cluster.Master("cb:{failover}:records"))
}

func TestSentinels(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out clusters")
	}
	t.Parallel() // most of it is waiting for others to agree
	s := redistest.StartSentinels(t)
	c := redis.Config{Addresses: s.Addrs, Sentinel: redis.Sentinel{Master: redistest.MasterName}}
	suites(t, &c, fewHistories)
	c.Namespace = "failover"
	failover(t, &c, s.Master)
}

// aclRules are what docs/operations.md tells operators to allow.
const aclRules = "resetkeys ~cb:{test.* resetchannels nocommands +hello +auth +ping +select +client|setname +eval +evalsha +time +role +cluster|slots +cluster|shards +get +mget +set " +
	"+del +exists +pexpire +pexpireat +pexpiretime +hget +hmget +hset +hdel +hscan +xadd +xread +xrange +xrevrange"

func TestTLSAndACL(t *testing.T) {
	certificates := redistest.NewCertificates(t)
	server := redistest.StartTLS(t, certificates)
	rules := append([]string{"ACL", "SETUSER", "broker", "on", ">secret"}, strings.Fields(aclRules)...)
	server.Do(rules...)
	server.Do("ACL", "SETUSER", "default", "off", "nopass")
	config := redis.Config{
		Addresses: []string{server.Addr}, TLS: certificates.Client,
		Username: "broker", Password: selector.NewSecret("secret"),
	}
	suites(t, &config, fewHistories)
	for _, command := range [][]string{{"FLUSHALL"}, {"KEYS", "*"}, {"CONFIG", "GET", "*"}, {"CLIENT", "LIST"}, {"GET", "cb:{other}:records"}, {"SUBSCRIBE", "a"}} {
		login := append([]string{"--user", "broker", "--pass", "secret", "--no-auth-warning"}, command...)
		if got := server.Do(login...); !strings.Contains(got, "NOPERM") && !strings.Contains(got, "no permissions") {
			t.Errorf("%s is answered with %.200q", command, got)
		}
	}
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	if line := "on >PASSWORD " + strings.Replace(aclRules, "{test.*", "{production}:*", 1); !strings.Contains(string(page), line+"\n") {
		t.Errorf("docs/operations.md does not have the line that is tested: %s", line)
	}
}

// suites runs those of a store and of a fleet, each test in a namespace of its own.
func suites(t *testing.T, c *redis.Config, histories int) {
	t.Helper()
	opens := func(t *testing.T) func(t *testing.T) *redis.Store {
		t.Helper()
		config := *c
		config.Namespace = namespace(t)
		return func(t *testing.T) *redis.Store {
			t.Helper()
			return openStore(t, &config)
		}
	}
	t.Run("store", func(t *testing.T) { statetest.Store(t, opens) })
	t.Run("fleet", func(t *testing.T) { statetest.Fleet(t, opens) })
	t.Run("histories", func(t *testing.T) { statetest.Histories(t, opens, histories) })
	t.Run("fleet histories", func(t *testing.T) { statetest.FleetHistories(t, opens, 4*histories) })
}

func openStore(t testing.TB, c *redis.Config) *redis.Store {
	t.Helper()
	s, err := redis.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// namespace is one for a test alone. They begin alike, so that an ACL can allow them.
func namespace(t testing.TB) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.Name()))
	return "test." + strconv.FormatUint(h.Sum64(), 36)
}
