package sessions

import "bytes"

// kind is what a JSON value is. The zero value is that of a member that is not there.
type kind uint8

const (
	absent kind = iota
	null
	boolean
	number
	text
	object
	list
)

// begins tells which kind of value begins with a byte. It is never written.
var begins = [256]kind{
	'"': text, '{': object, '[': list, 't': boolean, 'f': boolean, 'n': null,
	'+': number, '-': number, '0': number, '1': number, '2': number, '3': number, '4': number, '5': number, '6': number,
	'7': number, '8': number, '9': number, 'i': number, 'I': number, 'N': number,
}

// value is one JSON value where it lies: of a string what stands between its quotes, of all others the source.
type value struct {
	kind kind
	raw  []byte
	// odd: a string that may have other escapes than JSON asks for.
	odd bool
}

// is reports whether the value is the string want.
func (v value) is(want string) bool { return v.kind == text && named(v.raw, want) }

// cursor moves over JSON.
type cursor struct {
	b []byte
	i int
}

// at is a cursor at an offset; below 0, it is at nothing.
func at(b []byte, offset int) cursor { return cursor{b: b, i: offset} }

// kind of the value that begins here; absent at the end of everything.
func (c *cursor) kind() kind {
	if c.i < 0 || c.i >= len(c.b) {
		return absent
	}
	return begins[c.b[c.i]]
}

// next moves to the value of the next member of the object that was entered, and gives the member's name as it stands
// in the source; without one, it moves past the object.
func (c *cursor) next() (name []byte, ok bool) {
	name, ok = c.name()
	return name, ok && c.seek()
}

// name moves past the next name.
func (c *cursor) name() (raw []byte, ok bool) {
	for ; c.i < len(c.b); c.i++ {
		switch c.b[c.i] {
		case '"':
			raw, _, ok = c.quoted()
			return raw, ok
		case '}':
			c.i++
			return nil, false
		}
	}
	return nil, false
}

// element moves to the next element of the list that was entered; without one, past the list.
func (c *cursor) element() bool {
	for ; c.i < len(c.b); c.i++ {
		if begins[c.b[c.i]] != absent {
			return true
		}
		if marks[c.b[c.i]] == closes {
			c.i++
			return false
		}
	}
	return false
}

// seek moves to where the value of a name begins.
func (c *cursor) seek() bool {
	for ; c.i < len(c.b); c.i++ {
		if begins[c.b[c.i]] != absent {
			return true
		}
	}
	return false
}

// enter moves into the object or list that begins here.
func (c *cursor) enter() { c.i++ }

// until is the value that begins here and that end is just past.
func (c *cursor) until(end *cursor) value { return value{kind: c.kind(), raw: c.b[c.i:end.i]} }

// leave moves past the object or list that was entered.
func (c *cursor) leave() { c.i = skip(c.b, c.i) }

// member moves to the first value of that name of the object that begins here; without one, past the object.
func (c *cursor) member(name string) bool {
	c.enter()
	for {
		raw, ok := c.next()
		if !ok {
			return false
		}
		if named(raw, name) {
			return true
		}
		if _, ok := c.value(); !ok {
			return false
		}
	}
}

// get is the first value of that name of the object that begins here.
func (c *cursor) get(name string) value {
	if !c.member(name) {
		return value{}
	}
	v, _ := c.value()
	return v
}

// quoted moves past the string that begins here.
func (c *cursor) quoted() (raw []byte, odd, ok bool) {
	start := c.i + 1
	end, odd := stringEnd(c.b, start)
	if end < 0 {
		c.i = len(c.b)
		return nil, false, false
	}
	c.i = end
	return c.b[start : end-1], odd, true
}

// value moves past the value that begins here. Without one, and after a string without an end, it is at the end.
func (c *cursor) value() (v value, ok bool) {
	start := c.i
	switch v.kind = c.kind(); v.kind {
	case absent:
		return value{}, false
	case text:
		v.raw, v.odd, ok = c.quoted()
		return v, ok
	case object, list:
		c.i++
		c.leave()
	case null:
		if start+1 < len(c.b) && c.b[start+1] != 'u' {
			v.kind = number // nan
			c.number()
		} else {
			c.word()
		}
	case boolean:
		c.word()
	default:
		c.number()
	}
	v.raw = c.b[start:c.i]
	return v, true
}

// word moves past a literal.
func (c *cursor) word() {
	c.i++
	for c.i < len(c.b) && c.b[c.i] >= 'a' && c.b[c.i] <= 'z' {
		c.i++
	}
}

// number moves past a number.
func (c *cursor) number() {
	for c.i++; c.i < len(c.b); c.i++ {
		if b := c.b[c.i]; b <= ' ' || b == ',' || b == ']' || b == '}' {
			return
		}
	}
}

// named reports whether a name, as it stands in the source, is want, which has no escapes.
func named(raw []byte, want string) bool {
	if len(raw) <= len(want) {
		return string(raw) == want
	}
	if raw[0] != want[0] && raw[0] != '\\' {
		return false
	}
	var buf nameBuffer
	return string(buf.decode(raw)) == want
}

// nameBuffer has room for any name that somebody looks for.
type nameBuffer [32]byte

// decode is a name without its escapes, or something that no such name equals if it is too long to be one.
func (b *nameBuffer) decode(raw []byte) []byte {
	const longestEscape = len(`\u0000`)
	if len(raw) > longestEscape*len(b) || bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return b[:reader{rest: raw, escapes: true}.head(b[:])]
}

// get is the first value of that name of an object.
func (v value) get(name string) value {
	c := v.cursor()
	return c.get(name)
}

// cursor begins at the value.
func (v value) cursor() cursor { return cursor{b: v.raw} }

// ends reports whether the value is a text with this end. Longer ones than any name of a type have none.
func (v value) ends(end string) bool {
	var buf [64]byte
	return v.kind == text && bytes.HasSuffix(buf[:v.text().head(buf[:])], []byte(end))
}
