package selector_test

import (
	"math"
	"testing"

	"github.com/credbroker/credbroker/selector"
)

func TestPriorityOf(t *testing.T) {
	for _, c := range []struct {
		name, attribute string
		want            int64
	}{
		{"absent is 0", "", 0},
		{"blank is 0", " \t", 0},
		{"a number", "7", 7},
		{"a negative number", "-7", -7},
		{"a plus sign is allowed", "+7", 7},
		{"white space around is allowed", "\u00a0 7\n", 7},
		{"leading zeros are allowed", "007", 7},
		{"the greatest", "9223372036854775807", math.MaxInt64},
		{"the least", "-9223372036854775808", math.MinInt64},
		{"past the greatest is 0", "9223372036854775808", 0},
		{"past the least is 0", "-9223372036854775809", 0},
		{"two signs are unreadable", "--7", 0},
		{"a sign alone is unreadable", "-", 0},
		{"a space after the sign is unreadable", "- 7", 0},
		{"a fraction is unreadable", "7.0", 0},
		{"an exponent is unreadable", "1e3", 0},
		{"hexadecimal is unreadable", "0x10", 0},
		{"underscores are unreadable", "1_000", 0},
		{"digits of other scripts are unreadable", "７", 0},
		{"words are unreadable", "high", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := selector.PriorityOf(c.attribute); got != c.want {
				t.Errorf("PriorityOf(%q) = %d, want %d", c.attribute, got, c.want)
			}
		})
	}
}

func TestPrioritySettingBeatsTheAttribute(t *testing.T) {
	both := auth("both", priority(-1))
	both.Attributes["priority"] = "9"
	p := newPlayer(t, selector.Config{}, both, auth("none"))
	if got := p.pick(selector.Request{Provider: "p"}); got != "none" {
		t.Errorf("Pick = %s, want none: the setting says -1", got)
	}
}

func TestWebSocketsOn(t *testing.T) {
	for _, c := range []struct {
		name      string
		attribute string
		metadata  any
		want      bool
	}{
		{"absent is off", "", nil, false},
		{"the attribute decides", "true", false, true},
		{"the attribute decides against metadata", "false", true, false},
		{"an unreadable attribute leaves it to metadata", "maybe", true, true},
		{"an absent attribute leaves it to metadata", "", true, true},
		{"metadata may be text", "", "T", true},
		{"text in metadata is trimmed", "", " 1 ", true},
		{"other text in metadata is off", "", "yes", false},
		{"numbers in metadata are off", "", 1, false},
		{"white space in the attribute goes", "\ttrue ", nil, true},
		{"1", "1", nil, true}, {"t", "t", nil, true}, {"T", "T", nil, true}, {"TRUE", "TRUE", nil, true}, {"True", "True", nil, true},
		{"0", "0", true, false}, {"f", "f", true, false}, {"F", "F", true, false}, {"FALSE", "FALSE", true, false}, {"False", "False", true, false},
		{"tRUE is no word", "tRUE", nil, false}, {"on is no word", "on", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := selector.WebSocketsOn(c.attribute, c.metadata); got != c.want {
				t.Errorf("WebSocketsOn(%q, %v) = %t, want %t", c.attribute, c.metadata, got, c.want)
			}
		})
	}
}

func TestStrategyNames(t *testing.T) {
	for strategy, want := range map[selector.Strategy]string{
		selector.RoundRobin: "round-robin", selector.FillFirst: "fill-first", selector.WeightedRoundRobin: "weighted-round-robin", 200: "unknown",
	} {
		if got := strategy.String(); got != want {
			t.Errorf("String of strategy %d = %q, want %q", strategy, got, want)
		}
	}
}

func TestSessionKeyIsReadBack(t *testing.T) {
	for text, key := range map[string]selector.SessionKey{
		"00000000000000000000000000000000": {},
		"0000000000000001ffffffffffffffff": {Hi: 1, Lo: math.MaxUint64},
		"0123456789abcdeffedcba9876543210": {Hi: 0x0123456789abcdef, Lo: 0xfedcba9876543210},
	} {
		if got := key.String(); got != text {
			t.Errorf("String of %#v = %q, want %q", key, got, text)
		}
		if got, ok := selector.ParseSessionKey(text); !ok || got != key {
			t.Errorf("ParseSessionKey(%q) = %v, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "0", "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba98765432100", "g123456789abcdeffedcba9876543210"} {
		if got, ok := selector.ParseSessionKey(text); ok {
			t.Errorf("ParseSessionKey(%q) = %v, want refused", text, got)
		}
	}
}
