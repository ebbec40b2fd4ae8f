package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// connect opens a connection to a broker's first address.
func (b *runningBroker) connect() (credbrokerv1.CredentialBrokerClient, credbrokerv1.AuthPoolClient) {
	b.t.Helper()
	conn, err := grpc.NewClient(b.grpc[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	return credbrokerv1.NewCredentialBrokerClient(conn), credbrokerv1.NewAuthPoolClient(conn)
}

func TestReloadUnderLoadKeepsCooldownsAndBindings(t *testing.T) {
	b := serving(t, strings.Replace(twoAuths, "auths:", "auths:\n  - {id: tired, provider: claude, secret: {value: key-t}}", 1))
	gateway, operator := b.connect()
	if _, err := gateway.ReportCooldown(t.Context(), &credbrokerv1.ReportCooldownRequest{
		AuthId: "tired", Reason: "weekly limit",
		End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(3600e9)},
	}); err != nil {
		t.Fatal(err)
	}
	const sessions = 8
	pick := func(session int) (*credbrokerv1.PickCredentialResponse, error) {
		return gateway.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{
			Provider: "claude", Model: "m", SessionId: fmt.Sprint("session-", session),
		})
	}
	bound := make([]string, sessions)
	for i := range bound {
		resp, err := pick(i)
		if err != nil {
			t.Fatal(err)
		}
		bound[i] = resp.GetCredential().GetAuthId()
	}

	var stop atomic.Bool
	var load sync.WaitGroup
	for i, want := range bound {
		load.Go(func() {
			for picks := 0; picks == 0 || !stop.Load(); picks++ {
				resp, err := pick(i)
				if err != nil || resp.GetCredential().GetAuthId() != want || resp.GetSession().GetBinding() != credbrokerv1.Binding_BINDING_HIT {
					t.Errorf("pick %d of session %d = %v, %v, want a hit on %s", picks, i, resp, err, want)
					return
				}
			}
		})
	}
	text, _ := os.ReadFile(b.config)
	for round := range 3 {
		replaceFile(t, b.config, string(text)+fmt.Sprintf("  - {id: new-%d, provider: claude, secret: {value: key-%d}}\n", round, round))
		line := b.log.waitMore(t, logReloaded, round)
		if fmt.Sprint(line["auths_put"], line["settings_changed"]) != "1 false" {
			t.Errorf("reload %d logged %v, want one auth and no settings", round, line)
		}
	}
	stop.Store(true)
	load.Wait()

	resp, err := operator.GetAuth(t.Context(), &credbrokerv1.GetAuthRequest{AuthId: "tired"})
	if err != nil || resp.GetAuth().GetState() != credbrokerv1.AuthState_AUTH_STATE_COOLING || resp.GetAuth().GetStateReason() != "weekly limit" {
		t.Errorf("after the reloads, the auth that was cooling is %v, %v", resp, err)
	}
	var auths struct{ Auths []any }
	if b.answer(&auths, "auths", "list"); len(auths.Auths) != 4 {
		t.Errorf("the pool has %d auths, want the new one of the last round and three old ones", len(auths.Auths))
	}
}

func TestReloadOfSettings(t *testing.T) {
	b := serving(t, twoAuths)
	replaceFile(t, b.config, twoAuths+"selection: {strategy: fill-first}\nsessions: {max: 77}\nlog: {access: false}\n")
	if line := b.log.wait(t, logReloaded); fmt.Sprint(line["auths_put"], line["settings_changed"]) != "0 true" {
		t.Errorf("reload logged %v, want settings and no auths", line)
	}
	for range 3 {
		var got struct{ Credential struct{ AuthID string } }
		if b.answer(&got, "pick", "--provider", "claude", "--model", "m"); got.Credential.AuthID != "a" {
			t.Errorf("pick = %s, want the first auth", got.Credential.AuthID)
		}
	}
	var status struct{ BindingsMax, ConfigGeneration string }
	if b.answer(&status, "status"); status.BindingsMax != "77" || status.ConfigGeneration != "2" {
		t.Errorf("status = %+v, want at most 77 bindings in generation 2", status)
	}
	if n := len(b.log.all("request")); n != 0 {
		t.Errorf("%d lines of access log after it was turned off", n)
	}
	replaceFile(t, b.config, twoAuths+"log: {level: error}\n")
	for deadline := time.Now().Add(patience); status.ConfigGeneration != "3" && time.Now().Before(deadline); {
		b.answer(&status, "status")
	}
	b.stop()
	if b.log.all(logStopped) != nil {
		t.Errorf("a level of error lets the end through; the log:\n%s", b.log)
	}
}

func TestAConfigurationThatDisappearsGoesOn(t *testing.T) {
	b := serving(t, twoAuths)
	if err := os.Remove(b.config); err != nil {
		t.Fatal(err)
	}
	problem := b.log.wait(t, logProblem)["problem"].(string)
	if !strings.Contains(problem, b.config) {
		t.Errorf("problem %q does not name the file", problem)
	}
	got := b.command("status")
	if !strings.Contains(got.stdout, "PROBLEMS       1\n  "+problem) || !strings.Contains(got.stdout, "claude    READY  2") {
		t.Errorf("status = %s, want the problem and the pool as it was", got.stdout)
	}
	replaceFile(t, b.config, twoAuths)
	if solved := b.log.wait(t, logSolved)["problem"]; solved != problem {
		t.Errorf("solved %q, want %q", solved, problem)
	}
}

func TestABrokenConfigurationIsRefusedWhole(t *testing.T) {
	b := serving(t, twoAuths)
	replaceFile(t, b.config, strings.Replace(twoAuths, "id: a,", "id: z, nonsense: 1,", 1))
	if problem := b.log.wait(t, logProblem)["problem"].(string); !strings.Contains(problem, b.config+":6: auths[0].nonsense: ") {
		t.Errorf("problem %q, want file, line and field", problem)
	}
	var auths struct {
		Auths []struct{ Config struct{ ID string } }
	}
	if b.answer(&auths, "auths", "list"); len(auths.Auths) != 2 || auths.Auths[0].Config.ID != "a" {
		t.Errorf("pool = %v, want it as it was", auths)
	}
}

func TestHangupReloads(t *testing.T) {
	b := serving(t, twoAuths)
	b.hangups <- syscall.SIGHUP
	b.log.wait(t, logHangup)
	if got := b.command("status"); got.code != exitOK {
		t.Errorf("status after SIGHUP = %d %s, want the broker to go on", got.code, got.stderr)
	}
}
