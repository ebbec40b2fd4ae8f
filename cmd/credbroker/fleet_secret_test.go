package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state/redis/redistest"
)

// Brokers with a secret believe each other and nobody else, and say nothing of the secret.
func TestFleetWithASecret(t *testing.T) {
	server := redistest.Start(t)
	const secret = "tell-tale-0123456789abcdef0123456789abcdef"
	shared := twoAuths + fmt.Sprintf("state: {redis: {addresses: ['%s'], secret: {value: %s}}}\n", server.Addr, secret)
	a, b := serving(t, shared), serving(t, shared)
	a.must("auths", "disable", "a")
	for began := time.Now(); !strings.Contains(b.must("auths", "get", "a"), "DISABLED"); {
		if time.Since(began) > patience {
			t.Fatal("the other broker was not told")
		}
	}
	const records = "cb:{default}:records"
	for field := range strings.Lines(server.Do("HKEYS", records)) {
		if field = strings.TrimSpace(field); strings.HasPrefix(field, "identity:") {
			_, body, _ := strings.Cut(server.Do("HGET", records, field), " ")
			server.Do("HSET", records, field, "forged "+body)
		}
	}
	late := serving(t, shared)
	if line := late.log.wait(t, logDisbelieved); line["what"] != "record" || !strings.Contains(line["cause"].(string), "MAC") {
		t.Errorf("said is %v", line)
	}
	if got := late.must("auths", "get", "a"); strings.Contains(got, "DISABLED") {
		t.Errorf("a forged record is believed:\n%s", got)
	}
	check := command(t, nil, "config", "check", a.config)
	for _, text := range []string{a.log.String(), late.log.String(), a.must("status"), check.stdout, check.stderr, server.Do("HGETALL", records)} {
		if strings.Contains(text, "tell-tale") {
			t.Errorf("the secret is in\n%s", text)
		}
	}
}

// Pick ids are sealed with what follows from the secret, alike on all brokers that have it.
func TestPickIDsAreSealedWithTheSecretOfTheFleet(t *testing.T) {
	server := redistest.Start(t)
	sealed := func(secret string) string {
		t.Helper()
		c := &config.State{Redis: config.Redis{Addresses: []string{server.Addr}, Namespace: "sealed", Secret: selector.NewSecret(secret)}}
		e, err := openEngines(t.Context(), c, time.Now, engineWarnings{})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.close(); err != nil {
			t.Error(err)
		}
		return string(e.pickSecret)
	}
	one, other := strings.Repeat("a", 32), strings.Repeat("b", 32)
	if a, b := sealed(one), sealed(one); a == "" || a != b || strings.Contains(a, "aaa") {
		t.Errorf("two brokers have %x and %x", a, b)
	}
	if sealed(one) == sealed(other) {
		t.Error("another secret gives the same")
	}
	if got := sealed(""); got != "" {
		t.Errorf("without a secret it is %x", got)
	}
}
