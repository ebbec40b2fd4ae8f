package journal_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/journal"
	"github.com/credbroker/credbroker/state/statetest"
)

// fixtureTime is when the files in testdata were written, by their own account.
func fixtureTime() time.Time { return time.Date(2026, 11, 30, 7, 0, 0, 123456789, time.UTC) }

// fixtureKeys are the keys in the files in testdata.
func fixtureKeys() (keys state.Keys) {
	for i := range keys.Fingerprint {
		keys.Fingerprint[i] = byte(i + 1)
	}
	for i := range keys.Session {
		keys.Session[i] = byte(200 - i)
	}
	return keys
}

// fixtureBatch is what the files in testdata hold beside their keys: records of every kind with something in every place,
// and bindings with one id and with several.
func fixtureBatch() (b state.Batch) {
	at := fixtureTime()
	nanos := cooldown.InstantOf(at)
	full := cooldown.Record{
		Key:     cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "account:claude:full"},
		Switch:  cooldown.Switch{At: nanos, Disabled: true, Why: "over budget"},
		Cleared: nanos - 3, Succeeded: nanos - 2, Released: nanos - 1,
		Scopes: []cooldown.ScopeRecord{{}, {Model: "claude-opus-4-6"}, {Model: "claude-*", Family: true}},
		Windows: []cooldown.Window{
			{Name: "5h", UsedShare: 0.5, ResetsAt: at.Add(time.Hour), SeenAt: at},
			{Name: "7d", UsedShare: 0.995, ResetsAt: at.Add(99 * time.Hour), SeenAt: at.Add(-time.Minute)},
		},
		LastReport: cooldown.Report{ReceivedAt: at, What: "rate_limited", Model: "claude-opus-4-6", Reason: "told", Rule: "anthropic/rate-limit"},
	}
	for i := range full.Scopes {
		for kind := range cooldown.NumKinds {
			l := full.Scopes[i].Ledgers.Of(kind)
			l.Cleared, l.Watermark = nanos-40, nanos-30
			l.Observations = []cooldown.Observation{{
				Received: nanos + cooldown.Instant(i), Until: nanos.Add(time.Hour), Probe: nanos.Add(time.Minute), Level: int(kind),
				Ladder: cooldown.LadderQuotaLong, Command: i == 1, Secret: 1<<63 + cooldown.Fingerprint(kind), Reason: "spent", Rule: "anthropic/spent", OperatorAction: "buy more",
			}}
			l.Failures = []cooldown.Failure{{At: nanos, Reason: "refused"}}
		}
	}
	domain := full
	domain.Key = cooldown.RecordKey{Kind: cooldown.RecordDomain, Provider: "claude", Name: "org:acme"}
	domain.Switch, domain.LastReport, domain.Windows = cooldown.Switch{}, cooldown.Report{}, nil
	provider := domain
	provider.Key = cooldown.RecordKey{Kind: cooldown.RecordProvider, Provider: "claude"}
	b.Records = append(b.Records, full, domain, provider)
	for i := range 40 {
		b.Records = append(b.Records, cooldown.Record{
			Key:    cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: fmt.Sprintf("account:claude:%03d", i)},
			Switch: cooldown.Switch{At: nanos + cooldown.Instant(i), Disabled: i%2 == 0, Why: fmt.Sprint("reason ", i)},
		})
	}
	for i := range 400 {
		group := selector.SessionKey{Hi: uint64(i) * 0x9E3779B97F4A7C15, Lo: uint64(i)}
		for alias := range 1 + i%3 {
			b.Bindings = append(b.Bindings, state.BoundSession{
				Key: selector.SessionKey{Hi: group.Hi, Lo: group.Lo + uint64(alias)<<32}, Group: group, Source: uint8(i % 7),
				Identity: fmt.Sprintf("account:claude:%03d", i%40), Bound: int64(nanos) - int64(i), Ends: at.Add(time.Duration(i+1) * time.Minute).UnixNano(),
			})
		}
	}
	return b
}

// wantFixture wants a file to hold what those in testdata do.
func wantFixture(t *testing.T, j *journal.Journal) {
	t.Helper()
	var got, want statetest.Received
	b := fixtureBatch()
	want.Records(b.Records)
	want.Bindings(b.Bindings)
	if err := j.Load(t.Context(), &got); err != nil || got.String() != want.String() {
		t.Errorf("Load: %v, hands over\n%s\nwant\n%s", err, &got, &want)
	}
	if keys, err := j.Keys(t.Context(), state.Keys{}); err != nil || keys != fixtureKeys() {
		t.Errorf("Keys = %v, %v, want %v", keys, err, fixtureKeys())
	}
}

// unpacked is a copy of a file in testdata.
func unpacked(t *testing.T, name string) (path string) {
	t.Helper()
	packed, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	reader, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The file was written by the broker that wrote format 1, with these keys and this batch. Files like it are out there.
func TestAFileOfFormat1IsRead(t *testing.T) {
	path := unpacked(t, "format1.db")
	for range 2 {
		j := open(t, journal.Config{Path: path, Now: fixtureTime})
		wantFixture(t, j)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
