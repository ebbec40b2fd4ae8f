package broker

import (
	"encoding/base64"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
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
			Attempt: math.MaxUint8, Tag: math.MaxUint64, Format: sessions.FormatGemini,
		}},
		{start: time.Unix(1_800_000_000, 1), context: pickContext{Attempt: 2, Tag: 1}},
		{start: time.Unix(1_800_000_000, 1), seal: seal{1, 15: 2}},
		{start: time.Unix(1_800_000_000, 1), context: pickContext{State: strings.Repeat("s", maxState), Pin: selector.SessionKey{Lo: 3}}, seal: seal{1}},
		{start: time.Unix(1_800_000_000, 1), context: pickContext{Format: sessions.FormatAnthropic, State: "s"}},
		{start: time.Unix(1_800_000_000, 1), context: pickContext{Format: sessions.FormatGemini, Thread: true}},
		{start: time.Unix(1_800_000_000, 1), context: pickContext{Thread: true}},
	} {
		text := want.String()
		got, err := ParsePickID(text)
		if err != nil || !got.start.Equal(want.start) || got.process != want.process || got.count != want.count || got.context != want.context || got.seal != want.seal {
			t.Errorf("ParsePickID(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestPickIDsDiffer(t *testing.T) {
	a, b := newPickIDs(), newPickIDs()
	now := time.Unix(1_800_000_000, 0)
	seen := make(map[string]bool)
	for range 1000 {
		one, other := a.next(now, pickContext{}), b.next(now, pickContext{})
		seen[one.String()], seen[other.String()] = true, true
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
	wrongVersion[0] = sealedVersion + 1
	cutSeal, noSeal := make([]byte, pickIDBytes+sealBytes-1), make([]byte, pickIDBytes+sealBytes)
	cutSeal[0], noSeal[0] = sealedVersion, sealedVersion
	for _, tt := range []struct{ name, text string }{
		{"empty", ""},
		{"too short", good[1:]},
		{"too long", good + "A"},
		{"huge", strings.Repeat("A", 1<<20)},
		{"not base64url", strings.Replace(good, good[5:6], "+", 1)},
		{"line break", good[:27] + "\n"},
		{"a context without anything", of(0)},
		{"an unknown part of a context", of(byte(scopeAll+1), 1)},
		{"a key that is cut off", of(append([]byte{byte(scopePin)}, make([]byte, keyBytes-1)...)...)},
		{"a key that is none", of(append([]byte{byte(scopePin)}, make([]byte, keyBytes)...)...)},
		{"a first attempt that says so", of(append([]byte{byte(scopeAttempt), 1}, make([]byte, 8)...)...)},
		{"a second attempt of no request", of(append([]byte{byte(scopeAttempt), 2}, make([]byte, 8)...)...)},
		{"an attempt that is cut off", of(byte(scopeAttempt), 2, 1, 1, 1, 1, 1, 1, 1)},
		{"a format that is none", of(byte(scopeFormat), 0)},
		{"an unknown format", of(byte(scopeFormat), byte(sessions.FormatGemini)+1)},
		{"an unknown format of a thread", of(byte(scopeFormat), threadBit|byte(sessions.FormatGemini)+1)},
		{"a format that is cut off", of(byte(scopeFormat))},
		{"a state that is too long", of(make([]byte, maxState+2)...)},
		{"a seal that is cut off", base64.RawURLEncoding.EncodeToString(cutSeal)},
		{"a seal that is none", base64.RawURLEncoding.EncodeToString(noSeal)},
		{"another version", base64.RawURLEncoding.EncodeToString(wrongVersion)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if id, err := ParsePickID(tt.text); err == nil {
				t.Errorf("ParsePickID(%.40q) = %v, want an error", tt.text, id)
			}
		})
	}
}

// An id of before attempts were counted is that of a first one.
func TestPickIDsOfBefore(t *testing.T) {
	const text = "ARjqg-9basQw45NSFe01AAAAAAAK"
	if id, err := ParsePickID(text); err != nil || id.attempt() != 1 || id.tag() == 0 {
		t.Errorf("ParsePickID(%q) = attempt %d with tag %d, %v, want the first of a request", text, id.attempt(), id.tag(), err)
	}
}

func TestAttemptsOfOneRequestAreLinked(t *testing.T) {
	first := PickID{start: time.Unix(1_800_000_000, 1), process: 1, count: 2}
	other := PickID{start: time.Unix(1_800_000_000, 1), process: 1, count: 3}
	if first.tag() == other.tag() || first.tag() == 0 {
		t.Fatalf("the tags of two requests are %d and %d", first.tag(), other.tag())
	}
	var unnamed PickID
	for _, tt := range []struct {
		name    string
		of      PickID
		tried   int
		attempt uint8
		tag     uint64
	}{
		{"of nothing", unnamed, 3, 0, 0},
		{"of the first", first, 0, 2, first.tag()},
		{"of the first, with two tried", first, 2, 3, first.tag()},
		{"of the third", PickID{start: first.start, count: 9, context: pickContext{Attempt: 3, Tag: first.tag()}}, 1, 4, first.tag()},
		{"of very many", first, 1024, math.MaxUint8, first.tag()},
	} {
		var got pickContext
		if tt.of.next(&got, tt.tried); got.Attempt != tt.attempt || got.Tag != tt.tag {
			t.Errorf("%s: attempt %d of %d, want %d of %d", tt.name, got.Attempt, got.Tag, tt.attempt, tt.tag)
		}
	}
}

func FuzzPickID(f *testing.F) {
	for _, q := range []pickContext{{}, {State: "state"}, {Scope: scopeMixedProvider, FirstTurn: selector.SessionKey{Lo: 1}}, {Attempt: 3, Tag: 4, Format: sessions.FormatGemini}} {
		id := PickID{start: time.Unix(1_800_000_000, 5), process: 7, count: 9, context: q}
		f.Add(id.String())
		id.seal = seal{7}
		f.Add(id.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParsePickID(text); err == nil && id.String() != text {
			t.Errorf("ParsePickID(%q).String() = %q", text, id.String())
		}
	})
}
