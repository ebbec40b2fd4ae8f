package server_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

// fault is a request that is wrong in one field, and what the answer must say about it.
type fault struct {
	name  string
	call  func(h *servertest.Harness) error
	field string
	words string
}

func pickFault(name string, req *credbrokerv1.PickCredentialRequest, field, words string) fault {
	return fault{name, func(h *servertest.Harness) error {
		_, err := h.Broker.PickCredential(context.Background(), req)
		return err
	}, field, words}
}

func cooldownFault(name string, req *credbrokerv1.ReportCooldownRequest, field, words string) fault {
	return fault{name, func(h *servertest.Harness) error {
		_, err := h.Broker.ReportCooldown(context.Background(), req)
		return err
	}, field, words}
}

func listFault(name string, req *credbrokerv1.ListAuthsRequest, field, words string) fault {
	return fault{name, func(h *servertest.Harness) error {
		_, err := h.Auths.ListAuths(context.Background(), req)
		return err
	}, field, words}
}

func putFault(name string, change func(*credbrokerv1.PutAuthRequest), field, words string) fault {
	return fault{name, func(h *servertest.Harness) error {
		req := &credbrokerv1.PutAuthRequest{
			Config: &credbrokerv1.AuthConfig{Id: "new", Provider: "claude"},
			Secret: &credbrokerv1.AuthSecret{Secret: &credbrokerv1.AuthSecret_ApiKey{ApiKey: "key"}},
		}
		change(req)
		_, err := h.Auths.PutAuth(context.Background(), req)
		return err
	}, field, words}
}

func text(n int) string { return strings.Repeat("x", n) }

func texts(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	return list
}

func textMap(n, size int) map[string]string {
	m := make(map[string]string, n)
	for i := range n {
		m[fmt.Sprintf("%06d", i)] = text(size)
	}
	return m
}

func retryAfter(d time.Duration) *credbrokerv1.ReportCooldownRequest {
	return &credbrokerv1.ReportCooldownRequest{
		AuthId: "a", End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(d)},
	}
}

func until(t *timestamppb.Timestamp) *credbrokerv1.ReportCooldownRequest {
	return &credbrokerv1.ReportCooldownRequest{AuthId: "a", End: &credbrokerv1.ReportCooldownRequest_Until{Until: t}}
}

type (
	pickRequest     = credbrokerv1.PickCredentialRequest
	cooldownRequest = credbrokerv1.ReportCooldownRequest
	listRequest     = credbrokerv1.ListAuthsRequest
	putRequest      = credbrokerv1.PutAuthRequest
)

func brokerFaults() []fault {
	const year = 366 * 24 * time.Hour
	now := servertest.Start()
	return []fault{
		pickFault("provider", &pickRequest{Provider: text(65)}, "provider", "65 bytes; at most 64"),
		pickFault("model", &pickRequest{Model: text(257)}, "model", "257 bytes; at most 256"),
		pickFault("number of headers", &pickRequest{Headers: textMap(257, 0)}, "headers", "257 entries; at most 256"),
		pickFault("size of headers", &pickRequest{Headers: map[string]string{"a": text(64 << 10)}}, "headers", "65537 bytes; at most 65536"),
		pickFault("number of excluded auths", &pickRequest{ExcludeAuthIds: texts(1025)}, "exclude_auth_ids", "1025 entries; at most 1024"),
		pickFault("size of an excluded auth", &pickRequest{ExcludeAuthIds: []string{"a", text(257)}}, "exclude_auth_ids[1]", "257 bytes; at most 256"),
		pickFault("size of an excluded auth among too many", &pickRequest{ExcludeAuthIds: append(texts(1024), text(257))}, "exclude_auth_ids", "1025 entries"),
		pickFault("session id of 257 bytes", &pickRequest{SessionId: text(257)}, "session_id", "1 to 256 bytes"),
		pickFault("session id of 1 MB", &pickRequest{SessionId: text(1 << 20)}, "session_id", "1 to 256 bytes"),
		pickFault("blank session id", &pickRequest{SessionId: "  "}, "session_id", "1 to 256 bytes"),
		pickFault("control character in a session id", &pickRequest{SessionId: "a\tb"}, "session_id", "control characters"),
		pickFault("attempt of no pick", &pickRequest{AttemptOf: "x"}, "attempt_of", "not the pick_id of a pick"),
		pickFault("attempt of one byte more than there are", &pickRequest{AttemptOf: text(172)}, "attempt_of", "not the pick_id of a pick"),
		pickFault("attempt of 1 MB", &pickRequest{AttemptOf: text(1 << 20)}, "attempt_of", "not the pick_id of a pick"),
		pickFault("format", &pickRequest{ClientFormat: 5}, "client_format", "not a format"),
		pickFault("format below zero", &pickRequest{ClientFormat: -1}, "client_format", "not a format"),
		pickFault("body above 8 MiB", &pickRequest{Body: make([]byte, 8<<20)}, "body", "at most 8388608"),
		pickFault("body of 10 MB", &pickRequest{Body: make([]byte, 10_000_000)}, "body", "at most 8388608"),
		pickFault("body of 40 MB", &pickRequest{Body: make([]byte, 40_000_000)}, "message", "at most 12582912"),

		cooldownFault("no auth", &cooldownRequest{}, "auth_id", "required"),
		cooldownFault("auth id", &cooldownRequest{AuthId: text(257)}, "auth_id", "at most 256"),
		cooldownFault("model", &cooldownRequest{AuthId: "a", Model: text(257)}, "model", "at most 256"),
		cooldownFault("reason", &cooldownRequest{AuthId: "a", Reason: text(1025)}, "reason", "at most 1024"),
		cooldownFault("pick id", &cooldownRequest{AuthId: "a", PickId: "invented"}, "pick_id", "not the pick_id of a pick"),
		cooldownFault("kind", &cooldownRequest{AuthId: "a", Kind: 99}, "kind", "not a kind"),
		cooldownFault("retry_after of zero", retryAfter(0), "retry_after", "above zero"),
		cooldownFault("negative retry_after", retryAfter(-1), "retry_after", "above zero"),
		cooldownFault("retry_after beyond 366 days", retryAfter(year+1), "retry_after", "366 days"),
		cooldownFault("retry_after out of range", &cooldownRequest{AuthId: "a", End: &credbrokerv1.ReportCooldownRequest_RetryAfter{
			RetryAfter: &durationpb.Duration{Seconds: 1, Nanos: -1},
		}}, "retry_after", "not a valid duration"),
		cooldownFault("until now", until(timestamppb.New(now)), "until", "in the future"),
		cooldownFault("until beyond 366 days", until(timestamppb.New(now.Add(year+1))), "until", "366 days"),
		cooldownFault("until out of range", until(&timestamppb.Timestamp{Nanos: -1}), "until", "not a valid time"),
		cooldownFault("model that the auth does not serve", &cooldownRequest{AuthId: "narrow", Model: "other"}, "model", "does not serve"),
		{"InvalidateAuth without an auth", func(h *servertest.Harness) error {
			_, err := h.Broker.InvalidateAuth(context.Background(), &credbrokerv1.InvalidateAuthRequest{})
			return err
		}, "auth_id", "required"},
		{"InvalidateAuth reason", func(h *servertest.Harness) error {
			_, err := h.Broker.InvalidateAuth(context.Background(), &credbrokerv1.InvalidateAuthRequest{AuthId: "a", Reason: text(1025)})
			return err
		}, "reason", "at most 1024"},
	}
}

func poolFaults() []fault {
	return []fault{
		listFault("negative page size", &listRequest{PageSize: -1}, "page_size", "negative"),
		listFault("page token", &listRequest{PageToken: "?"}, "page_token", "not a next_page_token"),
		listFault("huge page token", &listRequest{PageToken: text(1 << 20)}, "page_token", "at most 1024"),
		listFault("state", &listRequest{State: 99}, "state", "not a state"),
		listFault("provider", &listRequest{Provider: text(65)}, "provider", "at most 64"),
		listFault("model", &listRequest{Model: text(257)}, "model", "at most 256"),
		{"GetAuth without an auth", func(h *servertest.Harness) error {
			_, err := h.Auths.GetAuth(context.Background(), &credbrokerv1.GetAuthRequest{})
			return err
		}, "auth_id", "required"},
		{"EnableAuth without an auth", func(h *servertest.Harness) error {
			_, err := h.Auths.EnableAuth(context.Background(), &credbrokerv1.EnableAuthRequest{})
			return err
		}, "auth_id", "required"},
		{"DisableAuth reason", func(h *servertest.Harness) error {
			_, err := h.Auths.DisableAuth(context.Background(), &credbrokerv1.DisableAuthRequest{AuthId: "a", Reason: text(1025)})
			return err
		}, "reason", "at most 1024"},
		{"DeleteAuth without an auth", func(h *servertest.Harness) error {
			_, err := h.Auths.DeleteAuth(context.Background(), &credbrokerv1.DeleteAuthRequest{})
			return err
		}, "auth_id", "required"},
		{"ClearCooldown model", func(h *servertest.Harness) error {
			_, err := h.Auths.ClearCooldown(context.Background(), &credbrokerv1.ClearCooldownRequest{AuthId: "a", Model: text(257)})
			return err
		}, "model", "at most 256"},
		{"ListSessions page size", func(h *servertest.Harness) error {
			_, err := h.Auths.ListSessions(context.Background(), &credbrokerv1.ListSessionsRequest{PageSize: -1})
			return err
		}, "page_size", "negative"},
		{"ListSessions page token", func(h *servertest.Harness) error {
			_, err := h.Auths.ListSessions(context.Background(), &credbrokerv1.ListSessionsRequest{PageToken: "invented"})
			return err
		}, "page_token", "is not from this listing"},
		{"ReleaseSession of nothing", func(h *servertest.Harness) error {
			_, err := h.Auths.ReleaseSession(context.Background(), &credbrokerv1.ReleaseSessionRequest{})
			return err
		}, "session", "required"},
		{"ReleaseSession of no hash", func(h *servertest.Harness) error {
			_, err := h.Auths.ReleaseSession(context.Background(), &credbrokerv1.ReleaseSessionRequest{
				Session: &credbrokerv1.ReleaseSessionRequest_SessionHash{SessionHash: "xyz"},
			})
			return err
		}, "session_hash", "32 hexadecimal digits"},
		{"ReleaseSession without an id", func(h *servertest.Harness) error {
			_, err := h.Auths.ReleaseSession(context.Background(), &credbrokerv1.ReleaseSessionRequest{
				Session: &credbrokerv1.ReleaseSessionRequest_Name{Name: &credbrokerv1.SessionName{}},
			})
			return err
		}, "name.session_id", "required"},
		{"WatchAuths provider", func(h *servertest.Harness) error {
			stream, err := h.Auths.WatchAuths(context.Background(), &credbrokerv1.WatchAuthsRequest{Provider: text(65)})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		}, "provider", "at most 64"},
	}
}

func putFaults() []fault {
	return []fault{
		putFault("no id", func(r *putRequest) { r.Config.Id = "" }, "config.id", "is empty"),
		putFault("nothing", func(r *putRequest) { r.Config = nil }, "config.provider", "is empty"),
		putFault("long id", func(r *putRequest) { r.Config.Id = text(257) }, "config.id", "at most 256"),
		putFault("id that leaves the folder", func(r *putRequest) { r.Config.Id = "../../etc/x" }, "config.id", "path of a file"),
		putFault("id with a root", func(r *putRequest) { r.Config.Id = "/etc/x" }, "config.id", "path of a file"),
		putFault("id with a backslash", func(r *putRequest) { r.Config.Id = `..\x` }, "config.id", "path of a file"),
		putFault("id with a NUL", func(r *putRequest) { r.Config.Id = "a\x00" }, "config.id", "control character"),
		putFault("no provider", func(r *putRequest) { r.Config.Provider = "" }, "config.provider", "is empty"),
		putFault("provider mixed", func(r *putRequest) { r.Config.Provider = "mixed" }, "config.provider", "every provider"),
		putFault("weight", func(r *putRequest) { w := uint32(1_000_001); r.Config.Weight = &w }, "config.weight", "from 0 to 1000000"),
		putFault("high priority", func(r *putRequest) { r.Config.Priority = 1_000_001 }, "config.priority", "is 1000001; allowed: -1000000 to 1000000"),
		putFault("low priority", func(r *putRequest) { r.Config.Priority = math.MinInt64 }, "config.priority", "allowed: -1000000 to 1000000"),
		putFault("priority as an attribute", func(r *putRequest) { r.Config.Attributes = map[string]string{"priority": " 1000001 "} },
			"config.attributes.priority", "allowed: -1000000 to 1000000"),
		putFault("kind", func(r *putRequest) { r.Config.Kind = 9; r.Secret = nil }, "config.kind", "not a kind"),
		putFault("kind against the secret", func(r *putRequest) { r.Config.Kind = credbrokerv1.AuthKind_AUTH_KIND_OAUTH }, "config.kind", "does not go with"),
		putFault("label", func(r *putRequest) { r.Config.Label = text(257) }, "config.label", "at most 256"),
		putFault("note", func(r *putRequest) { r.Config.Note = text(1025) }, "config.note", "at most 1024"),
		putFault("number of models", func(r *putRequest) { r.Config.Models = texts(257) }, "config.models", "at most 256"),
		putFault("size of a model", func(r *putRequest) { r.Config.ExcludeModels = []string{text(257)} }, "config.exclude_models[0]", "at most 256"),
		putFault("prefix", func(r *putRequest) { r.Config.Prefix = text(257) }, "config.prefix", "at most 256"),
		putFault("base_url", func(r *putRequest) { r.Config.BaseUrl = "api.example" }, "config.base_url", "not an http or https URL"),
		putFault("base_url with a password", func(r *putRequest) { r.Config.BaseUrl = "https://u:p@api.example" }, "config.base_url", "has a user or password"),
		putFault("proxy_url", func(r *putRequest) { r.Config.ProxyUrl = "ftp://proxy" }, "config.proxy_url", "http://"),
		putFault("number of attributes", func(r *putRequest) { r.Config.Attributes = textMap(65, 1) }, "config.attributes", "65 attributes; allowed: at most 64"),
		putFault("size of attributes", func(r *putRequest) { r.Config.Attributes = textMap(2, 16<<10) }, "config.attributes", "at most 16384"),
		putFault("number of domains", func(r *putRequest) { r.Config.Domains = texts(17) }, "config.domains", "at most 16"),
		putFault("dialect", func(r *putRequest) { r.Config.Dialect = text(65) }, "config.dialect", "at most 64"),
		putFault("empty secret", func(r *putRequest) { r.Secret = &credbrokerv1.AuthSecret{} }, "secret", "api_key or an access_token"),
		putFault("empty key", func(r *putRequest) { r.Secret.Secret = &credbrokerv1.AuthSecret_ApiKey{} }, "secret.api_key", "required"),
		putFault("key with a line break", func(r *putRequest) {
			r.Secret.Secret = &credbrokerv1.AuthSecret_ApiKey{ApiKey: "a\r\nb"}
		}, "secret.api_key", "HTTP header"),
		putFault("long token", func(r *putRequest) {
			r.Secret.Secret = &credbrokerv1.AuthSecret_AccessToken{AccessToken: text(16<<10 + 1)}
		}, "secret.access_token", "at most 16384"),
		putFault("header name", func(r *putRequest) { r.Secret.Headers = map[string]string{"a b": "c"} }, "secret.headers", "not the name of an HTTP header"),
		putFault("header value", func(r *putRequest) { r.Secret.Headers = map[string]string{"a": "b\nc"} }, "secret.headers.a", "an HTTP header cannot have"),
		putFault("expiry", func(r *putRequest) { r.Secret.ExpiresAt = &timestamppb.Timestamp{Nanos: -1} }, "secret.expires_at", "not a valid time"),
		putFault("account", func(r *putRequest) { r.Secret.Account = text(257) }, "secret.account", "at most 256"),
		putFault("no secret for a new auth", func(r *putRequest) { r.Secret = nil }, "secret", "required"),
	}
}

func TestFaultsAreNamed(t *testing.T) {
	narrow := servertest.Key("narrow", "claude")
	narrow.Models = []string{"claude-*"}
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude"), narrow}})
	for _, faults := range [][]fault{brokerFaults(), poolFaults(), putFaults()} {
		for _, f := range faults {
			t.Run(f.name, func(t *testing.T) {
				fields := violations(t, f.call(h))
				if !strings.Contains(fields[f.field], f.words) {
					t.Errorf("violations = %v, want %q about %s", fields, f.words, f.field)
				}
			})
		}
	}
}

// What is longer than it may be is not written to the log either.
func TestLongIDsAreNotLogged(t *testing.T) {
	long := text(257)
	for name, call := range map[string]func(h *servertest.Harness) error{
		"ReportResult": func(h *servertest.Harness) error {
			_, err := h.Broker.ReportResult(t.Context(), &credbrokerv1.ReportResultRequest{AuthId: long, HttpStatus: 200})
			return err
		},
		"ReportCooldown": func(h *servertest.Harness) error {
			_, err := h.Broker.ReportCooldown(t.Context(), &cooldownRequest{AuthId: long})
			return err
		},
		"InvalidateAuth": func(h *servertest.Harness) error {
			_, err := h.Broker.InvalidateAuth(t.Context(), &credbrokerv1.InvalidateAuthRequest{AuthId: long})
			return err
		},
		"GetAuth": func(h *servertest.Harness) error {
			_, err := h.Auths.GetAuth(t.Context(), &credbrokerv1.GetAuthRequest{AuthId: long})
			return err
		},
		"PutAuth": func(h *servertest.Harness) error {
			_, err := h.Auths.PutAuth(t.Context(), &putRequest{Config: &credbrokerv1.AuthConfig{Id: long, Provider: "claude"}})
			return err
		},
		"ListSessions": func(h *servertest.Harness) error {
			_, err := h.Auths.ListSessions(t.Context(), &credbrokerv1.ListSessionsRequest{AuthId: long})
			return err
		},
	} {
		h := servertest.New(t, servertest.Options{})
		violations(t, call(h))
		if log := h.Log.String(); strings.Contains(log, long) || !strings.Contains(log, "INVALID_REQUEST") {
			t.Errorf("%s: the log is %s", name, log)
		}
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	h := servertest.New(t, servertest.Options{})
	_, err := h.Broker.PickCredential(t.Context(), &pickRequest{
		Provider: text(65), Model: text(257), SessionId: "\n", ExcludeAuthIds: []string{text(300)},
	})
	fields := violations(t, err)
	for _, field := range []string{"provider", "model", "session_id", "exclude_auth_ids[0]"} {
		if fields[field] == "" {
			t.Errorf("violations = %v, want one about %s", fields, field)
		}
	}
	_, err = h.Auths.PutAuth(t.Context(), &putRequest{Secret: &credbrokerv1.AuthSecret{
		Secret: &credbrokerv1.AuthSecret_ApiKey{ApiKey: "very secret\n"}, Headers: map[string]string{"very secret\n": "very secret\n"},
	}})
	violations(t, err)
	if strings.Contains(fmt.Sprint(status.Convert(err).Proto()), "very secret") {
		t.Errorf("the error repeats a secret: %v", err)
	}
}

func TestLargestRequestsAreServed(t *testing.T) {
	h := servertest.New(t, servertest.Options{
		Auths: []*selector.Auth{servertest.Key("a", text(64))}, Limits: server.Limits{Message: 32 << 20},
	})
	headers := textMap(256, 0)
	headers["000000"] = text(64<<10 - 256*6)
	for _, req := range []*pickRequest{
		{Provider: text(64), Model: text(256), Headers: headers, ExcludeAuthIds: texts(1024), SessionId: text(256)},
		{Body: bytes.Repeat([]byte("x"), 32<<20-1024)},
	} {
		if _, err := h.Broker.PickCredential(t.Context(), req); err != nil {
			t.Errorf("PickCredential at its limits: %v", err)
		}
	}
	longest := retryAfter(366 * 24 * time.Hour)
	longest.Reason = text(1024)
	if _, err := h.Broker.ReportCooldown(t.Context(), longest); err != nil {
		t.Errorf("ReportCooldown at its limits: %v", err)
	}
}

func TestTransportLimit(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}})
	const transport = server.DefaultMessage + server.DefaultMessage/2
	_, err := h.Broker.PickCredential(t.Context(), &pickRequest{Body: make([]byte, transport)})
	if got := violations(t, err); len(got) != 1 || !strings.Contains(got["message"], fmt.Sprint(transport)) {
		t.Errorf("violations = %v, want the message with its limit", got)
	}
	if _, err := h.Broker.PickCredential(t.Context(), &pickRequest{}); err != nil {
		t.Errorf("the next pick: %v", err)
	}
}
