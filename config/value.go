package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxValues bounds what aliases can blow a document up to.
const maxValues = 2_000_000

// reader reads one document, YAML or JSON, and collects what is wrong with it.
type reader struct {
	findings

	values int // visited so far
}

// value is one value of a document and where it stands. Its methods report what is wrong and then return ok as false.
type value struct {
	r     *reader
	node  *yaml.Node // aliases are resolved
	line  int
	field string
}

// member is one key of an object with its value.
type member struct {
	key string
	value
}

// at is the value of a node that is used at a line.
func (r *reader) at(node *yaml.Node, line int, field string) value {
	for node.Kind == yaml.AliasNode && node.Alias != nil {
		node = node.Alias
	}
	r.values++
	if r.values == maxValues {
		r.add(Problem{Line: line, Field: field, Message: fmt.Sprintf("is past %d values, aliases included", maxValues)})
	}
	return value{r: r, node: node, line: line, field: field}
}

func (v value) problemf(format string, args ...any) {
	v.r.add(Problem{Line: v.line, Field: v.field, Message: fmt.Sprintf(format, args...)})
}

// wrong reports a value of the wrong type. The value itself is not repeated: it may be a secret in the wrong place.
func (v value) wrong(allowed string) {
	v.problemf("is %s; allowed: %s", v.kind(), allowed)
}

func (v value) isNull() bool { return v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!null" }

// kind names the type of the value, for people.
func (v value) kind() string {
	switch v.node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
	default:
		return "nothing that can be read"
	}
	switch tag := v.node.ShortTag(); tag {
	case "!!null":
		return "empty"
	case "!!bool":
		return "a truth value"
	case "!!int", "!!float":
		return "a number"
	case "!!str", "!!timestamp":
		return "text"
	default:
		return "something with a tag of its own"
	}
}

// members are the keys and values of a mapping; null has none. A key that is there twice is reported.
func (v value) members() []member {
	if v.isNull() || v.r.values >= maxValues {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		v.wrong("a mapping of keys to values")
		return nil
	}
	lines := make(map[string]int, len(v.node.Content)/2)
	list := make([]member, 0, len(v.node.Content)/2)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, node := v.node.Content[i], v.node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			v.r.add(Problem{Line: key.Line, Field: v.field, Message: "has a key that is not text"})
			continue
		}
		m := member{key.Value, v.r.at(node, key.Line, join(v.field, key.Value))}
		if first, ok := lines[key.Value]; ok {
			m.problemf("duplicate key; the first is on line %d", first)
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

// fields are the keys that an object can have, and what reads them.
type fields map[string]func(value)

// object reads a mapping. Keys that are not known are reported, with the nearest that is.
func (v value) object(known fields) (present map[string]bool) {
	present = make(map[string]bool)
	for _, m := range v.members() {
		read, ok := known[m.key]
		if !ok {
			m.unknown(known)
			continue
		}
		present[m.key] = true
		read(m.value)
	}
	return present
}

func (m member) unknown(known fields) {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	perhaps := ""
	if m.key == "<<" {
		perhaps = ", merging is not supported"
	} else if near := nearest(m.key, names); near != "" {
		perhaps = fmt.Sprintf(", did you mean %s?", near)
	}
	m.problemf("unknown key%s; allowed: %s", perhaps, strings.Join(names, ", "))
}

// list is the elements of a list of at most limit; null has none.
func (v value) list(limit int) []value {
	if v.isNull() || v.r.values >= maxValues {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.wrong("a list")
		return nil
	}
	if n := len(v.node.Content); n > limit {
		v.problemf("has %d elements; allowed: at most %d", n, limit)
		return nil
	}
	elements := make([]value, len(v.node.Content))
	for i, node := range v.node.Content {
		elements[i] = v.r.at(node, node.Line, v.field+"["+strconv.Itoa(i)+"]")
	}
	return elements
}

// scalar is the text of a value that need not be text: a number or truth value as it is written.
func (v value) scalar(limit int) (string, bool) {
	switch v.kind() {
	case "text", "a number", "a truth value":
		return v.sized(limit)
	}
	v.wrong("text")
	return "", false
}

// text is any text of at most limit bytes.
func (v value) text(limit int) (string, bool) {
	switch v.kind() {
	case "text":
		return v.sized(limit)
	case "a number", "a truth value":
		v.wrong("text, so put it in quotes")
	default:
		v.wrong("text")
	}
	return "", false
}

func (v value) sized(limit int) (string, bool) {
	if n := len(v.node.Value); n > limit {
		v.problemf("has %d bytes; allowed: at most %d", n, limit)
		return "", false
	}
	return v.node.Value, true
}

// checked is text that a rule finds nothing wrong with. The rule answers with words for people.
func (v value) checked(limit int, rule func(text string) string) (string, bool) {
	text, ok := v.text(limit)
	if !ok {
		return "", false
	}
	if wrong := rule(text); wrong != "" {
		v.problemf("%s", wrong)
		return "", false
	}
	return text, true
}

// texts is a list of checked text.
func (v value) texts(length, limit int, rule func(text string) string) []string {
	var list []string
	for _, element := range v.list(length) {
		if text, ok := element.checked(limit, rule); ok {
			list = append(list, text)
		}
	}
	return list
}

// word is one of some words.
func (v value) word(allowed ...string) string {
	list := strings.Join(allowed, ", ")
	if v.kind() != "text" {
		v.wrong(list)
		return ""
	}
	if !slices.Contains(allowed, v.node.Value) {
		perhaps := ""
		if near := nearest(v.node.Value, allowed); near != "" {
			perhaps = fmt.Sprintf(", did you mean %s?", near)
		}
		v.problemf("is none of the words%s; allowed: %s", perhaps, list)
		return ""
	}
	return v.node.Value
}

func (v value) boolean() bool {
	var yes bool
	if v.kind() != "a truth value" || v.node.Decode(&yes) != nil {
		v.wrong("true or false")
	}
	return yes
}

// integer is a whole number between two others.
func (v value) integer(low, high int64) (int64, bool) {
	allowed := fmt.Sprintf("a whole number from %d to %d", low, high)
	if v.kind() != "a number" {
		v.wrong(allowed)
		return 0, false
	}
	var n int64
	if v.node.ShortTag() != "!!int" || v.node.Decode(&n) != nil || n < low || n > high {
		v.problemf("%s does not fit; allowed: %s", quoted(v.node.Value), allowed)
		return 0, false
	}
	return n, true
}

// duration is a time span between two others; 0 for what is none, which was reported.
func (v value) duration(low, high time.Duration) time.Duration {
	allowed := fmt.Sprintf("a duration from %s to %s, such as 30m", short(low), short(high))
	switch v.kind() {
	case "text":
	case "a number":
		v.problemf("is a number without a unit; allowed: %s", allowed)
		return 0
	default:
		v.wrong(allowed)
		return 0
	}
	d, err := time.ParseDuration(v.node.Value)
	if err != nil {
		v.problemf("%s is not a duration; allowed: %s", quoted(v.node.Value), allowed)
		return 0
	}
	if d < low || d > high {
		v.problemf("%s is out of range; allowed: %s", quoted(v.node.Value), allowed)
		return 0
	}
	return d
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
