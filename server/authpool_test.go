package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

func manyAuths(n int, provider string) []*selector.Auth {
	auths := make([]*selector.Auth, n)
	for i := range auths {
		auths[i] = servertest.Key(fmt.Sprintf("auth-%04d", i), provider)
	}
	return auths
}

func TestListAuthsPages(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: manyAuths(1500, "claude")})
	for _, tt := range []struct {
		name     string
		pageSize int32
		pages    int
	}{
		{"the default is 100", 0, 15},
		{"more than 1,000 is 1,000", 1_000_000, 2},
		{"a page may end where the list does", 750, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := &credbrokerv1.ListAuthsRequest{PageSize: tt.pageSize, Provider: "claude"}
			var ids []string
			pages := 0
			for more := true; more; pages++ {
				got, err := h.Auths.ListAuths(t.Context(), req)
				if err != nil {
					t.Fatalf("ListAuths: %v", err)
				}
				if got.GetTotalSize() != 1500 {
					t.Errorf("total_size = %d, want 1500", got.GetTotalSize())
				}
				for _, a := range got.GetAuths() {
					ids = append(ids, a.GetConfig().GetId())
				}
				req.PageToken = got.GetNextPageToken()
				more = req.GetPageToken() != ""
			}
			if pages != tt.pages || len(ids) != 1500 || ids[0] != "auth-0000" || ids[1499] != "auth-1499" {
				t.Errorf("%d auths on %d pages, want 1500 on %d", len(ids), pages, tt.pages)
			}
		})
	}
}

func TestPageTokenIsForItsFilters(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: manyAuths(3, "claude")})
	first, err := h.Auths.ListAuths(t.Context(), &credbrokerv1.ListAuthsRequest{PageSize: 1, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Auths.ListAuths(t.Context(), &credbrokerv1.ListAuthsRequest{PageToken: first.GetNextPageToken()})
	if fields := violations(t, err); !strings.Contains(fields["page_token"], "other filters") {
		t.Errorf("violations = %v, want other filters", fields)
	}
	// Another size is no other filter.
	got, err := h.Auths.ListAuths(t.Context(), &credbrokerv1.ListAuthsRequest{
		PageSize: 2, Model: "m", PageToken: first.GetNextPageToken(),
	})
	if err != nil || len(got.GetAuths()) != 2 || got.GetNextPageToken() != "" {
		t.Errorf("second page = %v, %v, want the last two", got, err)
	}
}

func TestLargePagesEndEarly(t *testing.T) {
	auths := manyAuths(100, "claude")
	for _, a := range auths {
		a.Attributes = map[string]string{"note": strings.Repeat("x", 100<<10)}
	}
	h := servertest.New(t, servertest.Options{Auths: auths})
	seen := 0
	req := &credbrokerv1.ListAuthsRequest{PageSize: 100}
	for more := true; more; {
		got, err := h.Auths.ListAuths(t.Context(), req)
		if err != nil {
			t.Fatalf("ListAuths: %v", err)
		}
		if size := proto.Size(got); size > 4<<20 {
			t.Errorf("page of %d bytes, want less than a client accepts", size)
		}
		seen += len(got.GetAuths())
		req.PageToken = got.GetNextPageToken()
		more = req.GetPageToken() != ""
	}
	if seen != 100 {
		t.Errorf("%d auths, want 100", seen)
	}
}

func TestGetAuthShowsStateAndNoSecret(t *testing.T) {
	weight, priority := uint32(3), int64(7)
	a := servertest.Key("a", "claude")
	a.ProxyURL = selector.NewSecret("http://user:hunter2@proxy:8080/x?token=hunter2")
	a.Weight, a.Priority, a.Note, a.Models = &weight, &priority, "note", []string{"m*"}
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{a}})
	if _, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Model: "m1", SessionId: "s"}); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(time.Second)
	reported := h.Clock.Now()
	report := &credbrokerv1.ReportCooldownRequest{
		AuthId: "a", Model: "m1", Reason: "spent",
		End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(time.Minute)},
	}
	if _, err := h.Broker.ReportCooldown(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(time.Second)
	got, err := h.Auths.GetAuth(t.Context(), &credbrokerv1.GetAuthRequest{AuthId: "a"})
	if err != nil {
		t.Fatalf("GetAuth: %v", err)
	}
	want := &credbrokerv1.Auth{
		Config: &credbrokerv1.AuthConfig{
			Id: "a", Provider: "claude", Label: "a", Priority: 7, Weight: &weight, Models: []string{"m*"},
			ProxyUrl: "http://user@proxy:8080", Kind: credbrokerv1.AuthKind_AUTH_KIND_API_KEY, Note: "note",
		},
		Origin: credbrokerv1.AuthOrigin_AUTH_ORIGIN_CONFIG, Source: "test.yaml:1",
		RequestHeaderNames: []string{"Authorization"},
		State:              credbrokerv1.AuthState_AUTH_STATE_READY,
		Cooldowns: []*credbrokerv1.Cooldown{{
			Model: "m1", Kind: credbrokerv1.CooldownKind_COOLDOWN_KIND_QUOTA, Reason: "spent",
			Until: timestamppb.New(reported.Add(time.Minute)), TimeLeft: durationpb.New(59 * time.Second),
		}},
		BoundSessions: 1, Picks: 1, LastPickedAt: timestamppb.New(servertest.Start()),
		LastReport: &credbrokerv1.LastReport{
			ReceivedAt: timestamppb.New(reported), What: "cooldown", Model: "m1", Reason: "spent",
		},
	}
	if diff := cmp.Diff(want, got.GetAuth(), protocmp.Transform()); diff != "" {
		t.Errorf("GetAuth (-want +got):\n%s", diff)
	}
	if text := fmt.Sprint(got) + h.Log.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "key-of-a") {
		t.Errorf("a secret shows in %s", text)
	}
	_, err = h.Auths.GetAuth(t.Context(), &credbrokerv1.GetAuthRequest{AuthId: "nobody"})
	wantError(t, err, codes.NotFound, server.ReasonUnknownAuth)
}

func TestPutAndDeleteAuth(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("fixed", "claude")}})
	weight := uint32(0)
	config := &credbrokerv1.AuthConfig{
		Id: "team/new", Provider: "codex", Label: "New", Priority: -3, Weight: &weight, Models: []string{"gpt-*"},
		ExcludeModels: []string{"*-mini"}, Prefix: "x", BaseUrl: "https://api.example", ProxyUrl: "socks5://u:p@proxy:1",
		Attributes: map[string]string{"a": "<b>"}, Domains: []string{"org:acme"},
		Kind: credbrokerv1.AuthKind_AUTH_KIND_OAUTH, Dialect: "codex", Note: "n",
	}
	put := func(secret *credbrokerv1.AuthSecret) *credbrokerv1.PutAuthResponse {
		t.Helper()
		got, err := h.Auths.PutAuth(t.Context(), &credbrokerv1.PutAuthRequest{Config: config, Secret: secret})
		if err != nil {
			t.Fatalf("PutAuth: %v", err)
		}
		return got
	}
	pick := func() map[string]string {
		t.Helper()
		got, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "codex", Model: "gpt-5"})
		if err != nil {
			t.Fatalf("PickCredential: %v", err)
		}
		return got.GetCredential().GetRequestHeaders()
	}
	end := servertest.Start().Add(time.Hour)
	got := put(&credbrokerv1.AuthSecret{
		Secret:    &credbrokerv1.AuthSecret_AccessToken{AccessToken: "token-1"},
		ExpiresAt: timestamppb.New(end), Headers: map[string]string{"X-Extra": "1"}, Account: "acc",
	})
	want := proto.Clone(config).(*credbrokerv1.AuthConfig)
	want.ProxyUrl = "socks5://u@proxy:1"
	want.Domains = []string{"account:acc", "org:acme"} // all auths of an account share its limits
	if diff := cmp.Diff(want, got.GetAuth().GetConfig(), protocmp.Transform()); diff != "" {
		t.Errorf("PutAuth config (-want +got):\n%s", diff)
	}
	if a := got.GetAuth(); got.GetPersisted() || a.GetOrigin() != credbrokerv1.AuthOrigin_AUTH_ORIGIN_MEMORY ||
		!a.GetExpiresAt().AsTime().Equal(end) {
		t.Errorf("PutAuth = %v, want an auth in memory that expires", got)
	}
	if diff := cmp.Diff(map[string]string{"Authorization": "Bearer token-1", "X-Extra": "1"}, pick()); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}

	config.Label = "Renamed"
	if got := put(nil); got.GetAuth().GetConfig().GetLabel() != "Renamed" {
		t.Errorf("PutAuth without a secret = %v, want the new label", got)
	}
	if got := pick()["Authorization"]; got != "Bearer token-1" {
		t.Errorf("secret after a PutAuth without one = %q, want the old one", got)
	}

	if _, err := h.Auths.DeleteAuth(t.Context(), &credbrokerv1.DeleteAuthRequest{AuthId: "team/new"}); err != nil {
		t.Fatalf("DeleteAuth: %v", err)
	}
	_, err := h.Auths.DeleteAuth(t.Context(), &credbrokerv1.DeleteAuthRequest{AuthId: "team/new"})
	wantError(t, err, codes.NotFound, server.ReasonUnknownAuth)
	_, err = h.Auths.DeleteAuth(t.Context(), &credbrokerv1.DeleteAuthRequest{AuthId: "fixed"})
	wantError(t, err, codes.FailedPrecondition, server.ReasonManagedByConfig)
	config.Id = "fixed"
	_, err = h.Auths.PutAuth(t.Context(), &credbrokerv1.PutAuthRequest{Config: config})
	wantError(t, err, codes.FailedPrecondition, server.ReasonManagedByConfig)
}

// brokenStore fails like a full disk.
type brokenStore struct{}

func (brokenStore) Put(context.Context, string, []byte) (bool, error) {
	return false, errors.New("no space left on /var/lib/auths")
}

func (brokenStore) Delete(context.Context, string) error {
	return errors.New("no space left on /var/lib/auths")
}

func TestStoreFailureIsTheBrokersFault(t *testing.T) {
	h := servertest.New(t, servertest.Options{Store: brokenStore{}})
	_, err := h.Auths.DeleteAuth(t.Context(), &credbrokerv1.DeleteAuthRequest{AuthId: "a"})
	s := wantError(t, err, codes.Unavailable, server.ReasonStateUnavailable)
	if strings.Contains(s.Message(), "/var/lib") {
		t.Errorf("message = %q, want no path of the broker's machine", s.Message())
	}
	if log := h.Log.String(); !strings.Contains(log, "no space left") {
		t.Errorf("log = %s, want the cause", log)
	}
}

func TestEnableAndDisableAuth(t *testing.T) {
	off := servertest.Key("off", "claude")
	off.Disabled = true
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude"), off}})
	disabled, err := h.Auths.DisableAuth(t.Context(), &credbrokerv1.DisableAuthRequest{AuthId: "a", Reason: "audit"})
	if err != nil || disabled.GetAuth().GetState() != credbrokerv1.AuthState_AUTH_STATE_DISABLED ||
		disabled.GetAuth().GetStateReason() != "audit" {
		t.Errorf("DisableAuth = %v, %v, want it disabled for an audit", disabled, err)
	}
	list, err := h.Auths.ListAuths(t.Context(), &credbrokerv1.ListAuthsRequest{State: credbrokerv1.AuthState_AUTH_STATE_DISABLED})
	if err != nil || list.GetTotalSize() != 2 {
		t.Errorf("disabled auths = %v, %v, want two", list, err)
	}
	enabled, err := h.Auths.EnableAuth(t.Context(), &credbrokerv1.EnableAuthRequest{AuthId: "a"})
	if err != nil || enabled.GetAuth().GetState() != credbrokerv1.AuthState_AUTH_STATE_READY {
		t.Errorf("EnableAuth = %v, %v, want it ready", enabled, err)
	}
	_, err = h.Auths.EnableAuth(t.Context(), &credbrokerv1.EnableAuthRequest{AuthId: "off"})
	wantError(t, err, codes.FailedPrecondition, server.ReasonManagedByConfig)
	_, err = h.Auths.DisableAuth(t.Context(), &credbrokerv1.DisableAuthRequest{AuthId: "nobody"})
	wantError(t, err, codes.NotFound, server.ReasonUnknownAuth)
}

func TestClearCooldown(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}})
	for _, model := range []string{"", "m1", "m2"} {
		_, err := h.Broker.ReportCooldown(t.Context(), &credbrokerv1.ReportCooldownRequest{AuthId: "a", Model: model})
		if err != nil {
			t.Fatal(err)
		}
	}
	one, err := h.Auths.ClearCooldown(t.Context(), &credbrokerv1.ClearCooldownRequest{AuthId: "a", Model: "m1(high)"})
	if err != nil || one.GetCleared() != 1 || len(one.GetAuth().GetCooldowns()) != 2 {
		t.Errorf("ClearCooldown of a model = %v, %v, want one cleared and two left", one, err)
	}
	all, err := h.Auths.ClearCooldown(t.Context(), &credbrokerv1.ClearCooldownRequest{AuthId: "a"})
	if err != nil || all.GetCleared() != 2 || all.GetAuth().GetState() != credbrokerv1.AuthState_AUTH_STATE_READY {
		t.Errorf("ClearCooldown = %v, %v, want two cleared and the auth ready", all, err)
	}
	_, err = h.Auths.ClearCooldown(t.Context(), &credbrokerv1.ClearCooldownRequest{AuthId: "nobody"})
	wantError(t, err, codes.NotFound, server.ReasonUnknownAuth)
}

func TestListAndReleaseSessions(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{
		servertest.Key("a", "claude"), servertest.Key("b", "codex"),
	}})
	for _, provider := range []string{"claude", "claude", "codex"} {
		h.Clock.Advance(time.Second)
		_, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{
			Provider: provider, Model: "m(high)", SessionId: h.Clock.Now().String(),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	last := "caller:" + h.Clock.Now().String()
	list := func(req *credbrokerv1.ListSessionsRequest) *credbrokerv1.ListSessionsResponse {
		t.Helper()
		got, err := h.Auths.ListSessions(t.Context(), req)
		if err != nil {
			t.Fatalf("ListSessions(%v): %v", req, err)
		}
		return got
	}
	first := list(&credbrokerv1.ListSessionsRequest{PageSize: 2})
	if len(first.GetSessions()) != 2 || first.GetTotalBindings() != 3 || first.GetSessions()[0].GetAuthId() != "b" {
		t.Errorf("first page = %v, want two, the last one first", first)
	}
	rest := list(&credbrokerv1.ListSessionsRequest{PageSize: 2, PageToken: first.GetNextPageToken()})
	if len(rest.GetSessions()) != 1 || rest.GetNextPageToken() != "" {
		t.Errorf("second page = %v, want one", rest)
	}
	ofA := list(&credbrokerv1.ListSessionsRequest{AuthId: "a"})
	if len(ofA.GetSessions()) != 2 || ofA.GetSessions()[0].GetAuthId() != "a" ||
		ofA.GetSessions()[0].GetSource() != credbrokerv1.SessionSource_SESSION_SOURCE_CALLER {
		t.Errorf("sessions of a = %v, want two", ofA)
	}
	_, err := h.Auths.ListSessions(t.Context(), &credbrokerv1.ListSessionsRequest{AuthId: "nobody"})
	wantError(t, err, codes.NotFound, server.ReasonUnknownAuth)

	release := func(req *credbrokerv1.ReleaseSessionRequest) (*credbrokerv1.ReleaseSessionResponse, error) {
		return h.Auths.ReleaseSession(t.Context(), req)
	}
	byHash := &credbrokerv1.ReleaseSessionRequest{Session: &credbrokerv1.ReleaseSessionRequest_SessionHash{
		SessionHash: ofA.GetSessions()[0].GetSessionHash(),
	}}
	if got, err := release(byHash); err != nil || got.GetAuthId() != "a" {
		t.Errorf("ReleaseSession by hash = %v, %v, want a", got, err)
	}
	_, err = release(byHash)
	wantError(t, err, codes.NotFound, server.ReasonUnknownSession)
	byName := &credbrokerv1.ReleaseSessionRequest{Session: &credbrokerv1.ReleaseSessionRequest_Name{
		Name: &credbrokerv1.SessionName{Provider: "codex", SessionId: last, Model: "m"},
	}}
	if got, err := release(byName); err != nil || got.GetAuthId() != "b" {
		t.Errorf("ReleaseSession by name = %v, %v, want b", got, err)
	}
	if got := list(&credbrokerv1.ListSessionsRequest{}); got.GetTotalBindings() != 1 {
		t.Errorf("sessions left = %v, want one", got)
	}
}

func TestGetStatus(t *testing.T) {
	loaded := servertest.Start().Add(-time.Hour)
	h := servertest.New(t, servertest.Options{
		Auths: manyAuths(2, "claude"),
		Status: broker.ConfigStatus{
			Generation: 3, LoadedAt: loaded, Source: "credbroker.yaml", Problems: []string{"auths/a.json: no type"},
		},
	})
	h.Clock.Advance(time.Minute)
	got, err := h.Auths.GetStatus(t.Context(), &credbrokerv1.GetStatusRequest{})
	if err != nil {
		t.Fatalf("GetStatus: %v", err)
	}
	want := &credbrokerv1.GetStatusResponse{
		Version: "test", Uptime: durationpb.New(time.Minute), ConfigGeneration: 3,
		ConfigLoadedAt: timestamppb.New(loaded), ConfigSource: "credbroker.yaml",
		ConfigProblems: []string{"auths/a.json: no type"},
		Engines:        []*credbrokerv1.Engine{{Name: "memory", Healthy: true}},
		Pool: []*credbrokerv1.PoolCount{
			{Provider: "claude", State: credbrokerv1.AuthState_AUTH_STATE_READY, Count: 2},
		},
		BindingsMax: 1_000_000,
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("GetStatus (-want +got):\n%s", diff)
	}
}
