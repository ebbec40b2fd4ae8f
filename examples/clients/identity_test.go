package clients_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/credbroker/credbroker/server/transport/transporttest"
)

// The clients reach a broker over TLS with a certificate, with a token, with a SPIFFE id, and over a socket, and are refused without.
func TestClientsShowWhoTheyAre(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short leaves out clients in other languages")
	}
	authority := transporttest.NewAuthority(t)
	server := authority.Write(t.TempDir(), authority.Issue("broker.example"))
	gateway := authority.Write(t.TempDir(), authority.Issue("spiffe://acme.example/gateway"))
	stranger := authority.Write(t.TempDir(), authority.Issue("spiffe://acme.example/stranger"))
	api := transporttest.StartWorkloadAPI(t, authority, "spiffe://acme.example/broker")
	token := "credbroker_" + base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	at := map[string]string{"tls": freeAddress(t), "mtls": freeAddress(t), "spiffe": freeAddress(t)}
	b := startBrokerWith(t, fmt.Sprintf(`
    - {address: %[1]q, tls: {cert: %[4]q, key: %[5]q}}
    - {address: %[2]q, tls: {cert: %[4]q, key: %[5]q, client_ca: %[6]q}}
    - {address: %[3]q, tls: {spiffe: {socket: %[7]q}}}
`, at["tls"], at["mtls"], at["spiffe"], server.Cert, server.Key, server.CA, api.Socket), pool()+fmt.Sprintf(`
callers:
  - {name: token, roles: [pick, report], tokens: [{sha256: %x}]}
  - {name: certificate, roles: [pick, report], uris: ["spiffe://acme.example/gateway"]}
  - {name: user, roles: [pick, report], uids: [%d]}
`, sha256.Sum256([]byte(token)), os.Getuid()))
	show := func(f transporttest.Files) []string {
		return []string{"CREDBROKER_TLS_CA=" + f.CA, "CREDBROKER_TLS_CERT=" + f.Cert, "CREDBROKER_TLS_KEY=" + f.Key}
	}
	onlyCA := []string{"CREDBROKER_TLS_CA=" + server.CA}
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			command, env := c.prepare(t)
			for _, tt := range []struct {
				name, address string
				shows         []string
				exit          int
			}{
				{"a token over TLS", at["tls"], slices.Concat(onlyCA, []string{"CREDBROKER_TOKEN=" + token}), 0},
				{"no token", at["tls"], onlyCA, exitRefused},
				{"a certificate", at["mtls"], show(gateway), 0},
				{"the certificate of a stranger", at["mtls"], show(stranger), exitRefused},
				{"no certificate", at["mtls"], onlyCA, exitNoBroker},
				{"a SPIFFE id", at["spiffe"], show(gateway), 0},
				{"the SPIFFE id of a stranger", at["spiffe"], show(stranger), exitRefused},
				{"a user of a socket", b.unix, nil, 0},
			} {
				t.Run(tt.name, func(t *testing.T) {
					r := runner{name: c.name, command: command, env: slices.Concat(env, tt.shows)}
					got := r.run(t, tt.exit, tt.address, c.name+"-tcp-pair", model, "1")
					if tt.exit == exitRefused {
						got.match(t, 0, `^refused, UNAUTHENTICATED: `)
					}
				})
			}
		})
	}
}
