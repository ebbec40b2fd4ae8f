package state_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/statetest"
)

func TestRecordsKeepTheirMeaning(t *testing.T) {
	statetest.Laws(t, statetest.Form{Format: state.FormatRecord, Parse: state.ParseRecord}, 2000)
}

// fullRecord has a value in every place that a record has.
func fullRecord() cooldown.Record {
	at := time.Date(2026, 11, 27, 18, 0, 0, 123456789, time.UTC)
	nanos := cooldown.InstantOf(at)
	r := cooldown.Record{
		Key:    cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "account:claude:1"},
		Switch: cooldown.Switch{At: nanos, Disabled: true, Why: "over budget"},
		// Not above what else there is, or it would be dead.
		Cleared: 1, Succeeded: 2, Released: 3,
		Scopes:     []cooldown.ScopeRecord{{}, {Model: "m"}, {Model: "claude-*", Family: true}},
		Windows:    []cooldown.Window{{Name: "5h", UsedShare: 0.5, ResetsAt: at.Add(time.Hour), SeenAt: at}},
		LastReport: cooldown.Report{ReceivedAt: at, What: "rate_limited", Model: "m", Reason: "told", Rule: "claude/limit"},
	}
	for i := range r.Scopes {
		for kind := range cooldown.NumKinds {
			r.Scopes[i].Ledgers.Of(kind).Cleared, r.Scopes[i].Ledgers.Of(kind).Watermark = 1, 2
		}
	}
	l := &r.Scopes[1].Ledgers.Quota
	l.Watermark, l.Cleared = 5, 4
	l.Observations = []cooldown.Observation{{
		Received: nanos, Until: math.MaxInt64, Probe: nanos + 1, Level: 2, Ladder: cooldown.LadderQuotaLong, Command: true,
		Secret: math.MaxUint64, Reason: "rate_limited", Rule: "claude/limit", OperatorAction: "buy more",
	}}
	l.Failures = []cooldown.Failure{{At: nanos, Reason: "refused"}}
	return r
}

// doubtfulRecord has in addition what is known of a request that may be to blame, and that a caller alone says so. Records without that stay as they were.
func doubtfulRecord() cooldown.Record {
	r := fullRecord()
	l := &r.Scopes[1].Ledgers.Quota
	l.Observations[0].Claimed = true
	l.Doubts = []cooldown.Doubt{{Observation: l.Observations[0], Tag: math.MaxUint64, Repeated: true, Withdrawn: true}}
	r.Withdrawn = cooldown.Withdrawn{Until: 1, Tags: []cooldown.WithdrawnTag{{At: 2, Tag: math.MaxUint64}}}
	return r
}

// doubtfulRecordText is fullRecordText with that.
func doubtfulRecordText() string {
	_, observation, _ := strings.Cut(fullRecordText, `"evidence":[`)
	observation, _, _ = strings.Cut(observation, `}],`)
	text := strings.Replace(fullRecordText, `"reason":"refused"}]}`, `"reason":"refused"}],"doubts":[`+observation+`,"tag":"ffffffffffffffff","repeated":true}]}`, 1)
	text = strings.ReplaceAll(text, `"command":true`, `"command":true,"claimed":true`)
	return strings.Replace(text, `"windows":`, `"withdrawn":{"until":"1970-01-01T00:00:00.000000001Z",`+
		`"tags":[{"at":"1970-01-01T00:00:00.000000002Z","tag":"ffffffffffffffff"}]},"windows":`, 1)
}

// The text below is what files out there hold: a change of it takes a new version and code that reads this one.
const fullRecordText = `{"v":1,"switch":{"at":"2026-11-27T18:00:00.123456789Z","disabled":true,"why":"over budget"},` +
	`"cleared":"1970-01-01T00:00:00.000000001Z","succeeded":"1970-01-01T00:00:00.000000002Z","released":"1970-01-01T00:00:00.000000003Z",` +
	`"scopes":[` +
	`{"quota":` + someLedger + `,"transient":` + someLedger + `,"authentication":` + someLedger + `,"other":` + someLedger + `},` +
	`{"model":"m","quota":{"horizon":"1970-01-01T00:00:00.000000005Z","cleared":"1970-01-01T00:00:00.000000004Z","evidence":[` + // word: stored JSON
	`{"received":"2026-11-27T18:00:00.123456789Z","until":"never","probe":"2026-11-27T18:00:00.12345679Z","level":2,"ladder":"quota-long",` +
	`"command":true,"secret":"ffffffffffffffff","reason":"rate_limited","rule":"claude/limit","person":"buy more"}],` +
	`"strikes":[{"at":"2026-11-27T18:00:00.123456789Z","reason":"refused"}]},` + // word: stored JSON
	`"transient":` + someLedger + `,"authentication":` + someLedger + `,"other":` + someLedger + `},` +
	`{"model":"claude-*","family":true,"quota":` + someLedger + `,"transient":` + someLedger + `,"authentication":` + someLedger + `,"other":` + someLedger + `}],` +
	`"windows":[{"name":"5h","used":0.5,"resets":"2026-11-27T19:00:00.123456789Z","seen":"2026-11-27T18:00:00.123456789Z"}],` +
	`"report":{"at":"2026-11-27T18:00:00.123456789Z","what":"rate_limited","model":"m","reason":"told","rule":"claude/limit"}}`

const someLedger = `{"horizon":"1970-01-01T00:00:00.000000002Z","cleared":"1970-01-01T00:00:00.000000001Z"}` // word: stored JSON

func TestFormOfARecordStays(t *testing.T) {
	for text, want := range map[string]cooldown.Record{fullRecordText: fullRecord(), doubtfulRecordText(): doubtfulRecord()} {
		if got := string(state.FormatRecord(&want)); got != text {
			t.Errorf("FormatRecord =\n%s\nwant\n%s", got, text)
		}
		got, err := state.ParseRecord(want.Key, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ParseRecord (-want +got):\n%s", diff)
		}
	}
}

// A field that is added to the core must be kept, or left out with a reason.
func TestEveryFieldOfARecordIsKept(t *testing.T) {
	var empty func(name string, v reflect.Value)
	empty = func(name string, v reflect.Value) {
		switch {
		case v.Type() == reflect.TypeFor[time.Time](), v.Type() == reflect.TypeFor[cooldown.Ledgers]():
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				empty(name+"."+v.Type().Field(i).Name, v.Field(i))
			}
			return
		}
		if v.IsZero() {
			t.Errorf("%s has no value: give it one, and a name in the form", name)
		}
	}
	r := doubtfulRecord()
	r.Key.Provider = "only domains have one"
	empty("Record", reflect.ValueOf(r))
	empty("Scope", reflect.ValueOf(r.Scopes[2]))
	l := &r.Scopes[1].Ledgers.Quota
	empty("Ledger", reflect.ValueOf(*l))
	empty("Observation", reflect.ValueOf(l.Observations[0]))
	empty("Failure", reflect.ValueOf(l.Failures[0]))
	empty("Doubt", reflect.ValueOf(l.Doubts[0]))
	empty("Withdrawn", reflect.ValueOf(r.Withdrawn.Tags[0]))
	empty("Window", reflect.ValueOf(r.Windows[0]))
}

func TestWhatCannotBeReadIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"a newer version", `{"v":2,"switch":{"at":"2026-11-27T18:00:00Z"}}`, state.ErrNewer},
		{"a newer version with other types", `{"v":2,"switch":[1]}`, state.ErrNewer},
		{"no version", `{}`, state.ErrDamaged},
		{"nothing", ``, state.ErrDamaged},
		{"half of it", fullRecordText[:300], state.ErrDamaged},
		{"a time that is none", `{"v":1,"cleared":"yesterday"}`, state.ErrDamaged},
		{"a time beyond what can be counted", `{"v":1,"cleared":"9999-01-01T00:00:00Z"}`, state.ErrDamaged},
		{"a ladder that nobody knows", `{"v":1,"scopes":[{"quota":{"evidence":[{"ladder":"rope"}]}}]}`, state.ErrDamaged},
	} {
		if _, err := state.ParseRecord(cooldown.RecordKey{}, []byte(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%s: ParseRecord: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestMembersOfLaterVersionsArePassedOver(t *testing.T) {
	r, err := state.ParseRecord(cooldown.RecordKey{}, []byte(`{"v":1,"released":"1970-01-01T00:00:01Z","mood":{"good":true}}`))
	if err != nil || r.Released != cooldown.Instant(time.Second) {
		t.Errorf("ParseRecord = %+v, %v", r, err)
	}
}

func TestUpstreamsMayTellAnyNumber(t *testing.T) {
	far := time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	r := cooldown.Record{Windows: []cooldown.Window{{Name: "w", UsedShare: math.Inf(1), ResetsAt: far, SeenAt: far.Add(-1)}}}
	got, err := state.ParseRecord(r.Key, state.FormatRecord(&r))
	if err != nil || len(got.Windows) != 1 || got.Windows[0].ResetsAt.Year() != 9999 || got.Windows[0].UsedShare >= 0 {
		t.Errorf("ParseRecord = %+v, %v, want the end of year 9999 and no share", got.Windows, err)
	}
}

func TestKeysHaveDifferentTexts(t *testing.T) {
	seen := map[string]cooldown.RecordKey{}
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		key := statetest.RandomKey(r)
		text := state.FormatKey(key)
		if other, ok := seen[text]; ok && other != key {
			t.Errorf("%+v and %+v are both %q", key, other, text)
		}
		seen[text] = key
		if got, err := state.ParseKey(text); err != nil || got != key {
			t.Errorf("ParseKey(%q) = %+v, %v, want %+v", text, got, err, key)
		}
	}
	for _, text := range []string{"", "identity", "domain:claude", "lease:x"} {
		if key, err := state.ParseKey(text); !errors.Is(err, state.ErrDamaged) {
			t.Errorf("ParseKey(%q) = %+v, %v, want ErrDamaged", text, key, err)
		}
	}
}

func TestSessionKeysKeepTheirMeaning(t *testing.T) {
	want := selector.SessionKey{Hi: math.MaxUint64, Lo: 2}
	text := state.AppendSessionKey(nil, want)
	if got, err := state.ParseSessionKey(text); err != nil || got != want {
		t.Errorf("ParseSessionKey = %v, %v, want %v", got, err, want)
	}
	for _, wrong := range [][]byte{nil, text[1:], append(text, 0)} {
		if _, err := state.ParseSessionKey(wrong); !errors.Is(err, state.ErrDamaged) {
			t.Errorf("ParseSessionKey of %d bytes: %v, want ErrDamaged", len(wrong), err)
		}
	}
}

// A record that another replica made as bad as it could is read like any other, within the bounds of records.
func TestHostileRecordsAreRead(t *testing.T) {
	const many = 20_000
	list := func(format string) string {
		items := make([]string, many)
		for i := range items {
			items[i] = fmt.Sprintf(format, many-i)
		}
		return strings.Join(items, ",")
	}
	key := cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "a"}
	r, err := state.ParseRecord(key, []byte(`{"v":1,"scopes":[`+list(`{"model":"%05d"}`)+`],"windows":[`+list(`{"name":"%05d"}`)+`]}`))
	if err != nil || len(r.Scopes) != cooldown.MaxModels || r.Scopes[0].Model != "18977" || len(r.Windows) != 32 || r.Windows[31].Name != "20000" {
		t.Errorf("%d scopes and %d windows, %v", len(r.Scopes), len(r.Windows), err)
	}
	evidence := list(`{"received":"2026-11-27T18:00:00.0%05dZ","reason":"r"}`)
	r, err = state.ParseRecord(key, []byte(`{"v":1,"scopes":[{"quota":{"evidence":[`+evidence+`],"strikes":[`+list(`{"at":"2026-11-27T18:00:00.0%05dZ"}`)+`]}}]}`)) // word: stored JSON
	if err != nil || len(r.Scopes) != 1 || len(r.Scopes[0].Ledgers.Quota.Observations) > 8 || len(r.Scopes[0].Ledgers.Quota.Failures) > 8 {
		t.Errorf("%+v, %v", r, err)
	}
}

// FuzzParseRecord: whatever a store holds, it is refused, or read to something that is written and read the same.
func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(fullRecordText))
	f.Add([]byte(doubtfulRecordText()))
	f.Add([]byte(`{"v":1,"scopes":[{"model":"b"},{"model":"a","quota":{"evidence":[{"received":"2026-11-27T18:00:00Z"}]}},{"model":"b"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := state.ParseRecord(cooldown.RecordKey{}, text)
		if err != nil {
			if !errors.Is(err, state.ErrDamaged) && !errors.Is(err, state.ErrNewer) {
				t.Fatalf("ParseRecord(%q): %v, which is no error of the package", text, err)
			}
			return
		}
		again, err := state.ParseRecord(r.Key, state.FormatRecord(&r))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("ParseRecord(%q), written and read again (-first +second):\n%s", text, diff)
		}
	})
}
