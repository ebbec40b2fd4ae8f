package jsonscan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// What is passed over looks at several bytes in one go: every token is tried at every distance from the one before.
func TestValueEndsAtItsBracketOrQuote(t *testing.T) {
	for _, token := range []string{`"`, `\\"`, `\""`, `\\\""`, `\"\""`, `x\u0022"`} {
		for before := range 40 {
			for between := range 9 {
				pad, space := strings.Repeat("x", before), strings.Repeat(" ", between)
				body := fmt.Sprintf(`[%s"%s%s%s{"}]":[ [%s]%s ]}%s,1]2`, space, pad, token, space, space, space, space)
				want := body[:len(body)-1]
				c := jsonscan.At([]byte(body), 0)
				if v, ok := c.Value(); !ok || string(v.Raw) != want {
					t.Fatalf("Value() of %s = %q, %v", body, v.Raw, ok)
				}
				c = jsonscan.At([]byte(want[:len(want)-1]), 0)
				if v, ok := c.Value(); !ok || string(v.Raw) != want[:len(want)-1] {
					t.Fatalf("Value() of %s, cut = %q, %v", want[:len(want)-1], v.Raw, ok)
				}
				c = jsonscan.At([]byte(body), 1+between)
				if v, ok := c.Value(); !ok || string(v.Raw) != pad+token[:len(token)-1] {
					t.Fatalf("Value() of the string in %s = %q, %v", body, v.Raw, ok)
				}
			}
		}
	}
}

func TestStringsAreCanonicalWithoutOtherEscapes(t *testing.T) {
	for body, want := range map[string]bool{
		`"a"`: false, `"\n\\\"\t"`: false, `"\u0000"`: true, `"a\/b"`: true, `"\\u"`: false, `"é"`: false,
		`"01234567\u00e9"`: true, `"01234567\\/"`: false,
	} {
		c := jsonscan.At([]byte(body), 0)
		if v, ok := c.Value(); !ok || v.NonCanonical != want {
			t.Errorf("Value() of %s = %+v, %v, want NonCanonical %v", body, v, ok, want)
		}
	}
}

func TestTrimTakesEscapedWhiteSpace(t *testing.T) {
	for raw, want := range map[string]string{
		`a`: `a`, ` a `: `a`, `\n\t\r a\u0020\n`: `a`, `\u000aa\u000A `: `a`, `\\n`: `\\n`, `a\\n`: `a\\n`, `a\\\n`: `a\\`, `\u00a0a\u00a0`: `\u00a0a\u00a0`,
		` `: ``, `\n`: ``, `\`: `\`, `\u00`: `\u00`, `a\x`: `a\x`,
	} {
		if got := (jsonscan.Value{Kind: jsonscan.String, Raw: []byte(raw)}).Trim(); string(got.Raw) != want {
			t.Errorf("Trim() of %s = %s, want %s", raw, got.Raw, want)
		}
	}
}

// Members of an object are found whatever their order, and the objects behind it are not lost.
func TestObjects(t *testing.T) {
	for _, body := range []string{
		`[{"a":1,"b":"x"}, 5, "s", [{"a":9}], {"b":"y","a":2}, {"c":{"a":7}}, {"a":3}] tail`,
		`{"p":{"a":1,"b":"x"},"q":5,"r":"s","s":[{"a":9}],"t":{"b":"y","a":2},"u":{"c":{"a":7}},"v":{"a":3}} tail`,
	} {
		for read := range 5 {
			objects := jsonscan.ObjectsAt(jsonscan.At([]byte(body), 0))
			var got []string
			for len(got) < read && objects.Next() {
				got = append(got, fmt.Sprintf("%s%s%s", objects.Get("b").Raw, objects.Get("a").Raw, objects.Get("b").Raw))
			}
			if want := []string{"x1x", "y2y", "", "3"}[:min(read, 4)]; strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("the first %d objects of %s have %q, want %q", read, body, got, want)
			}
			begin, end := jsonscan.At([]byte(body), 0), objects.End()
			if raw := begin.Until(&end).Raw; string(raw)+" tail" != body {
				t.Errorf("after %d objects, End is behind %q", read, raw)
			}
		}
	}
}

// BenchmarkValue passes over one value of 1 MB, in turns with gjson's pass over the same bytes.
func BenchmarkValue(b *testing.B) {
	for _, shape := range []struct{ name, repeated string }{
		{"long-strings", `"` + strings.Repeat("if err != nil { return } // naïve\\n", 40) + `",`},
		{"short-strings", `{"role":"user","text":"go on"},`},
		{"numbers", `[1,2.5,-3,40000],`},
		{"escapes", `"a \"b\" \\ c\n",`},
	} {
		body := []byte("[" + strings.Repeat(shape.repeated, (1<<20)/len(shape.repeated)) + "0]")
		b.Run("of="+shape.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				c := jsonscan.At(body, 0)
				if _, ok := c.Value(); !ok {
					b.Fatal("no value")
				}
			}
		})
		b.Run("gjson-of="+shape.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			text := `{"a":` + string(body) + `}`
			for b.Loop() {
				gjson.Parse(text).ForEach(func(_, _ gjson.Result) bool { return true })
			}
		})
	}
}
