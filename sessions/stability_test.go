package sessions_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

// Bodies that say the same have the same ids, however they are written; a body that says something else has others.
func TestChainIsStable(t *testing.T) {
	seed := rand.Uint64()
	w := newSimulation(t, seed, false)
	for range 400 {
		k := &dialogue{wire: w.wires[w.IntN(len(w.wires))], turns: []turn{{by: 'u', text: fmt.Sprintf("Hello, \"%d\" \u00e9", w.IntN(1000))}}}
		for range w.IntN(6) {
			w.answer(k)
			w.say(k)
		}
		body := k.wire.request(k.wire, "You help.", k.turns)
		want := sessions.Identify(nil, []byte(body), sessions.IdentificationChain)
		for range 3 {
			other := w.rewritten(t, body)
			if got := sessions.Identify(nil, other, sessions.IdentificationChain); !equal(got, want) || got.Bindable != want.Bindable || got.State != want.State {
				t.Fatalf("seed %d: Identify(%s) = %q\nIdentify(%s) = %q", seed, body, want.IDs, other, got.IDs)
			}
		}
		changed := slices.Clone(k.turns)
		what := w.change(&changed[w.IntN(len(changed))])
		if got := sessions.Identify(nil, []byte(k.wire.request(k.wire, "You help.", changed)), sessions.IdentificationChain); got.IDs[0] == want.IDs[0] {
			t.Fatalf("seed %d: %s: another %s does not change the id %q: %+v", seed, k.wire.name, what, got.IDs[0], changed)
		}
	}
}

// change puts something else in place of one thing in a turn, and says of what.
func (w *simulation) change(of *turn) (what string) {
	switch {
	case of.by == 'r':
		of.result += "x"
		return "result"
	case of.tool != "" && w.IntN(2) == 0:
		of.number++
		of.id += "x"
		return "argument"
	case of.tool != "":
		of.tool += "x"
		of.id += "x"
		return "tool"
	default:
		of.text += "!"
		of.id += "x"
		return "text"
	}
}

// rewritten is the same JSON in other words: another order of members, other white space, escapes and numbers.
func (w *simulation) rewritten(t *testing.T, body string) []byte {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var b bytes.Buffer
	w.write(&b, value)
	return b.Bytes()
}

func (w *simulation) write(b *bytes.Buffer, value any) {
	space := func() {
		for w.IntN(4) == 0 {
			b.WriteByte(" \t\r\n"[w.IntN(4)])
		}
	}
	space()
	switch v := value.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		w.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for i, name := range names {
			b.WriteByte("{,"[min(i, 1)])
			space()
			w.writeText(b, name)
			space()
			b.WriteByte(':')
			w.write(b, v[name])
		}
		if len(names) == 0 {
			b.WriteByte('{')
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			w.write(b, element)
		}
		b.WriteByte(']')
	case string:
		w.writeText(b, v)
	case json.Number:
		f, _ := v.Float64()
		fmt.Fprintf(b, [4]string{"%g", "%.3f", "%e", "%E"}[w.IntN(4)], f)
	default:
		fmt.Fprint(b, map[any]string{nil: "null", true: "true", false: "false"}[v])
	}
	space()
}

// writeText writes a string with escapes where it may have some.
func (w *simulation) writeText(b *bytes.Buffer, text string) {
	b.WriteByte('"')
	odd := w.IntN(2) == 0
	for _, char := range text {
		switch escape := odd && w.IntN(5) == 0; {
		case char == '/' && escape:
			b.WriteString(`\/`)
		case char > 0xffff && escape:
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+(char-0x10000)>>10, 0xdc00+(char-0x10000)&0x3ff)
		case char <= 0xffff && escape:
			fmt.Fprintf(b, [2]string{`\u%04x`, `\u%04X`}[w.IntN(2)], char)
		default:
			quoted, _ := json.Marshal(string(char))
			b.Write(quoted[1 : len(quoted)-1])
		}
	}
	b.WriteByte('"')
}
