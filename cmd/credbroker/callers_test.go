package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/credbroker/credbroker/access"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/server/transport/transporttest"
)

// newToken makes a token as a user does, and returns it with the line for the configuration.
func newToken(t *testing.T, args ...string) (token, line string) {
	t.Helper()
	got := command(t, nil, append([]string{"token", "new", "-o", "json"}, args...)...)
	var made struct{ Token, SHA256, Expires string }
	if err := json.Unmarshal([]byte(got.stdout), &made); got.code != exitOK || err != nil {
		t.Fatalf("token new = %d %s, %v", got.code, got.stderr, err)
	}
	if line = "{sha256: " + made.SHA256 + "}"; made.Expires != "" {
		line = "{sha256: " + made.SHA256 + ", expires: " + made.Expires + "}"
	}
	return made.Token, line
}

func TestTokenNew(t *testing.T) {
	token, line := newToken(t, "--expires-in", "1h")
	if hash, ok := access.HashOf(token); !ok || !strings.Contains(line, hash.String()) || !strings.Contains(line, "expires: 2026-11-22T13:00:00Z") {
		t.Errorf("token %s and line %s, want one to be the other's, for an hour", token, line)
	}
	if again, _ := newToken(t); again == token {
		t.Error("a token is made twice")
	}
	got := command(t, nil, "token", "new")
	fields := strings.Fields(got.stdout)
	hash, ok := access.HashOf(fields[1])
	if want := "TOKEN " + fields[1] + " LINE - {sha256: " + hash.String() + "}"; !ok || strings.Join(fields, " ") != want {
		t.Errorf("token new prints\n%s", got.stdout)
	}
	if got := command(t, nil, "token", "new", "--expires-in", "-1s"); got.code != exitUsage {
		t.Errorf("a token that has expired = %d %q", got.code, got.stderr)
	}
}

// certified is a broker whose callers show certificates, and what it takes to be one.
func certified(t *testing.T) (authority *transporttest.Authority, server transporttest.Files) {
	t.Helper()
	authority = transporttest.NewAuthority(t)
	return authority, authority.Write(t.TempDir(), authority.Issue("broker.example"))
}

// Tokens, certificates and users of a socket are callers; what they are not, they may not do.
func TestCallers(t *testing.T) {
	authority, server := certified(t)
	gateway := authority.Write(t.TempDir(), authority.Issue("spiffe://acme.example/gateway"))
	token, line := newToken(t)
	expired, expiredLine := newToken(t, "--expires-in", "1ns")
	tokenFile := filepath.Join(t.TempDir(), "token")
	replaceFile(t, tokenFile, token+"\n")
	socket := filepath.Join(t.TempDir(), "s")
	plain := fmt.Sprintf(`
listen:
  grpc:
    - {address: "127.0.0.1:0", tls: {cert: '%[1]s', key: '%[2]s', client_ca: '%[3]s'}, services: [gateway]}
    - {address: "127.0.0.1:0", tls: {cert: '%[1]s', key: '%[2]s'}}
    - {address: "unix://%[4]s", services: [admin, health], socket: {mode: 0660}}
    - "127.0.0.1:0"
  http: ""
callers:
  - {name: gateway, roles: [pick, report], uris: ["spiffe://acme.example/*"]}
  - {name: dashboard, roles: [read], tokens: [%[5]s, %[6]s]}
  - {name: ops, roles: [read, operate], uids: [%[7]d]}
auths:
  - {id: a, provider: claude, secret: {value: key-a}}
`, server.Cert, server.Key, server.CA, socket, line, expiredLine, os.Getuid())
	b := serving(t, plain)
	b.log.wait(t, logCallers)
	mutual, encrypted, unix, loopback := b.grpc[0], b.grpc[1], "unix://"+socket, b.grpc[3]
	asGateway := []string{"--tls-ca", gateway.CA, "--tls-cert", gateway.Cert, "--tls-key", gateway.Key}
	withToken := []string{"--tls-ca", gateway.CA, "--token-file", tokenFile}
	for _, tt := range []struct {
		name, address string
		shows         []string
		env           []string
		args          string
		code          int
		want          string
	}{
		{"a gateway picks", mutual, asGateway, nil, "pick --provider claude", exitOK, "AUTH "},
		{"a gateway does not list", encrypted, asGateway, nil, "auths list", exitFailed, "UNAUTHENTICATED"},
		{"the admin service is not there", mutual, asGateway, nil, "auths list", exitFailed, "unknown service"},
		{"nobody connects without a certificate", mutual, []string{"--tls-ca", gateway.CA}, nil, "pick", exitUnreachable, "no broker answers"},
		{"a token lists", encrypted, withToken, nil, "auths list", exitOK, "READY"},
		{"a token in the environment lists", encrypted, nil, []string{caVariable + "=" + gateway.CA, tokenVariable + "=" + token}, "auths list", exitOK, "READY"},
		{"a reader does not pick", encrypted, withToken, nil, "pick", exitFailed, "PERMISSION_DENIED: the caller dashboard may not do this: it takes the role pick"},
		{"an expired token is none", encrypted, []string{"--tls-ca", gateway.CA}, []string{tokenVariable + "=" + expired}, "auths list", exitFailed, "UNAUTHENTICATED"},
		{"on loopback a token is needed, too", loopback, nil, nil, "auths list", exitFailed, "UNAUTHENTICATED: the call does not show who makes it; show who you are"},
		{"and is taken", loopback, []string{"--token-file", tokenFile}, nil, "auths list", exitOK, "READY"},
		{"a user of the socket operates", unix, nil, nil, "auths disable a", exitOK, "DISABLED"},
		{"and writes nothing", unix, nil, nil, "pick", exitFailed, "unknown service"},
		{"an authority that does not vouch for the broker", encrypted, []string{"--tls-ca", certOf(t)}, nil, "status", exitUnreachable, "certificate"},
		{"a token does not leave the machine in the open", "gw.example:1", []string{"--token-file", tokenFile}, nil, "status", exitUsage, "needs --tls-ca"},
		{"a certificate without its key", encrypted, []string{"--tls-cert", gateway.Cert}, nil, "status", exitUsage, "go together"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := command(t, tt.env, append(append(strings.Fields(tt.args), "--address", tt.address), tt.shows...)...)
			if got.code != tt.code || !strings.Contains(got.stdout+got.stderr, tt.want) {
				t.Errorf("%s = %d %s%s, want %d %q", tt.args, got.code, got.stdout, got.stderr, tt.code, tt.want)
			}
		})
	}
	if strings.Contains(b.log.String(), token) || strings.Contains(b.log.String(), expired) {
		t.Error("the log has a token")
	}
	wantSocket(t, socket, 0o660)
}

// certOf is the file of an authority that nobody knows.
func certOf(t *testing.T) string {
	authority := transporttest.NewAuthority(t)
	return authority.Write(t.TempDir(), authority.Issue("x.example")).CA
}

// A token that is taken out of the file is revoked without a restart, and a certificate that is replaced is shown.
func TestReloadOfCallersAndCertificates(t *testing.T) {
	authority, server := certified(t)
	first, firstLine := newToken(t)
	second, secondLine := newToken(t)
	conf := func(lines string) string {
		return fmt.Sprintf(`
listen: {grpc: [{address: "127.0.0.1:0", tls: {cert: '%s', key: '%s'}}], http: ""}
callers: [{name: ops, roles: [read], tokens: [%s]}]
`, server.Cert, server.Key, lines)
	}
	b := serving(t, conf(firstLine))
	ask := func(ca, token string) outcome {
		return command(t, []string{tokenVariable + "=" + token}, "status", "--address", b.grpc[0], "--tls-ca", ca)
	}
	if got := ask(server.CA, first); got.code != exitOK {
		t.Fatalf("the first token = %d %s", got.code, got.stderr)
	}
	reload := func(text string, n int) {
		replaceFile(t, b.config, text)
		b.log.waitMore(t, logReloaded, n)
	}
	reload(conf(firstLine+", "+secondLine), 0)
	for _, token := range []string{first, second} {
		if got := ask(server.CA, token); got.code != exitOK {
			t.Errorf("while tokens overlap: %d %s", got.code, got.stderr)
		}
	}
	reload(conf(secondLine), 1)
	if got := ask(server.CA, first); got.code != exitFailed || !strings.Contains(got.stderr, reasonUnauthenticated) {
		t.Errorf("the token that was taken out = %d %s", got.code, got.stderr)
	}

	next := transporttest.NewAuthority(t)
	trusted := next.Write(t.TempDir(), next.Issue("broker.example"))
	next.Write(filepath.Dir(server.Cert), next.Issue("broker.example")) // in place of the old ones
	for deadline := time.Now().Add(patience); ; {
		if got := ask(trusted.CA, second); got.code == exitOK {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the new certificate is not shown: %s; log:\n%s", got.stderr, b.log)
		}
	}
	_ = authority
}

func TestSPIFFECertificates(t *testing.T) {
	authority := transporttest.NewAuthority(t)
	api := transporttest.StartWorkloadAPI(t, authority, "spiffe://acme.example/broker")
	gateway := authority.Write(t.TempDir(), authority.Issue("spiffe://acme.example/gateway"))
	stranger := authority.Write(t.TempDir(), authority.Issue("spiffe://acme.example/stranger"))
	b := serving(t, fmt.Sprintf(`
listen: {grpc: [{address: "127.0.0.1:0", tls: {spiffe: {socket: '%s'}}}], http: ""}
callers: [{name: gateway, roles: [pick], uris: ["spiffe://acme.example/gateway"]}]
auths: [{id: a, provider: claude, secret: {value: key-a}}]
`, api.Socket))
	pick := func(f transporttest.Files) outcome {
		return command(t, nil, "pick", "--address", b.grpc[0], "--tls-ca", f.CA, "--tls-cert", f.Cert, "--tls-key", f.Key)
	}
	if got := pick(gateway); got.code != exitOK {
		t.Errorf("the gateway = %d %s", got.code, got.stderr)
	}
	if got := pick(stranger); got.code != exitFailed || !strings.Contains(got.stderr, reasonUnauthenticated) {
		t.Errorf("a stranger of the trust domain = %d %s", got.code, got.stderr)
	}
}

// grpcurl reaches the broker over TLS, with a certificate, with a token, and over a socket.
func TestGrpcurlShowsWhoItIs(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	grpcurl := findGrpcurl(t, root)
	authority, server := certified(t)
	gateway := authority.Write(t.TempDir(), authority.Issue("spiffe://acme.example/gateway"))
	token, line := newToken(t)
	socket := filepath.Join(t.TempDir(), "s")
	b := serving(t, fmt.Sprintf(`
listen:
  grpc:
    - {address: "127.0.0.1:0", tls: {cert: '%[1]s', key: '%[2]s', client_ca: '%[3]s'}}
    - {address: "127.0.0.1:0", tls: {cert: '%[1]s', key: '%[2]s'}}
    - unix://%[4]s
  http: ""
callers:
  - {name: gateway, roles: [pick], uris: ["spiffe://acme.example/gateway"]}
  - {name: other, roles: [pick], tokens: [%[5]s]}
  - {name: local, roles: [pick], uids: [%[6]d]}
auths: [{id: a, provider: claude, secret: {value: key-a}}]
`, server.Cert, server.Key, server.CA, socket, line, os.Getuid()))
	for _, tt := range []struct {
		name string
		args []string
		good bool
	}{
		{"a certificate", []string{"-cacert", gateway.CA, "-cert", gateway.Cert, "-key", gateway.Key, b.grpc[0]}, true},
		{"no certificate", []string{"-cacert", gateway.CA, b.grpc[0]}, false},
		{"a token", []string{"-cacert", gateway.CA, "-H", "authorization: Bearer " + token, b.grpc[1]}, true},
		{"no token", []string{"-cacert", gateway.CA, b.grpc[1]}, false},
		{"a user", []string{"-plaintext", "-unix", socket}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"-max-time", "20", "-d", "{}"}, tt.args...)
			out, err := exec.CommandContext(t.Context(), grpcurl, append(args, "credbroker.v1.CredentialBroker/PickCredential")...).CombinedOutput()
			if (err == nil) != tt.good || tt.good && !strings.Contains(string(out), `"authId": "a"`) {
				t.Errorf("grpcurl %v: %v\n%s", tt.args, err, out)
			}
		})
	}
}

func TestMetricsBeyondLoopbackNeedTheRole(t *testing.T) {
	token, line := newToken(t)
	b := serving(t, fmt.Sprintf(`
listen: {grpc: ["127.0.0.1:0"], http: "0.0.0.0:0"}
callers: [{name: prometheus, roles: [metrics], tokens: [%s]}]
`, line))
	for path, want := range map[string]int{"/metrics": http.StatusForbidden, "/healthz": http.StatusOK, "/readyz": http.StatusOK} {
		if status, body := get(t, "http://127.0.0.1:"+b.http[strings.LastIndex(b.http, ":")+1:]+path); status != want {
			t.Errorf("GET %s = %d %q, want %d", path, status, body, want)
		}
	}

	authority, server := certified(t)
	b = serving(t, fmt.Sprintf(`
listen: {grpc: ["127.0.0.1:0"], http: {address: "0.0.0.0:0", tls: {cert: '%s', key: '%s'}}}
callers: [{name: prometheus, roles: [metrics], tokens: [%s]}]
`, server.Cert, server.Key, line))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: authority.Pool()}}}
	defer client.CloseIdleConnections()
	for shown, want := range map[string]int{"": http.StatusUnauthorized, "Bearer " + token: http.StatusOK} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1:"+b.http[strings.LastIndex(b.http, ":")+1:]+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if shown != "" {
			request.Header.Set("Authorization", shown)
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("GET /metrics with %q = %d, want %d", shown, answer.StatusCode, want)
		}
	}
}

// Who is not to have secrets is told which auth it is, and reports on it as others do.
func TestPicksWithoutSecrets(t *testing.T) {
	router, routerLine := newToken(t)
	gateway, gatewayLine := newToken(t)
	b := serving(t, fmt.Sprintf(`
listen: {grpc: ["127.0.0.1:0"], http: ""}
callers:
  - {name: router, roles: [pick, report], tokens: [%s], return_secrets: false}
  - {name: gateway, roles: [pick], tokens: [%s]}
auths:
  - {id: a, provider: claude, base_url: "https://up.example", secret: {value: canary-key}, headers: {X-More: canary-header}, proxy_url: "http://u:canary-proxy@p.example:1"}
`, routerLine, gatewayLine))
	broker, _ := b.connect()
	pick := func(token string, req *credbrokerv1.PickCredentialRequest) *credbrokerv1.PickCredentialResponse {
		t.Helper()
		req.Provider, req.Model, req.SessionId = "claude", "m", "s"
		got, err := broker.PickCredential(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token), req)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, req := range []*credbrokerv1.PickCredentialRequest{{}, {Explain: true}, {DryRun: true}} {
		got := pick(router, req)
		c := got.GetCredential()
		if c.GetAuthId() != "a" || c.GetProvider() != "claude" || c.GetBaseUrl() != "https://up.example" || c.GetModel() != "m" || strings.Contains(got.String(), "canary") {
			t.Errorf("a pick of the router's = %v, want the auth and nothing secret", got)
		}
	}
	if c := pick(gateway, &credbrokerv1.PickCredentialRequest{}).GetCredential(); strings.Count(c.String(), "canary") != 3 {
		t.Errorf("a pick of the gateway's = %v, want all that is secret", c)
	}
	verdict, err := broker.ReportResult(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+router), &credbrokerv1.ReportResultRequest{
		AuthId: "a", PickId: pick(router, &credbrokerv1.PickCredentialRequest{}).GetPickId(), Model: "m", HttpStatus: 401,
		Body: []byte(`{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`),
	})
	if err != nil || verdict.GetVerdict().GetUntil() == nil && verdict.GetVerdict().GetNext() == credbrokerv1.Next_NEXT_DONE {
		t.Errorf("the router's report = %v, %v, want a verdict on the auth", verdict, err)
	}
}
