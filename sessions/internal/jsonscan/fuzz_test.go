package jsonscan_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// FuzzCursor compares with gjson what is JSON; of all else it asks that reading ends.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `[]`, `null`, ` [1, -0.0, 1e3, 1E400, true, false, null, "a", {"b":[{}]}] `, `{"a":1,"a":{"b":"\u00e9\ud83d\ude00"}}`,
		`{"\u0061b":"\"\\\/\b\f\n\r\t","c d":[[[]],{"e":""}]}`, `{"a":"` + "\xff" + `","b":"\u0000x"}`, `{"a":nan,"b":(1),"c":"cut`,
		`[{"a":"0123456789abcdef\\"},"\\\\\"]"]`, `{"a" 1 "b":]}`, `"\ud83d"`, `{"a name longer than any, with an \u0065scape":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := jsonscan.At(body, 0)
		if gjson.ValidBytes(body) && !halfPair.Match(body) {
			c = jsonscan.At(body, len(body)-len(bytes.TrimLeft(body, " \t\r\n")))
			compare(t, &c, gjson.ParseBytes(body))
			return
		}
		steps := 2*len(body) + 2
		readThrough(t, &c, &steps)
	})
}

// halfPair finds escapes that may be half a surrogate pair, of which gjson has had two readings.
var halfPair = regexp.MustCompile(`(?i)u\s*d[89a-f]`)

// compare reads the value at c, and once more what is in it.
func compare(t *testing.T, c *jsonscan.Cursor, want gjson.Result) {
	t.Helper()
	inside := *c
	value, ok := c.Value()
	if source := inside.Until(c).Raw; !ok || string(source) != strings.TrimSpace(want.Raw) {
		t.Fatalf("Value() = %q, %v, want %q", source, ok, want.Raw)
	}
	compareText(t, value, want)
	if !want.IsObject() && !want.IsArray() {
		return
	}
	inside.Enter()
	seen := map[string]bool{}
	want.ForEach(func(name, element gjson.Result) bool {
		if want.IsArray() {
			if !inside.Element() {
				t.Fatalf("Element() = false where %q has %q", want.Raw, element.Raw)
			}
		} else {
			raw, ok := inside.Member()
			if !ok || text(jsonscan.Value{Kind: jsonscan.String, Raw: raw}) != name.Str {
				t.Fatalf("Member() = %q, %v, want %q", raw, ok, name.Str)
			}
			if plain := !strings.ContainsAny(name.Raw, `\`) && len(name.Str) <= len(jsonscan.NameBuffer{}); plain && !seen[name.Str] {
				seen[name.Str] = true
				compareText(t, value.Get(name.Str), element)
			}
		}
		compare(t, &inside, element)
		return true
	})
	more := want.IsArray() && inside.Element()
	if want.IsObject() {
		_, more = inside.Member()
	}
	if more || len(inside.Until(c).Raw) > 0 {
		t.Fatalf("reading through %q does not end behind it", want.Raw)
	}
}

func compareText(t *testing.T, value jsonscan.Value, result gjson.Result) {
	t.Helper()
	want := result.String()
	if result.Type == gjson.JSON {
		want = strings.TrimSpace(result.Raw)
	}
	var head [5]byte
	n := value.Text().Head(head[:])
	if got := text(value); got != want || string(head[:n]) != want[:min(len(head), len(want))] || value.Text().Empty() != (want == "") {
		t.Fatalf("text of %q = %q, head %q, want %q", result.Raw, got, head[:n], want)
	}
}

// text is what the value means, read in small pieces.
func text(v jsonscan.Value) string {
	var all []byte
	var buf [7]byte
	r := v.Text()
	for piece := r.Next(buf[:]); len(piece) > 0; piece = r.Next(buf[:]) {
		all = append(all, piece...)
	}
	return string(all)
}

// readThrough goes into everything.
func readThrough(t *testing.T, c *jsonscan.Cursor, steps *int) {
	t.Helper()
	if *steps--; *steps < 0 {
		t.Fatal("reading takes more steps than there are bytes")
	}
	kind := c.Kind()
	switch kind {
	case jsonscan.Object:
		c.Enter()
		for _, ok := c.Member(); ok; _, ok = c.Member() {
			readThrough(t, c, steps)
		}
	case jsonscan.Array:
		c.Enter()
		for c.Element() {
			readThrough(t, c, steps)
		}
	default:
		if v, ok := c.Value(); ok {
			v.Trim()
			text(v)
		}
	}
}
