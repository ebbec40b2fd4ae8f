package server

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestPickIDRoundTrip(t *testing.T) {
	for _, want := range []pickID{
		{Start: time.Unix(0, 0)},
		{Start: time.Unix(1_800_000_000, 123_456_789), Process: mask48, Count: mask48},
		{Start: time.Unix(1_800_000_000, 1), Process: 1, Count: 2},
	} {
		text := want.String()
		got, err := parsePickID(text)
		if err != nil || !got.Start.Equal(want.Start) || got.Process != want.Process || got.Count != want.Count {
			t.Errorf("parsePickID(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestPickIDsDiffer(t *testing.T) {
	a, b := newIDSource(), newIDSource()
	now := time.Unix(1_800_000_000, 0)
	seen := make(map[string]bool)
	for range 1000 {
		seen[a.pickID(now)], seen[b.pickID(now)] = true, true
	}
	if len(seen) != 2000 {
		t.Errorf("2,000 picks have %d ids", len(seen))
	}
	if id := a.requestID(); !validRequestID(id) || id == a.requestID() {
		t.Errorf("requestID() = %q, want a valid one that does not repeat", id)
	}
}

func TestParsePickIDRefuses(t *testing.T) {
	good := pickID{Start: time.Unix(1_800_000_000, 0)}.String()
	wrongVersion := make([]byte, pickIDBytes)
	wrongVersion[0] = pickIDVersion + 1
	for _, tt := range []struct{ name, text string }{
		{"empty", ""},
		{"too short", good[1:]},
		{"too long", good + "A"},
		{"huge", strings.Repeat("A", 1<<20)},
		{"not base64url", strings.Replace(good, good[5:6], "+", 1)},
		{"line break", good[:27] + "\n"},
		{"another version", base64.RawURLEncoding.EncodeToString(wrongVersion)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if id, err := parsePickID(tt.text); err == nil {
				t.Errorf("parsePickID(%.40q) = %v, want an error", tt.text, id)
			}
		})
	}
}

func FuzzPickID(f *testing.F) {
	f.Add(pickID{Start: time.Unix(1_800_000_000, 5), Process: 7, Count: 9}.String())
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := parsePickID(text); err == nil && id.String() != text {
			t.Errorf("parsePickID(%q).String() = %q", text, id.String())
		}
	})
}
