package redis

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

func TestBindingIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := func(name string) selector.SessionKey {
			return selector.SessionKey{Hi: rapid.Uint64().Draw(t, name+" hi"), Lo: rapid.Uint64().Draw(t, name+" lo")}
		}
		want := state.BoundSession{
			Key: key("key"), Source: rapid.Byte().Draw(t, "source"), Identity: rapid.String().Draw(t, "identity"),
			Bound: rapid.Int64().Draw(t, "bound"), Ends: rapid.Int64Range(0, 1<<42).Draw(t, "ends") * int64(time.Millisecond),
		}
		want.Caller = rapid.StringN(0, -1, 64).Draw(t, "caller")
		if want.Group = want.Key; rapid.Bool().Draw(t, "grouped") {
			want.Group = key("group")
		}
		got, err := parseBinding(want.Key, want.Ends/int64(time.Millisecond), formatBinding(&want))
		if err != nil || got != want {
			t.Fatalf("read %+v, %v, want %+v", got, err, want)
		}
	})
}

// What is below stands in Redis servers out there: a change of it takes a new form and code that reads this one.
func TestFormsInRedisStay(t *testing.T) {
	own := selector.SessionKey{Hi: 0x0102030405060708, Lo: 0x090a0b0c0d0e0f10}
	other := selector.SessionKey{Hi: 0x1112131415161718, Lo: 0x191a1b1c1d1e1f20}
	bound := state.BoundSession{Key: own, Group: own, Source: 3, Identity: "account:claude:1", Bound: 1_800_000_000_123_456_789}
	inGroup := bound
	inGroup.Group = other
	called, calledInGroup := bound, inGroup
	called.Caller, calledInGroup.Caller = "edge", "edge"
	l := newLayout("production")
	permit := selector.PermitKey{Record: cooldown.RecordKey{Kind: cooldown.RecordDomain, Provider: "claude", Name: "org:acme"}, Model: "m"}
	const group = "\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "
	for _, test := range []struct{ name, got, want string }{
		{"a binding", formatBinding(&bound), "\x01\x03\x18\xfa\xe2\x76\x9b\x0f\xcd\x15account:claude:1"},
		{"a binding of a group", formatBinding(&inGroup), "\x02\x03\x18\xfa\xe2\x76\x9b\x0f\xcd\x15account:claude:1" + group},
		{"a binding of a caller", formatBinding(&called), "\x03\x03\x18\xfa\xe2\x76\x9b\x0f\xcd\x15\x04edgeaccount:claude:1"},
		{"a binding of a caller and a group", formatBinding(&calledInGroup), "\x04\x03\x18\xfa\xe2\x76\x9b\x0f\xcd\x15\x04edgeaccount:claude:1" + group},
		{"key of the records", l.records, "cb:{production}:records"},
		{"key of the log", l.log, "cb:{production}:log"},
		{"key of the sweep", l.sweep, "cb:{production}:sweep"},
		{"key of a binding", l.binding(other), "cb:{production}:b:" + group},
		{"key of a permit", l.permit(&permit), "cb:{production}:p:1 model m domain:claude:org:acme"},
	} {
		if test.got != test.want {
			t.Errorf("%s = %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestBindingThatCannotBeRead(t *testing.T) {
	tests := []struct {
		name, value string
		want        error
	}{
		{"nothing", "", state.ErrDamaged},
		{"cut off", "\x01\x00\x00", state.ErrDamaged},
		{"the group is cut off", "\x02" + strings.Repeat("\x00", 20), state.ErrDamaged},
		{"the caller is cut off", "\x03" + strings.Repeat("\x00", 9) + "\x05abc", state.ErrDamaged},
		{"the group of a caller's is cut off", "\x04" + strings.Repeat("\x00", 9) + "\x01a" + strings.Repeat("\x00", 15), state.ErrDamaged},
		{"a form of later", "\x09" + strings.Repeat("\x00", 40), state.ErrNewer},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := parseBinding(selector.SessionKey{}, 0, test.value); !errors.Is(err, test.want) {
				t.Errorf("parseBinding = %+v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func FuzzMoved(f *testing.F) {
	f.Add("")
	b := state.BoundSession{Key: selector.SessionKey{Lo: 1}, Identity: "a"}
	f.Add(strings.Repeat("\x00", 24) + formatBinding(&b))
	f.Add(strings.Repeat("0", 24) + formatBinding(&b)) // an end that no time has
	f.Fuzz(func(t *testing.T, text string) {
		b, err := (*macs)(nil).parseMoved(text)
		if err != nil {
			return
		}
		if again, err := parseBinding(b.Key, b.Ends/int64(time.Millisecond), formatBinding(&b)); err != nil || again != b {
			t.Errorf("parseMoved(%q) = %+v, which is read as %+v, %v", text, b, again, err)
		}
	})
}

func TestEndsAreRoundedUp(t *testing.T) {
	for ends, want := range map[int64]string{0: "0", 1: "1", 1_000_000: "1", 1_000_001: "2"} {
		if got := formatEnd(ends); got != want {
			t.Errorf("formatEnd(%d) = %s, want %s", ends, got, want)
		}
	}
}

func TestPermitsOfDifferentThingsHaveDifferentNames(t *testing.T) {
	identity := func(name string) cooldown.RecordKey {
		return cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: name}
	}
	keys := []selector.PermitKey{
		{Record: identity("a")}, {Record: identity("a"), Model: "m"}, {Record: identity("a"), Model: "m", Family: true},
		{Record: identity("a"), Family: true}, {Record: identity("m identity:a")}, {Record: identity("b"), Model: "m identity:a identity:"},
		{Record: identity("a identity:b"), Model: "m"}, {Record: identity("b"), Model: "m identity:a"},
		{Record: cooldown.RecordKey{Kind: cooldown.RecordProvider, Provider: "a"}},
		{Record: cooldown.RecordKey{Kind: cooldown.RecordDomain, Provider: "a", Name: "a"}},
	}
	l := newLayout("n")
	seen := map[string]selector.PermitKey{}
	for _, key := range keys {
		name := l.permit(&key)
		if other, ok := seen[name]; ok {
			t.Errorf("%+v and %+v are both %s", key, other, name)
		}
		seen[name] = key
	}
}

func TestEntriesOfTheLogAreInOrder(t *testing.T) {
	ordered := []string{"0-0", "0-1", "5-0", "5-2", "5-10", "40-0", "1700000000000-3"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := after(a, b); got != (i > j) {
				t.Errorf("after(%s, %s) = %v", a, b, got)
			}
		}
	}
}

func TestConfig(t *testing.T) {
	tests := []struct {
		name string
		c    Config
		want string
	}{
		{"all is well", Config{Addresses: []string{"127.0.0.1:1"}, Namespace: "a.B_c-9"}, ""},
		{"there is no address", Config{Namespace: "a"}, "no addresses"},
		{"there is no namespace", Config{Addresses: []string{"127.0.0.1:1"}}, `namespace ""`},
		{"a brace would move keys to other slots", Config{Addresses: []string{"127.0.0.1:1"}, Namespace: "a}b"}, `namespace "a}b"`},
		{"the namespace is long", Config{Addresses: []string{"127.0.0.1:1"}, Namespace: strings.Repeat("a", 65)}, "want 1 to 64"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := Open(&test.c)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("Open: %v, want %q", err, test.want)
			}
			if err == nil {
				_ = s.Close()
			}
		})
	}
}

func TestClockBelievesTheQuickestSample(t *testing.T) {
	c := clock{}
	base := time.Unix(1_800_000_000, 0)
	if got := c.offset(); got != 0 {
		t.Errorf("offset = %v before the first sample", got)
	}
	sample := func(took, offset time.Duration) {
		c.add(base, base.Add(took), base.Add(took/2+offset))
	}
	sample(100*time.Millisecond, 1040*time.Millisecond)
	sample(2*time.Millisecond, time.Second)
	sample(50*time.Millisecond, 1020*time.Millisecond)
	if got := c.offset(); got != time.Second {
		t.Errorf("offset = %v, want that of the quickest sample", got)
	}
	c.restart()
	if got := c.offset(); got != time.Second {
		t.Errorf("offset = %v before the first sample of another server", got)
	}
	sample(100*time.Millisecond, 5*time.Second)
	if got := c.offset(); got != 5*time.Second {
		t.Errorf("offset = %v, want that of the only sample of this server", got)
	}
	for range len(c.samples) {
		sample(200*time.Millisecond, 6*time.Second)
	}
	if got := c.offset(); got != 6*time.Second {
		t.Errorf("offset = %v, want that of the last samples", got)
	}
}
