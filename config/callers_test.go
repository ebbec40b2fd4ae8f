package config

import (
	"crypto/tls"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/access"
)

func everyListener() Listen {
	return Listen{
		GRPC: []Listener{
			{Address: "unix:///run/credbroker.sock"}, {Address: "[::1]:0"}, {Address: "0.0.0.0:7420"}, {Address: "localhost:7423"},
			{
				Address: "unix:///run/admin.sock", Services: []string{ServiceAdmin, ServiceHealth},
				Socket: Socket{Mode: new(fs.FileMode(0o660)), Owner: "broker", Group: "1000"},
			},
			{
				Address: "0.0.0.0:7424", Insecure: true,
				TLS: &TLS{
					Cert: "testdata/secrets/server.pem", Key: "testdata/secrets/server.key", ClientCA: "testdata/secrets/server.pem",
					MinVersion: tls.VersionTLS12,
				},
			},
			{
				Address: "0.0.0.0:7425",
				TLS: &TLS{
					MinVersion: tls.VersionTLS13,
					SPIFFE:     &SPIFFE{Socket: "unix:///run/spire/agent.sock", TrustDomains: []string{"acme.example"}},
				},
			},
		},
		Insecure: true,
	}
}

func everyCaller() []access.Caller {
	hash := func(text string) access.Hash {
		h, _ := access.ParseHash(text)
		return h
	}
	return []access.Caller{
		{
			Name: "gateway", Roles: access.Pick | access.Report, NoSecrets: true,
			URIs: []string{"spiffe://acme.example/gateway/*"}, DNS: []string{"gateway.example.com", "*.gateway.example.com"},
			UIDs: []uint32{1000, 0},
			Tokens: []access.Token{
				{
					Hash:    hash("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
					Expires: time.Date(2027, 1, 31, 12, 0, 0, 0, time.FixedZone("", 3600)),
				},
				{Hash: hash("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752")},
			},
			Allow: []access.Rule{{
				Providers: []string{"claude"}, Labels: []string{"team *"}, IDs: []string{"claude-*"}, Domains: []string{"org:acme"},
				Models: []string{"claude-*"},
			}},
			Limits: access.Limits{InFlight: 64, PicksPerSecond: 200, Streams: 4},
		},
		{
			Name: "ops", Roles: access.Read | access.Operate | access.WriteAuths | access.Metrics,
			URIs: []string{"spiffe://acme.example/ops"},
		},
	}
}

func TestWhatOtherMachinesReach(t *testing.T) {
	const secure = "tls: {cert: server.pem, key: server.key}"
	dir := t.TempDir()
	copyFile(t, "testdata/secrets/server.pem", filepath.Join(dir, "server.pem"))
	copyFile(t, "testdata/secrets/server.key", filepath.Join(dir, "server.key"))
	for _, tt := range []struct {
		name, listen string
		callers      bool
		want         string // part of the problem; empty: none
	}{
		{"plain is refused", "{grpc: ['0.0.0.0:1']}", false, "neither encrypted nor authenticated"},
		{"plain is refused with callers, too", "{grpc: ['0.0.0.0:1']}", true, "neither encrypted nor authenticated"},
		{"TLS alone is refused", "{grpc: [{address: '0.0.0.0:1', " + secure + "}]}", false, "everybody there could do everything"},
		{"authorities of clients are no callers", "{grpc: [{address: '0.0.0.0:1', tls: {cert: server.pem, key: server.key, client_ca: server.pem}}]}", false, "everybody"},
		{"TLS with callers is good", "{grpc: [{address: '0.0.0.0:1', " + secure + "}]}", true, ""},
		{"plain where it is spelled out", "{grpc: [{address: '0.0.0.0:1', insecure: true}]}", false, ""},
		{"plain where it is spelled out for all", "{grpc: ['0.0.0.0:1'], insecure: true}", false, ""},
		{"spelled out for one is not for the other", "{grpc: [{address: '0.0.0.0:1', insecure: true}, '0.0.0.0:2']}", true, `grpc[1]: "0.0.0.0:2"`},
		{"health alone may be open", "{grpc: [{address: '0.0.0.0:1', services: [health]}]}", false, ""},
		{"health and more may not", "{grpc: [{address: '0.0.0.0:1', services: [health, gateway]}]}", false, "neither"},
		{"health over HTTP may be open", "{http: '0.0.0.0:1'}", false, ""},
		{"loopback needs nothing", "{grpc: ['127.0.0.1:1', '[::1]:2', 'unix:///s']}", false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(dir, "c.yaml")
			text := "listen: " + tt.listen + "\n"
			if tt.callers {
				text += "callers: [{name: a, roles: [pick], uids: [1]}]\n"
			}
			write(t, file, text)
			_, err := Open(file, testOptions)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open of %s: %v, want %q", text, err, tt.want)
			}
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(data))
}

// A certificate that is replaced comes into force, one that is broken does not, and that there are callers takes a restart.
func TestReloadOfCertificatesAndCallers(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "c.yaml")
	cert := filepath.Join(dir, "server.pem")
	copyFile(t, "testdata/secrets/server.pem", cert)
	copyFile(t, "testdata/secrets/server.key", filepath.Join(dir, "server.key"))
	const listen = "listen: {grpc: [{address: '127.0.0.1:1', tls: {cert: server.pem, key: server.key}}]}\n"
	write(t, file, listen+"callers: [{name: a, roles: [pick], uids: [1]}]\n")
	var seen []*Config
	s, err := Open(file, Options{OnConfig: func(c *Config) { seen = append(seen, c) }})
	if err != nil {
		t.Fatal(err)
	}
	s.Attach(new(collector), testKey)
	first := s.Config()
	problems := func(want ...string) {
		t.Helper()
		got := s.Status().Problems
		if len(got) != len(want) {
			t.Fatalf("problems are\n%s\nwant %q", got, want)
		}
		for i := range want {
			if !strings.Contains(got[i].String(), want[i]) {
				t.Errorf("problem %q, want %q in it", got[i], want[i])
			}
		}
	}

	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	write(t, cert, "# the same, written anew\n"+string(text))
	s.Reload()
	if problems(); len(seen) != 1 || seen[0].Listen.GRPC[0].TLS.Files == first.Listen.GRPC[0].TLS.Files {
		t.Fatalf("after a new certificate OnConfig was called %d times, want once with another configuration", len(seen))
	}

	write(t, cert, "no certificate")
	s.Reload()
	if problems("listen.grpc[0].tls: cert and key cannot be used"); len(seen) != 1 {
		t.Error("a broken certificate is in force")
	}
	write(t, cert, string(text))

	write(t, file, listen+"callers: [{name: a, roles: [pick], uids: [2]}, {name: b, roles: [read], uids: [3]}]\n")
	s.Reload()
	if problems(); len(s.Config().Callers) != 2 || s.Config().Policy() == nil {
		t.Errorf("callers are %v, want both", s.Config().Callers)
	}
	write(t, file, listen)
	s.Reload()
	if problems("callers: changed, which needs a restart"); len(s.Config().Callers) != 2 {
		t.Errorf("without the key callers are %v, want those before", s.Config().Callers)
	}
	write(t, file, strings.Replace(listen, "127.0.0.1:1", "127.0.0.1:2", 1)+"callers: [{name: a, roles: [pick], uids: [2]}]\n")
	s.Reload()
	if problems("listen.grpc: changed, which needs a restart"); len(s.Config().Callers) != 1 {
		t.Errorf("callers are %v, want the one that is left", s.Config().Callers)
	}
}
