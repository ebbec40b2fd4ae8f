package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxCell is the longest text of a table cell, in characters; the JSON output has all of it.
const maxCell = 80

// clean makes text from elsewhere fit for a terminal: control characters become visible, so that no text can move the
// cursor, start a new line, turn the direction of what follows or hide.
func clean(text string) string {
	bad := func(r rune) bool { return !unicode.IsGraphic(r) }
	if !strings.ContainsFunc(text, bad) && utf8.ValidString(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if bad(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// oneLine is clean with line breaks as blanks, for text that may rightly have them.
func oneLine(text string) string {
	return clean(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " "))
}

// cell is text for a table: clean, not too long, `-` if empty.
func cell(text string) string {
	text = strings.TrimSpace(clean(text))
	if text == "" {
		return "-"
	}
	if utf8.RuneCountInString(text) > maxCell {
		return string([]rune(text)[:maxCell-1]) + "…"
	}
	return text
}

// span is a duration to the second, such as 4m10s. What has not passed yet is never 0s.
func span(d time.Duration) string {
	if 0 < d && d < time.Second {
		return "1s"
	}
	return d.Round(time.Second).String()
}

// timeLeft is the time until t, `-` if there is no such time, and `over` if it has come.
func (a *app) timeLeft(t *timestamppb.Timestamp) string {
	if t == nil {
		return "-"
	}
	left := t.AsTime().Sub(a.now())
	if left <= 0 {
		return "over"
	}
	return span(left)
}

// ago is the time since t, `-` if there is no such time.
func (a *app) ago(t *timestamppb.Timestamp) string {
	if t == nil {
		return "-"
	}
	return span(max(0, a.now().Sub(t.AsTime()))) + " ago"
}

// enumName is an enum value without the prefix that all values of the enum share: AUTH_STATE_READY is READY.
func enumName(value fmt.Stringer, prefix string) string {
	w := strings.TrimPrefix(value.String(), prefix)
	if w == "UNSPECIFIED" {
		return "-"
	}
	return w
}

// The prefixes of the contract's enums.
const (
	prefixState    = "AUTH_STATE_"
	prefixKind     = "AUTH_KIND_"
	prefixOrigin   = "AUTH_ORIGIN_"
	prefixCooldown = "COOLDOWN_KIND_"
	prefixSource   = "SESSION_SOURCE_"
	prefixBinding  = "BINDING_"
	prefixReason   = "CANDIDATE_REASON_"
	prefixStrategy = "STRATEGY_"
)
