package document

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	// maxDepth is how deep values may lie in each other.
	maxDepth = 64
	// maxValues bounds what aliases can blow a document up to.
	maxValues = 2_000_000
)

// Value is one value of a document and where it stands. Its methods note what is wrong and then return ok as false.
type Value struct {
	// Line it is on, and Field, the path of keys and indices to it, such as `auths[3].secret.env`.
	Line  int
	Field string

	file  *File
	node  *yaml.Node // aliases are resolved
	depth int
}

// Member is one key of a mapping with its value.
type Member struct {
	Key string
	Value
}

// at is the value of a node that is used at a line.
func (f *File) at(node *yaml.Node, line int, field string, depth int) Value {
	f.values++
	if f.values == maxValues {
		f.Add(line, field, fmt.Sprintf("is past %d values, aliases included", maxValues))
	}
	return Value{file: f, node: resolve(node), Line: line, Field: field, depth: depth}
}

func resolve(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode && node.Alias != nil {
		node = node.Alias
	}
	return node
}

// Problemf notes what is wrong with the value.
func (v Value) Problemf(format string, args ...any) {
	if v.file.full() {
		v.file.more++
		return
	}
	v.file.Add(v.Line, v.Field, fmt.Sprintf(format, args...))
}

// Wrong notes a value of the wrong type. The value itself is not repeated: it may be a secret in the wrong place.
func (v Value) Wrong(allowed string) {
	v.Problemf("is %s; allowed: %s", v.Kind(), allowed)
}

// Kind is a type of values. Its text is for messages.
type Kind string

// The kinds of values.
const (
	KindNull    Kind = "empty"
	KindBoolean Kind = "a boolean"
	KindNumber  Kind = "a number"
	KindText    Kind = "text"
	KindList    Kind = "a list"
	KindMapping Kind = "a mapping"
	kindTagged  Kind = "something with a tag of its own"
	kindBroken  Kind = "nothing that can be read"
)

// Kind of the value.
func (v Value) Kind() Kind {
	switch v.node.Kind {
	case yaml.MappingNode:
		return KindMapping
	case yaml.SequenceNode:
		return KindList
	case yaml.ScalarNode:
	default:
		return kindBroken
	}
	switch tag := v.node.ShortTag(); tag {
	case "!!null":
		return KindNull
	case "!!bool":
		return KindBoolean
	case "!!int", "!!float":
		return KindNumber
	case "!!str", "!!timestamp":
		return KindText
	default:
		return kindTagged
	}
}

// IsNull tells whether there is a key but no value.
func (v Value) IsNull() bool { return v.Kind() == KindNull }

// Literal is a scalar as it is written.
func (v Value) Literal() string { return v.node.Value }

// below tells whether there is to be a look into the value.
func (v Value) below() bool {
	if v.depth >= maxDepth {
		v.Problemf("is nested too deep; allowed: %d levels", maxDepth)
		return false
	}
	return !v.IsNull() && v.file.values < maxValues
}

// Members are the keys and values of a mapping; null has none. A key that is there twice is noted.
func (v Value) Members() []Member {
	if !v.below() {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		v.Wrong("a mapping of keys to values")
		return nil
	}
	lines := make(map[string]int, len(v.node.Content)/2)
	list := make([]Member, 0, len(v.node.Content)/2)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, node := v.node.Content[i], v.node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			v.file.Add(key.Line, v.Field, "has a key that is not text")
			continue
		}
		m := Member{key.Value, v.file.at(node, key.Line, join(v.Field, key.Value), v.depth+1)}
		if first, ok := lines[key.Value]; ok {
			m.Problemf("duplicate key; the first is on line %d", first)
			continue
		}
		lines[key.Value] = key.Line
		list = append(list, m)
	}
	return list
}

// join is the field of a member.
func join(field, key string) string {
	key = shown(key)
	if field == "" {
		return key
	}
	return field + "." + key
}

// elements are those of a list of at most limit; null has none.
func (v Value) elements(limit int) []Value {
	if !v.below() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.Wrong("a list")
		return nil
	}
	if n := len(v.node.Content); n > limit {
		v.Problemf("has %d elements; allowed: at most %d", n, limit)
		return nil
	}
	elements := make([]Value, len(v.node.Content))
	for i, node := range v.node.Content {
		elements[i] = v.file.at(node, node.Line, v.Field+"["+strconv.Itoa(i)+"]", v.depth+1)
	}
	return elements
}

// Scalar is the text of a value that need not be text: a number or boolean as it is written.
func (v Value) Scalar(limit int) (string, bool) {
	switch v.Kind() {
	case KindText, KindNumber, KindBoolean:
		return v.sized(limit)
	default:
		v.Wrong("text")
		return "", false
	}
}

// Text is any text of at most limit bytes.
func (v Value) Text(limit int) (string, bool) {
	switch v.Kind() {
	case KindText:
		return v.sized(limit)
	case KindNumber, KindBoolean:
		v.Wrong("text, so put it in quotes")
	default:
		v.Wrong("text")
	}
	return "", false
}

func (v Value) sized(limit int) (string, bool) {
	if n := len(v.node.Value); n > limit {
		v.Problemf("has %d bytes; allowed: at most %d", n, limit)
		return "", false
	}
	return v.node.Value, true
}

// Enum is one of some texts.
func (v Value) Enum(allowed ...string) (string, bool) {
	list := strings.Join(allowed, ", ")
	switch {
	case v.Kind() != KindText:
		v.Wrong(list)
		return "", false
	case !slices.Contains(allowed, v.node.Value):
		v.Problemf("unknown value%s; allowed: %s", suggestion(v.node.Value, allowed), list)
		return "", false
	}
	return v.node.Value, true
}

// integer is 0 where there is none between two others.
func (v Value) integer(low, high int64) int64 {
	allowed := fmt.Sprintf("a whole number from %d to %d", low, high)
	if v.Kind() != KindNumber {
		v.Wrong(allowed)
		return 0
	}
	var n int64
	if v.node.ShortTag() != "!!int" || v.node.Decode(&n) != nil || n < low || n > high {
		v.Problemf("%s does not fit; allowed: %s", Quote(v.node.Value), allowed)
		return 0
	}
	return n
}

// hasUnit reports whether it is a text, as an amount with a unit is.
func (v Value) hasUnit(allowed string) bool {
	switch v.Kind() {
	case KindText:
		return true
	case KindNumber:
		v.Problemf("is a number without a unit; allowed: %s", allowed)
	default:
		v.Wrong(allowed)
	}
	return false
}

// duration is 0 where there is none between two others.
func (v Value) duration(low, high time.Duration) time.Duration {
	allowed := fmt.Sprintf("a duration from %s to %s, such as 30m", short(low), short(high))
	if !v.hasUnit(allowed) {
		return 0
	}
	d, err := time.ParseDuration(v.node.Value)
	if err != nil {
		v.Problemf("%s is not a duration; allowed: %s", Quote(v.node.Value), allowed)
		return 0
	}
	if d < low || d > high {
		v.Problemf("%s is out of range; allowed: %s", Quote(v.node.Value), allowed)
		return 0
	}
	return d
}

// size is 0 where there is none between two others.
func (v Value) size(low, high int64) int64 {
	allowed := fmt.Sprintf("a size from %s to %s, such as 8MiB", shortSize(low), shortSize(high))
	if !v.hasUnit(allowed) {
		return 0
	}
	for i, unit := range sizeUnits() {
		digits, ok := strings.CutSuffix(v.node.Value, unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 32)
		if err != nil || n < 0 {
			break
		}
		if n <<= 10 * (i + 1); n < low || n > high {
			v.Problemf("%s is out of range; allowed: %s", Quote(v.node.Value), allowed)
			return 0
		}
		return n
	}
	v.Problemf("%s is not a size; allowed: %s", Quote(v.node.Value), allowed)
	return 0
}

func sizeUnits() [3]string { return [3]string{"KiB", "MiB", "GiB"} }

// shortSize is the size in the largest unit that it is a whole number of.
func shortSize(n int64) string {
	unit := "KiB"
	n >>= 10
	for _, next := range []string{"MiB", "GiB"} {
		if n&1023 != 0 || n == 0 {
			break
		}
		n, unit = n>>10, next
	}
	return strconv.FormatInt(n, 10) + unit
}

// short is the duration without the units that are zero.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
