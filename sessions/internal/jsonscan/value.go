package jsonscan

import "bytes"

// Kind is what a JSON value is. The zero value is that of a member that is not there.
type Kind uint8

// The kinds.
const (
	Absent Kind = iota
	Null
	Boolean
	Number
	String
	Object
	Array
)

// Value is one JSON value where it lies: of a string what stands between its quotes, of all others the source.
type Value struct {
	Kind Kind
	Raw  []byte
	// NonCanonical: a string that may have escapes other than those of the shortest JSON string that means the same.
	NonCanonical bool
}

// Is reports whether the value is the string want.
func (v Value) Is(want string) bool { return v.Kind == String && named(v.Raw, want) }

// Get is the first value of that name in an object, Absent if there is none.
func (v Value) Get(name string) Value {
	c := v.Cursor()
	return c.Get(name)
}

// Cursor stands at the value, which is no string.
func (v Value) Cursor() Cursor { return Cursor{b: v.Raw} }

// HasSuffix reports whether the value is a string of at most 64 bytes with this end.
func (v Value) HasSuffix(end string) bool {
	var buf [64]byte
	return v.Kind == String && bytes.HasSuffix(buf[:v.Text().Head(buf[:])], []byte(end))
}
