package document

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Type is what a key can hold: how a value of it is read to where it belongs, and what the JSON Schema says of it.
type Type struct {
	read    func(Value)
	schema  func() Schema
	doc     string
	renamed string // the key's new name
}

// Schema is a JSON Schema, or part of one.
type Schema map[string]any

// NewType is a type that is read in its own way.
func NewType(schema func() Schema, read func(Value)) Type { return Type{read: read, schema: schema} }

// Renamed stands for a key that has another name now. It is refused with the new name.
func Renamed(to string) Type { return Type{renamed: to} }

// Read reads the value as a type.
func (v Value) Read(t Type) { t.read(v) }

// good tells whether a value was read as a type and nothing was wrong with it.
func (t Type) good(v Value) bool {
	before := v.file.count()
	t.read(v)
	return v.file.count() == before
}

// Schema of the type, with the defaults that stand where its values are read to.
func (t Type) Schema() Schema {
	s := t.schema()
	if t.doc != "" {
		s["description"] = t.doc
	}
	return s
}

// With adds to the schema; nil takes away.
func (t Type) With(more Schema) Type {
	before := t.schema
	t.schema = func() Schema {
		s := before()
		for name, value := range more {
			if value == nil {
				delete(s, name)
			} else {
				s[name] = value
			}
		}
		return s
	}
	return t
}

// Doc says what the key is for.
func (t Type) Doc(text string) Type {
	t.doc = text
	return t
}

// Then looks at a value after it was read and nothing was wrong with its kind.
func (t Type) Then(check func(Value)) Type {
	read := t.read
	t.read = func(v Value) {
		read(v)
		check(v)
	}
	return t
}

// Text is text of at most limit bytes that a rule finds nothing wrong with.
func Text(to *string, limit int, rule func(text string) string) Type {
	return Type{
		read: func(v Value) {
			text, ok := v.Text(limit)
			if wrong := rule(text); ok && wrong != "" {
				v.Problemf("%s", wrong)
				text = ""
			}
			*to = text
		},
		schema: func() Schema {
			s := Schema{"type": "string", "maxLength": limit}
			if rule("") != "" {
				s["minLength"] = 1
			}
			if *to != "" {
				s["default"] = *to
			}
			return s
		},
	}
}

// Enum is one of some values, each named by how it prints.
func Enum[T comparable](to *T, allowed ...T) Type {
	names := func() []string {
		list := make([]string, len(allowed))
		for i, value := range allowed {
			list[i] = fmt.Sprint(value)
		}
		return list
	}
	return Type{
		read: func(v Value) {
			if name, ok := v.Enum(names()...); ok {
				*to = allowed[slices.Index(names(), name)]
			}
		},
		schema: func() Schema {
			s := Schema{"enum": names()}
			if slices.Contains(allowed, *to) {
				s["default"] = fmt.Sprint(*to)
			}
			return s
		},
	}
}

// Boolean is true or false.
func Boolean(to *bool) Type {
	return Type{
		read: func(v Value) {
			if *to = false; v.Kind() != KindBoolean || v.node.Decode(to) != nil {
				v.Wrong("true or false")
			}
		},
		schema: func() Schema { return Schema{"type": "boolean", "default": *to} },
	}
}

// Integer is a whole number between two others.
func Integer[T ~int | ~int64 | ~uint32](to *T, low, high int64) Type {
	return Type{
		read:   func(v Value) { *to = T(v.integer(low, high)) },
		schema: func() Schema { return Schema{"type": "integer", "minimum": low, "maximum": high, "default": *to} },
	}
}

// Duration is a time span between two others.
func Duration(to *time.Duration, low, high time.Duration) Type {
	return Type{
		read: func(v Value) { *to = v.duration(low, high) },
		schema: func() Schema {
			s := Schema{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
			if *to != 0 {
				s["default"] = short(*to)
			}
			return s
		},
	}
}

// Size is a number of bytes between two others, such as 8MiB.
func Size(to *int64, low, high int64) Type {
	return Type{
		read: func(v Value) { *to = v.size(low, high) },
		schema: func() Schema {
			s := Schema{"type": "string", "pattern": `^[0-9]+(KiB|MiB|GiB)$`}
			if *to != 0 {
				s["default"] = shortSize(*to)
			}
			return s
		},
	}
}

// Optional is a value that may be absent, or what a type reads.
func Optional[T any](to **T, of func(*T) Type) Type {
	return Type{
		read: func(v Value) {
			if value := new(T); of(value).good(v) {
				*to = value
			}
		},
		schema: func() Schema { return of(new(T)).With(Schema{"default": nil}).Schema() },
	}
}

// List is a list of at most limit values of a type; those that nothing is wrong with are appended. It may be null.
func List[T any](to *[]T, limit int, of func(*T) Type) Type {
	return Type{
		read: func(v Value) {
			for _, element := range v.elements(limit) {
				if value := new(T); of(value).good(element) {
					*to = append(*to, *value)
				}
			}
		},
		schema: func() Schema {
			items := of(new(T)).Schema()
			if kinds, ok := items["type"].([]string); ok {
				items["type"] = kinds[0] // null is for sections that are left empty
			}
			return Schema{"type": []string{"array", "null"}, "maxItems": limit, "items": items}
		},
	}
}

// Keys are the keys of a mapping.
type Keys map[string]Type

// Object is a mapping with these keys and no others. It may be null.
func Object(keys Keys) Type {
	return Type{
		read:   func(v Value) { v.readKeys(keys) },
		schema: keys.schema,
	}
}

func (v Value) readKeys(keys Keys) {
	for _, m := range v.Members() {
		if t, ok := keys[m.Key]; ok && t.renamed == "" {
			t.read(m.Value)
		} else {
			m.unknown(keys)
		}
	}
}

func (m Member) unknown(keys Keys) {
	if m.file.full() {
		m.file.more++
		return
	}
	names := keys.names()
	perhaps := suggestion(m.Key, names)
	switch {
	case m.Key == "<<":
		perhaps = ", merging is not supported"
	case keys[m.Key].renamed != "":
		perhaps = ", its name is " + keys[m.Key].renamed + " now"
	}
	m.Problemf("unknown key%s; allowed: %s", perhaps, strings.Join(names, ", "))
}

func (k Keys) names() []string {
	names := make([]string, 0, len(k))
	for name, t := range k {
		if t.renamed == "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (k Keys) schema() Schema {
	properties := make(Schema, len(k))
	for _, name := range k.names() {
		properties[name] = k[name].Schema()
	}
	return Schema{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
}

// Requires notes keys that a mapping must have.
func (t Type) Requires(names ...string) Type {
	return t.With(Schema{"required": names}).Then(func(v Value) { v.Require(names...) })
}

// Require notes keys that a mapping must have.
func (v Value) Require(names ...string) {
	for _, name := range names {
		if (v.Kind() == KindMapping || v.IsNull()) && !v.Has(name) {
			v.Problemf("has no %s; required: %s", name, strings.Join(names, ", "))
		}
	}
}

// Len is how many keys or elements there are.
func (v Value) Len() int {
	if v.Kind() == KindMapping {
		return len(v.node.Content) / 2
	}
	return len(v.node.Content)
}

// Get is the value of a key of a mapping.
func (v Value) Get(key string) (Value, bool) {
	if v.Kind() != KindMapping {
		return Value{}, false
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if v.node.Content[i].Value == key {
			return v.file.at(v.node.Content[i+1], v.node.Content[i].Line, join(v.Field, key), v.depth+1), true
		}
	}
	return Value{}, false
}

// Under is the value of a key of a mapping, or where it would be.
func (v Value) Under(key string) Value {
	if at, ok := v.Get(key); ok {
		return at
	}
	v.Field = join(v.Field, key)
	return v
}

// Has tells whether a mapping has a key.
func (v Value) Has(key string) bool {
	_, ok := v.Get(key)
	return ok
}

// LineOf is the line of a key below the value, given as a path such as `listen.grpc`; 0: it is not there.
func (v Value) LineOf(path string) int {
	key, rest, deeper := strings.Cut(path, ".")
	at, ok := v.Get(key)
	if !ok || !deeper {
		return at.Line
	}
	return at.LineOf(rest)
}
