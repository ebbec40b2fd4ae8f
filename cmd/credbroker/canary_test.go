package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/state/redis/redistest"
)

// TestCanary runs a broker with secrets of every kind through every call, good and bad, and looks for the secrets in all that leaves
// it, is logged or is kept. Only picks of who may pick have them.
func TestCanary(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out whole brokers with Redis")
	}
	c := canaries{}
	server := redistest.Start(t)
	b, callers := canaryBroker(t, c, server)
	conn, err := grpc.NewClient(b.grpc[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	called := make(map[string]bool)
	handedOut := make(map[string]bool)
	for _, step := range canarySteps(c) {
		called[step.method] = true
		for who, token := range callers {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			if token != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
			}
			answer, good := callAny(ctx, t, conn, step)
			cancel()
			found := c.in(answer)
			switch {
			case good && who == "all" && strings.HasSuffix(step.method, "/PickCredential"):
				for _, what := range found {
					handedOut[what] = true
				}
			case len(found) > 0:
				t.Errorf("%s by %s answers with %v:\n%s", step.method, who, found, answer)
			}
		}
	}
	for _, m := range servedMethods(t) {
		if !called[m] {
			t.Errorf("%s: say in canarySteps how it is called", m)
		}
	}
	for _, what := range []string{"api key", "key file", "header", "proxy password", "access token", "put api key", "put header", "put proxy password"} {
		if !handedOut[what] {
			t.Errorf("no pick handed out the %s: nothing is proven about it", what)
		}
	}
	canaryCommands(t, c, b, callers["all"])
	b.stop()
	canaryFiles(t, c, b)
	// In one script: keys of bindings have bytes that no argument can have.
	kept := server.Do("EVAL", "local all = '' for _, key in ipairs(redis.call('KEYS', '*')) do all = all .. key .. redis.call('DUMP', key) end return all", "0")
	if len(kept) < 1000 {
		t.Errorf("Redis has only %q: that proves little", kept)
	}
	if found := c.in(kept); len(found) > 0 {
		t.Errorf("Redis has %v", found)
	}
}

// canaryBroker starts a broker with secrets of every kind, and returns the tokens of its callers.
func canaryBroker(t *testing.T, c canaries, server *redistest.Server) (b *runningBroker, tokens map[string]string) {
	t.Helper()
	_, pair := certified(t)
	text, err := os.ReadFile(pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	c["TLS key"] = string(block.Bytes[48:72]) // a part that is on one line in base64
	all, allLine := newToken(t)
	reader, readerLine := newToken(t)
	c["token of all"], c["token of reader"] = all, reader
	server.Do("CONFIG", "SET", "rdbcompression", "no") // or DUMP hides texts
	server.Do("ACL", "SETUSER", "broker", "on", ">"+c.plant("Redis password"), "~*", "&*", "+@all")
	path := writeConfig(t, fmt.Sprintf(`
listen:
  grpc: ["127.0.0.1:0", {address: "127.0.0.1:0", tls: {cert: '%s', key: '%s'}}]
  http: 127.0.0.1:0
log: {level: debug}
state: {path: state.db, redis: {addresses: ['%s'], username: broker, password: {value: %s}}}
audit: {file: audit.jsonl, secret: {value: %s}}
callers:
  - {name: all, roles: [pick, report, read, operate, write-auths, metrics], tokens: [%s]}
  - {name: reader, roles: [read], tokens: [%s]}
auths:
  - id: yaml
    provider: claude
    secret: {value: %s}
    headers: {X-Extra: {value: %s}}
    proxy_url: {value: "http://user:%s@proxy.example:1"}
  - {id: filed, provider: claude, secret: {file: key}}
auth_dirs: [auths]
`, pair.Cert, pair.Key, server.Addr, c["Redis password"], c.plant("audit secret"), allLine, readerLine,
		c.plant("api key"), c.plant("header"), c.plant("proxy password")))
	folder := filepath.Dir(path)
	replaceFile(t, filepath.Join(folder, "key"), c.plant("key file"))
	if err := os.Mkdir(filepath.Join(folder, "auths"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"account.json": fmt.Sprintf(`{"type":"claude","access_token":%q,"refresh_token":%q,"id_token":%q,"client_secret":%q,"email":"a@example.com"}`,
			c.plant("access token"), c.plant("refresh token"), c.plant("id token"), c.plant("client secret")),
		"type.json":  fmt.Sprintf(`{"type":"claude","api_key":{"deep":%q}}`, c.plant("api key of a wrong type")),
		"url.json":   fmt.Sprintf(`{"type":"claude","api_key":"k","base_url":"https://u:%s@h.example"}`, c.plant("user of base_url")),
		"torn.json":  fmt.Sprintf(`{"type":"claude","api_key":%q,`, c.plant("api key of a torn file")),
		"twice.json": fmt.Sprintf(`{"type":"claude","api_key":%q,"access_token":%q,"headers":{"Host":%q}}`, c.plant("one of two"), c.plant("the other"), c.plant("refused header")),
	} {
		replaceFile(t, filepath.Join(folder, "auths", name), text)
	}
	b = launch(t, path)
	b.ready()
	return b, map[string]string{"all": all, "reader": reader, "a stranger": c.plant("token of a stranger"), "nobody": ""}
}

// canaryStep is one call.
type canaryStep struct {
	method  string
	request proto.Message
}

// canarySteps are calls of every method, good and bad ones, in an order in which the good ones work.
func canarySteps(c canaries) []canaryStep {
	const gateway, admin = "/credbroker.v1.CredentialBroker/", "/credbroker.v1.AuthPool/"
	put := func(change func(*credbrokerv1.PutAuthRequest)) canaryStep {
		r := &credbrokerv1.PutAuthRequest{
			Config: &credbrokerv1.AuthConfig{Id: "put", Provider: "claude", ProxyUrl: "http://u:" + c["put proxy password"] + "@proxy.example:1"},
			Secret: &credbrokerv1.AuthSecret{
				Secret: &credbrokerv1.AuthSecret_ApiKey{ApiKey: c["put api key"]}, Headers: map[string]string{"X-Put": c["put header"]},
			},
		}
		change(r)
		return canaryStep{admin + "PutAuth", r}
	}
	for _, what := range []string{
		"put api key", "put header", "put proxy password", "refused api key", "refused put header", "refused proxy", "refused base_url",
		"client key", "upstream cookie", "upstream echo", "misplaced",
	} {
		c.plant(what)
	}
	headers := map[string]string{"X-Api-Key": c["client key"], "Authorization": "Bearer " + c["client key"]}
	body := []byte(`{"messages":[{"role":"user","content":"hi"}],"api_key":"` + c["client key"] + `"}`)
	failure := func(code int32) *credbrokerv1.ReportResultRequest {
		return &credbrokerv1.ReportResultRequest{
			AuthId: "put", Model: "m", HttpStatus: code, Headers: map[string]string{"set-cookie": c["upstream cookie"], "retry-after": "5"},
			Body: []byte(`{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key ` + c["upstream echo"] + `"}}`),
		}
	}
	steps := []canaryStep{
		put(func(*credbrokerv1.PutAuthRequest) {}),
		put(func(r *credbrokerv1.PutAuthRequest) {
			r.Config.BaseUrl = "https://u:" + c["refused base_url"] + "@h.example"
		}),
		put(func(r *credbrokerv1.PutAuthRequest) { r.Config.ProxyUrl = "::" + c["refused proxy"] }),
		put(func(r *credbrokerv1.PutAuthRequest) {
			r.Secret.Secret = &credbrokerv1.AuthSecret_ApiKey{ApiKey: c["refused api key"] + "\n"}
			r.Config.Provider = ""
		}),
		put(func(r *credbrokerv1.PutAuthRequest) {
			r.Secret.Secret = &credbrokerv1.AuthSecret_AccessToken{AccessToken: c["refused api key"] + "\x00x"}
		}),
		put(func(r *credbrokerv1.PutAuthRequest) { r.Secret.Headers["Host"] = c["refused put header"] }),
		put(func(r *credbrokerv1.PutAuthRequest) { r.Secret.Headers["X-Two\nX-Lines"] = c["refused put header"] }),
		put(func(r *credbrokerv1.PutAuthRequest) { r.Secret.Headers["X-Put"] = c["refused put header"] + "\x00" }),
	}
	for range 8 { // each of the auths has its turn
		steps = append(steps, canaryStep{gateway + "PickCredential", &credbrokerv1.PickCredentialRequest{
			Provider: "claude", Model: "m", Headers: headers, Body: body, Explain: true,
		}})
	}
	for i := range 8 {
		steps = append(steps, canaryStep{gateway + "PickCredential", &credbrokerv1.PickCredentialRequest{Provider: "claude", SessionId: fmt.Sprint("s", i)}})
	}
	for _, code := range []int32{429, 401, 500, 200} {
		steps = append(steps, canaryStep{gateway + "ReportResult", failure(code)})
	}
	add := func(service string, requests map[string][]proto.Message) {
		for _, name := range slices.Sorted(mapKeys(requests)) {
			for _, r := range requests[name] {
				steps = append(steps, canaryStep{service + name, r})
			}
		}
	}
	add(gateway, map[string][]proto.Message{
		"PickCredential": {
			&credbrokerv1.PickCredentialRequest{Provider: "nobody", Headers: headers, Body: body},
			&credbrokerv1.PickCredentialRequest{Provider: "claude", ExcludeAuthIds: []string{"yaml", "filed", "put", "account.json", "twice.json"}, Explain: true},
			&credbrokerv1.PickCredentialRequest{AttemptOf: c["misplaced"]},
			&credbrokerv1.PickCredentialRequest{Headers: map[string]string{c["misplaced"]: strings.Repeat(c["client key"], 2000)}},
		},
		"PickCredentials": {&credbrokerv1.PickCredentialsRequest{}},
		"ReportResult":    {&credbrokerv1.ReportResultRequest{AuthId: "yaml", TransportError: "dial: " + c["upstream echo"], PickId: c["misplaced"]}},
		"ReportCooldown":  {&credbrokerv1.ReportCooldownRequest{AuthId: "yaml"}, &credbrokerv1.ReportCooldownRequest{PickId: c["misplaced"]}},
		"InvalidateAuth":  {&credbrokerv1.InvalidateAuthRequest{AuthId: "account.json"}},
	})
	add(admin, map[string][]proto.Message{
		"ListAuths": {&credbrokerv1.ListAuthsRequest{}, &credbrokerv1.ListAuthsRequest{PageToken: c["misplaced"]}},
		"GetAuth": {
			&credbrokerv1.GetAuthRequest{AuthId: "yaml"}, &credbrokerv1.GetAuthRequest{AuthId: "put"}, &credbrokerv1.GetAuthRequest{AuthId: "account.json"},
			&credbrokerv1.GetAuthRequest{AuthId: "filed"},
		},
		"ListSessions":   {&credbrokerv1.ListSessionsRequest{}, &credbrokerv1.ListSessionsRequest{PageToken: c["misplaced"]}},
		"WatchAuths":     {&credbrokerv1.WatchAuthsRequest{}},
		"GetStatus":      {&credbrokerv1.GetStatusRequest{}},
		"EnableAuth":     {&credbrokerv1.EnableAuthRequest{AuthId: "put"}, &credbrokerv1.EnableAuthRequest{AuthId: "none"}},
		"DisableAuth":    {&credbrokerv1.DisableAuthRequest{AuthId: "filed", Reason: "spent"}},
		"ClearCooldown":  {&credbrokerv1.ClearCooldownRequest{AuthId: "put"}},
		"ReleaseSession": {&credbrokerv1.ReleaseSessionRequest{Session: &credbrokerv1.ReleaseSessionRequest_SessionHash{SessionHash: c["misplaced"]}}},
		"PutAuth":        {&credbrokerv1.PutAuthRequest{Config: &credbrokerv1.AuthConfig{Id: "put", Provider: "claude", Label: "no secret"}}},
		"DeleteAuth":     {&credbrokerv1.DeleteAuthRequest{AuthId: "yaml"}},
	})
	add("/grpc.health.v1.Health/", map[string][]proto.Message{
		"Check": {&healthv1.HealthCheckRequest{}}, "List": {&healthv1.HealthListRequest{}}, "Watch": {&healthv1.HealthCheckRequest{}},
	})
	for _, symbol := range []string{"credbroker.v1.AuthPool", c["misplaced"]} {
		add("/grpc.reflection.v1.ServerReflection/", map[string][]proto.Message{"ServerReflectionInfo": {&reflectionv1.ServerReflectionRequest{
			MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: strings.TrimSuffix(symbol, c["misplaced"])},
		}}})
		add("/grpc.reflection.v1alpha.ServerReflection/", map[string][]proto.Message{"ServerReflectionInfo": {&reflectionv1alpha.ServerReflectionRequest{ //nolint:staticcheck // it is served
			MessageRequest: &reflectionv1alpha.ServerReflectionRequest_ListServices{},
		}}})
	}
	return append(steps, canaryStep{admin + "DeleteAuth", &credbrokerv1.DeleteAuthRequest{AuthId: "put"}})
}

func mapKeys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// servedMethods are those of the service descriptors.
func servedMethods(t *testing.T) (names []string) {
	t.Helper()
	for _, service := range []protoreflect.FullName{
		"credbroker.v1.CredentialBroker", "credbroker.v1.AuthPool", "grpc.health.v1.Health",
		"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
	} {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(service)
		if err != nil {
			t.Fatal(err)
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			names = append(names, fmt.Sprintf("/%s/%s", service, methods.Get(i).Name()))
		}
	}
	return names
}

// callAny makes a call, of a stream up to two messages, and returns all that came back, in every form that it may have.
func callAny(ctx context.Context, t *testing.T, conn *grpc.ClientConn, step canaryStep) (answer string, good bool) {
	t.Helper()
	service, name, _ := strings.Cut(strings.TrimPrefix(step.method, "/"), "/")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + name))
	if err != nil {
		t.Fatal(err)
	}
	desc := found.(protoreflect.MethodDescriptor)
	kind, err := protoregistry.GlobalTypes.FindMessageByName(desc.Output().FullName())
	if err != nil {
		t.Fatal(err)
	}
	var header, trailer metadata.MD
	var text strings.Builder
	show := func(m proto.Message) {
		raw, _ := proto.Marshal(m)
		fmt.Fprintf(&text, "%s\n%s\n", prototext.Format(m), raw)
	}
	resp := kind.New().Interface()
	if !desc.IsStreamingServer() {
		err = conn.Invoke(ctx, step.method, step.request, resp, grpc.Header(&header), grpc.Trailer(&trailer))
		show(resp)
	} else {
		err = streamAny(ctx, conn, step, resp, show)
	}
	s := status.Convert(err)
	show(s.Proto())
	fmt.Fprintf(&text, "%v\n%v\n%v\n", err, header, trailer)
	for _, d := range s.Details() {
		if m, ok := d.(proto.Message); ok {
			show(m)
		}
	}
	return text.String(), err == nil
}

// streamAny calls a stream, closes its own side, and shows up to two messages.
func streamAny(ctx context.Context, conn *grpc.ClientConn, step canaryStep, resp proto.Message, show func(proto.Message)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, step.method)
	if err != nil {
		return err
	}
	_ = stream.SendMsg(step.request)
	_ = stream.CloseSend()
	most := 2
	if strings.HasSuffix(step.method, "Health/Watch") {
		most = 1 // nothing more comes
	}
	for range most {
		if err := stream.RecvMsg(resp); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		show(resp)
	}
	return nil
}

// canaryCommands looks at the HTTP port, at what commands print, and at what is said of broken configurations.
func canaryCommands(t *testing.T, c canaries, b *runningBroker, token string) {
	t.Helper()
	want := func(where, text string) {
		t.Helper()
		if found := c.in(text); len(found) > 0 {
			t.Errorf("%s has %v:\n%s", where, found, text)
		}
	}
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/none"} {
		_, body := get(t, "http://"+b.http+path)
		want(path, body)
	}
	for _, args := range []string{
		"status", "status -o json", "auths list", "auths list -o json", "auths get yaml", "auths get account.json -o json", "sessions list", "config schema",
		"config check " + b.config, "pick --provider nobody",
	} {
		fields := strings.Fields(args)
		if fields[0] != "config" {
			fields = append(fields, "--address", b.grpc[0])
		}
		got := command(t, []string{tokenVariable + "=" + token}, fields...)
		want(args, got.stdout+got.stderr)
	}
	secret := c.plant("misplaced in YAML")
	for i, text := range []string{
		"auths: [{id: a, provider: claude, secret: %s}]", "auths: [{id: a, provider: claude, secret: [%s]}]",
		"auths: [{id: a, provider: claude, secret: {value: [%s]}}]", "auths: [{id: a, provider: claude, secret: {vlaue: %s}}]",
		"auths: [{id: a, provider: claude, secret: {value: \"%s\\n x\"}}]", "auths: [{id: a, provider: claude, base_url: 'https://u:%s@h.example'}]",
		"auths: [{id: a, provider: claude, proxy_url: '::%s'}]", "auths: [{id: a, provider: claude, headers: {Host: '%s'}}]",
		"auths: [{id: a, provider: claude, headers: {X-A: ['%s']}}]", "auths: [{id: a, provider: claude, secret: {value: %s}, secret: {value: k}}]",
		"auths: [{id: a, provider: claude, secret: {value: %s}", "state: {redis: {addresses: ['h:1'], password: %s}}",
		"callers: [{name: a, roles: [pick], tokens: ['%s']}]", "callers: [{name: a, roles: [pick], tokens: [{sha256: '%s'}]}]",
		"audit: {file: f, secret: %s}",
	} {
		path := writeConfig(t, fmt.Sprintf(text, secret)+"\n")
		got := command(t, nil, "config", "check", path)
		if got.code != exitFailed {
			t.Errorf("config check of %s = %d, want it refused", text, got.code)
		}
		want("config check of "+text, got.stdout+got.stderr)
		replaceFile(t, b.config, fmt.Sprintf(text, secret)+"\n")
		for n := range 2 { // the second begins when the first is over
			b.hangups <- os.Interrupt
			b.log.waitMore(t, logHangup, 2*i+n)
		}
		got = command(t, []string{tokenVariable + "=" + token}, "status", "-o", "json", "--address", b.grpc[0])
		want("status with "+text, got.stdout+got.stderr)
	}
}

// canaryFiles looks at what the broker logged and kept.
func canaryFiles(t *testing.T, c canaries, b *runningBroker) {
	t.Helper()
	folder := filepath.Dir(b.config)
	for _, name := range []string{"state.db", "audit.jsonl"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || len(text) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		if found := c.in(string(text)); len(found) > 0 {
			t.Errorf("%s has %v", name, found)
		}
	}
	log := b.log.String()
	for line := range strings.Lines(log) {
		if found := c.in(line); len(found) > 0 {
			t.Errorf("the log has %v: %s", found, line)
		}
	}
	if !strings.Contains(log, `"level":"debug"`) || strings.Count(log, "\n") < 100 {
		t.Errorf("the log has no debug lines, or few: that proves little:\n%s", log)
	}
}
