package document_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credbroker/credbroker/internal/document"
)

type section struct {
	Name  string
	On    bool
	Count int
	Level string
	Span  time.Duration
	Limit *int
	Parts []section
}

func sectionType(s *section) document.Type {
	return document.Object(document.Keys{
		"name":  document.Text(&s.Name, 8, func(string) string { return "" }),
		"on":    document.Boolean(&s.On),
		"count": document.Integer(&s.Count, 1, 9),
		"level": document.Enum(&s.Level, "low", "high").Doc("How much."),
		"span":  document.Duration(&s.Span, time.Second, time.Hour),
		"limit": document.Optional(&s.Limit, func(to *int) document.Type { return document.Integer(to, 0, 5) }),
		"parts": document.NewType(nil, func(v document.Value) { v.Read(document.List(&s.Parts, 3, sectionType)) }),
		"title": document.Renamed("name"),
	})
}

func read(text string, parse func(*document.File, []byte) (document.Value, bool)) (section, document.Problems) {
	var s section
	file := document.NewFile("f")
	if root, ok := parse(file, []byte(text)); ok {
		root.Read(sectionType(&s))
	}
	return s, file.Problems()
}

func TestReadIsTheSameForYAMLAndJSON(t *testing.T) {
	two := 2
	want := section{Name: "a", On: true, Count: 3, Level: "high", Span: time.Minute, Limit: &two, Parts: []section{{Name: "b"}}}
	const text = `{"name": "a", "on": true, "count": 3, "level": "high", "span": "1m", "limit": 2, "parts": [{"name": "b"}]}`
	for name, parse := range map[string]func(*document.File, []byte) (document.Value, bool){
		"YAML": (*document.File).YAML, "JSON": (*document.File).JSON,
	} {
		if got, problems := read(text, parse); len(problems) > 0 || !cmp.Equal(got, want) {
			t.Errorf("%s: read %s = %+v, %v, want %+v", name, text, got, problems, want)
		}
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a renamed key is named anew", "title: a", "f:1: title: unknown key, its name is name now; allowed: count, level, limit, name, on, parts, span"},
		{"an enum has the nearest value", "level: hihg", "f:1: level: unknown value, did you mean high?; allowed: low, high"},
		{"elements that are wrong are left out", "parts: [{name: a}, {name: 5}]", "f:1: parts[1].name: is a number; allowed: text, so put it in quotes"},
		{"lines go before the order of keys", "parts:\n- {count: 0}\non: maybe\n", "f:2: parts[0].count: \"0\" does not fit; allowed: a whole number from 1 to 9\n" +
			"f:3: on: is text; allowed: true or false"},
		{"a value that holds itself ends", "parts: &a [{parts: *a}]", "f:1: " + strings.Repeat(".parts[0]", 32)[1:] + ": is nested too deep; allowed: 64 levels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, problems := read(c.text, (*document.File).YAML); !strings.HasPrefix(problems.Error(), c.want) {
				t.Errorf("read %q: %v, want %s", c.text, problems, c.want)
			}
		})
	}
}

func TestSchemaHasDefaultsBoundsAndDescriptions(t *testing.T) {
	s := section{Level: "low", Count: 4}
	got := document.Object(document.Keys{
		"level": document.Enum(&s.Level, "low", "high").Doc("How much."),
		"count": document.Integer(&s.Count, 1, 9),
		"old":   document.Renamed("level"),
	}).Schema()
	want := document.Schema{
		"type": []string{"object", "null"}, "additionalProperties": false, "properties": document.Schema{
			"level": document.Schema{"enum": []string{"low", "high"}, "default": "low", "description": "How much."},
			"count": document.Schema{"type": "integer", "minimum": int64(1), "maximum": int64(9), "default": 4},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Schema(): want -, got +\n%s", diff)
	}
}

func TestLineOf(t *testing.T) {
	root, ok := document.NewFile("f").YAML([]byte("a: 1\nb:\n  c:\n    d: 2\n"))
	if !ok || root.LineOf("b.c.d") != 4 || root.LineOf("a") != 1 || root.LineOf("b.d") != 0 || root.LineOf("a.b") != 0 {
		t.Errorf("LineOf finds %d, %d, %d and %d", root.LineOf("b.c.d"), root.LineOf("a"), root.LineOf("b.d"), root.LineOf("a.b"))
	}
}

// Whatever the text is, reading ends, and problems can be shown.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		`{"name":"a","parts":[{"on":true}]}`, "parts: &a [*a, {parts: *a}]", "level: [", "a: 1\n---\nb: 2", "title: x", "span: 3", "\ufeff{}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(*document.File, []byte) (document.Value, bool){(*document.File).YAML, (*document.File).JSON} {
			_, problems := read(text, parse)
			for _, p := range problems {
				if p.Message == "" || p.Line < 0 || len(p.Message) > 2000 || strings.Contains(p.Field, "\n") {
					t.Errorf("read %q: problem %+v", text, p)
				}
			}
		}
	})
}

// A large file of nothing but mistakes costs little more than its parsing: what is only counted is not worked out.
func TestManyUnknownKeys(t *testing.T) {
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&text, "label_%d: 1\n", i)
	}
	file := document.NewFile("f")
	root, ok := file.YAML([]byte(text.String()))
	if !ok {
		t.Fatal(file.Problems())
	}
	var label string
	object := document.Object(document.Keys{"label": document.Text(&label, 10, func(string) string { return "" })})
	root.Read(object)
	if got := file.Problems(); len(got) != 1001 || got[1000].Message != "has 19000 more problems" {
		t.Errorf("%d problems, the last %v", len(got), got[len(got)-1])
	}
	// Every key has its place in the mapping and its field; a message would take many more.
	if allocs := testing.AllocsPerRun(1, func() { root.Read(object) }); allocs > 4*20_000 {
		t.Errorf("reading the rest took %.0f allocations, want at most 4 a key", allocs)
	}
}
