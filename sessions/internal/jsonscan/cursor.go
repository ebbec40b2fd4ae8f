package jsonscan

// begins tells which kind of value begins with a byte. It is never written.
var begins = [256]Kind{
	'"': String, '{': Object, '[': Array, 't': Boolean, 'f': Boolean, 'n': Null,
	'+': Number, '-': Number, '0': Number, '1': Number, '2': Number, '3': Number, '4': Number, '5': Number, '6': Number,
	'7': Number, '8': Number, '9': Number, 'i': Number, 'I': Number, 'N': Number,
}

// Cursor moves over JSON where it lies. It stands at a value, or behind one: what comes between values is passed over by
// whatever looks for the next.
type Cursor struct {
	b []byte
	i int
}

// At is a cursor at an offset of b; below 0, it stands at no value.
func At(b []byte, offset int) Cursor { return Cursor{b: b, i: offset} }

// Kind of the value that begins here; Absent at the end of everything.
func (c *Cursor) Kind() Kind {
	if c.i < 0 || c.i >= len(c.b) {
		return Absent
	}
	return begins[c.b[c.i]]
}

// Member moves to the value of the next member of the object that was entered, and gives the member's name as it stands
// in the source. False: there is none, and the cursor is past the object.
func (c *Cursor) Member() (name []byte, ok bool) {
	for ; c.i < len(c.b); c.i++ {
		switch c.b[c.i] {
		case '"':
			name, _, ok = c.quoted()
			return name, ok && c.seek()
		case '}':
			c.i++
			return nil, false
		}
	}
	return nil, false
}

// Element moves to the next element of the array that was entered. False: there is none, and the cursor is past the array.
func (c *Cursor) Element() bool {
	for ; c.i < len(c.b); c.i++ {
		if begins[c.b[c.i]] != Absent {
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
func (c *Cursor) seek() bool {
	for ; c.i < len(c.b); c.i++ {
		if begins[c.b[c.i]] != Absent {
			return true
		}
	}
	return false
}

// Enter moves into the object or array that begins here.
func (c *Cursor) Enter() { c.i++ }

// Until is the value that begins here and that end is just past.
func (c *Cursor) Until(end *Cursor) Value { return Value{Kind: c.Kind(), Raw: c.b[c.i:end.i]} }

// Leave moves past the object or array that was entered.
func (c *Cursor) Leave() { c.i = skip(c.b, c.i) }

// Find moves to the first value of that name in the object that begins here. False: there is none, and the cursor is past
// the object.
func (c *Cursor) Find(name string) bool {
	c.Enter()
	for {
		raw, ok := c.Member()
		if !ok {
			return false
		}
		if named(raw, name) {
			return true
		}
		c.Value()
	}
}

// Get is the first value of that name in the object that begins here, Absent if there is none.
func (c *Cursor) Get(name string) Value {
	if !c.Find(name) {
		return Value{}
	}
	v, _ := c.Value()
	return v
}

// quoted moves past the string that begins here.
func (c *Cursor) quoted() (raw []byte, nonCanonical, ok bool) {
	start := c.i + 1
	end, nonCanonical := stringEnd(c.b, start)
	if end < 0 {
		c.i = len(c.b)
		return nil, false, false
	}
	c.i = end
	return c.b[start : end-1], nonCanonical, true
}

// Value moves past the value that begins here. False: there is none, or it is a string without an end; the cursor is then
// at the end of everything.
func (c *Cursor) Value() (v Value, ok bool) {
	start := c.i
	switch v.Kind = c.Kind(); v.Kind {
	case Absent:
		return Value{}, false
	case String:
		v.Raw, v.NonCanonical, ok = c.quoted()
		return v, ok
	case Object, Array:
		c.Enter()
		c.Leave()
	case Null:
		if start+1 < len(c.b) && c.b[start+1] != 'u' {
			v.Kind = Number // nan
			c.number()
		} else {
			c.word()
		}
	case Boolean:
		c.word()
	default:
		c.number()
	}
	v.Raw = c.b[start:c.i]
	return v, true
}

// word moves past a literal.
func (c *Cursor) word() {
	c.i++
	for c.i < len(c.b) && c.b[c.i] >= 'a' && c.b[c.i] <= 'z' {
		c.i++
	}
}

// number moves past a number.
func (c *Cursor) number() {
	for c.i++; c.i < len(c.b); c.i++ {
		if b := c.b[c.i]; b <= ' ' || b == ',' || b == ']' || b == '}' {
			return
		}
	}
}
