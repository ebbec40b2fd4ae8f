package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/state/redis/redistest"
)

// Every key of state.redis reaches the connection.
func TestServeReachesRedisAsConfigured(t *testing.T) {
	certificates := redistest.NewCertificates(t)
	server := redistest.StartTLS(t, certificates)
	server.Do("ACL", "SETUSER", "broker", "on", ">secret", "~cb:{team}:*", "+@all")
	server.Do("ACL", "SETUSER", "default", "off")
	redis := func(user, tls string) string {
		return fmt.Sprintf("state:\n  path: ''\n  redis: {addresses: ['%s'], namespace: team, username: %s, password: {value: secret}, tls: {%s}}\n",
			server.Addr, user, tls)
	}
	trusted := fmt.Sprintf("ca: %s, cert: %s, key: %s", certificates.CA, certificates.Cert, certificates.Key)
	b := serving(t, twoAuths+redis("broker", trusted))
	b.log.wait(t, logRedisOnly)
	b.must("auths", "disable", "a")
	other := serving(t, twoAuths+redis("broker", strings.Replace(trusted, "ca: "+certificates.CA, "insecure: true", 1)))
	if got := other.must("auths", "get", "a"); !strings.Contains(got, "DISABLED") {
		t.Errorf("another broker of the fleet says\n%s", got)
	}
	if got := other.must("status"); !strings.Contains(got, "redis, healthy") {
		t.Errorf("status\n%s", got)
	}
	for name, wrong := range map[string]string{
		"another user":        redis("nobody", trusted),
		"nothing trusted":     redis("broker", strings.Replace(trusted, "ca: "+certificates.CA+", ", "", 1)),
		"another server name": redis("broker", trusted+", server_name: redis.example.com"),
		"no TLS":              redis("broker", trusted+", enabled: false"),
	} {
		refused := launch(t, writeConfig(t, twoAuths+wrong))
		if code := refused.code(); code != exitFailed || !strings.Contains(refused.log.String(), "state.redis: join the fleet") {
			t.Errorf("%s: exit code %d, log %q; want %d and the key", name, code, refused.log, exitFailed)
		}
	}
}

// Whoever had keys of his own before he met the fleet is told, and loses nothing.
func TestServeRefusesAFleetWithOtherKeys(t *testing.T) {
	server := redistest.Start(t)
	shared := fmt.Sprintf("state: {redis: {addresses: ['%s']}}\n", server.Addr)
	serving(t, twoAuths+shared)
	alone := serving(t, twoAuths)
	alone.stop()
	replaceFile(t, alone.config, twoAuths+shared)
	b := launch(t, alone.config)
	path := filepath.Join(filepath.Dir(alone.config), "credbroker.db")
	if code := b.code(); code != exitFailed || !strings.Contains(b.log.String(), "move "+path+" away") {
		t.Errorf("exit code %d, log %q; want %d and what to do", code, b.log, exitFailed)
	}
	replaceFile(t, alone.config, twoAuths)
	alone.again()
}

func TestServeNamesTheKeyOfTLSThatIsWrong(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.pem")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, tls, want string }{
		{"no such file", "ca: /none.pem", "state.redis.tls.ca: open /none.pem"},
		{"no certificate", "ca: " + text, "state.redis.tls.ca: " + text + " holds no certificate"},
		{"no pair", "cert: " + text + ", key: " + text, "state.redis.tls.cert, key: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			log := refused(t, twoAuths+"state:\n  redis: {addresses: ['127.0.0.1:1'], tls: {"+test.tls+"}}\n")
			if !strings.Contains(log, test.want) {
				t.Errorf("log %q, want %s", log, test.want)
			}
		})
	}
}
