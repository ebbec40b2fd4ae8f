package broker

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

func TestPickIDRoundTrip(t *testing.T) {
	for _, want := range []PickID{
		{start: time.Unix(0, 0)},
		{start: time.Unix(1_800_000_000, 123_456_789), process: mask48, count: mask48},
		{start: time.Unix(1_800_000_000, 1), process: 1, count: 2},
		{start: time.Unix(1_800_000_000, 1), context: pickContext{Scope: scopeNoProvider}},
		{start: time.Unix(1_800_000_000, 1), context: pickContext{State: "\x00"}},
		{start: time.Unix(1_800_000_000, 1), context: pickContext{
			Scope: scopeMixedProvider | scopePrefix, State: strings.Repeat("s", maxState),
			FirstTurn: selector.SessionKey{Hi: 1, Lo: 2}, Pin: selector.SessionKey{Lo: 3},
		}},
	} {
		text := want.String()
		got, err := ParsePickID(text)
		if err != nil || !got.start.Equal(want.start) || got.process != want.process || got.count != want.count || got.context != want.context {
			t.Errorf("ParsePickID(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestPickIDsDiffer(t *testing.T) {
	a, b := newPickIDs(), newPickIDs()
	now := time.Unix(1_800_000_000, 0)
	seen := make(map[string]bool)
	for range 1000 {
		seen[a.next(now, pickContext{})], seen[b.next(now, pickContext{})] = true, true
	}
	if len(seen) != 2000 {
		t.Errorf("2,000 picks have %d ids", len(seen))
	}
}

func TestParsePickIDRefuses(t *testing.T) {
	plain := PickID{start: time.Unix(1_800_000_000, 0)}
	good := plain.String()
	of := func(context ...byte) string {
		raw, err := base64.RawURLEncoding.DecodeString(good)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(append(raw, context...))
	}
	wrongVersion := make([]byte, pickIDBytes)
	wrongVersion[0] = pickIDVersion + 1
	for _, tt := range []struct{ name, text string }{
		{"empty", ""},
		{"too short", good[1:]},
		{"too long", good + "A"},
		{"huge", strings.Repeat("A", 1<<20)},
		{"not base64url", strings.Replace(good, good[5:6], "+", 1)},
		{"line break", good[:27] + "\n"},
		{"a context without anything", of(0)},
		{"an unknown part of a context", of(byte(scopeAll)+1, 1)},
		{"a key that is cut off", of(append([]byte{byte(scopePin)}, make([]byte, keyBytes-1)...)...)},
		{"a key that is none", of(append([]byte{byte(scopePin)}, make([]byte, keyBytes)...)...)},
		{"a state that is too long", of(make([]byte, maxState+2)...)},
		{"another version", base64.RawURLEncoding.EncodeToString(wrongVersion)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if id, err := ParsePickID(tt.text); err == nil {
				t.Errorf("ParsePickID(%.40q) = %v, want an error", tt.text, id)
			}
		})
	}
}

func FuzzPickID(f *testing.F) {
	for _, q := range []pickContext{{}, {State: "state"}, {Scope: scopeMixedProvider, FirstTurn: selector.SessionKey{Lo: 1}}} {
		id := PickID{start: time.Unix(1_800_000_000, 5), process: 7, count: 9, context: q}
		f.Add(id.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParsePickID(text); err == nil && id.String() != text {
			t.Errorf("ParsePickID(%q).String() = %q", text, id.String())
		}
	})
}
