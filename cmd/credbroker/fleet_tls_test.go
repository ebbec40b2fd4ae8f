package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/state/redis/redistest"
)

// A broker reaches a server that wants TLS, a certificate and a password, and says why where it may not.
func TestFleetBehindTLS(t *testing.T) {
	certificates := redistest.NewCertificates(t)
	server := redistest.StartTLS(t, certificates)
	server.Do("ACL", "SETUSER", "broker", "on", ">made-up", "~cb:{default}:*", "+@all")
	redis := func(password, more string) string {
		return twoAuths + fmt.Sprintf("state: {redis: {addresses: ['%s'], username: broker, password: {value: %s}, tls: {ca: '%s'%s}}}\n",
			server.Addr, password, certificates.CA, more)
	}
	pair := fmt.Sprintf(", cert: '%s', key: '%s'", certificates.Cert, certificates.Key)

	a, b := serving(t, redis("made-up", pair)), serving(t, redis("made-up", pair))
	a.must("auths", "disable", "a", "--reason", "over budget")
	var list struct{ Auths []struct{ State string } }
	for began := time.Now(); len(list.Auths) == 0 || list.Auths[0].State != "AUTH_STATE_DISABLED"; {
		if time.Since(began) > patience {
			t.Fatalf("the other broker still says %+v", list)
		}
		b.answer(&list, "auths", "list")
	}
	if got := a.must("status"); !strings.Contains(got, "redis, healthy") {
		t.Errorf("status\n%s", got)
	}

	for name, config := range map[string]string{
		"the password is wrong":    redis("guessed", pair),
		"there is no certificate":  redis("made-up", ""),
		"its name is another's":    redis("made-up", pair+", server_name: redis.example.com"),
		"the files are mixed up":   redis("made-up", fmt.Sprintf(", cert: '%s', key: '%s'", certificates.Key, certificates.Cert)),
		"the broker has other CAs": strings.Replace(redis("made-up", pair), "ca: '"+certificates.CA+"', ", "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			c := launch(t, writeConfig(t, config))
			if code := c.code(); code != exitFailed || !strings.Contains(c.log.String(), "state.redis") || strings.Contains(c.log.String(), "guessed") {
				t.Errorf("exit code = %d, log %q; want %d, the key, and no password", code, c.log, exitFailed)
			}
		})
	}
}
