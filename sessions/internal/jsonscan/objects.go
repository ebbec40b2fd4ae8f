package jsonscan

// Objects moves over the objects of an array, or over those among the values of an object, where they lie. It passes over
// everything once; only members that are asked for against their order in an object are passed over again.
type Objects struct {
	Cursor
	// members: what holds the objects is an object.
	members bool
	// begin of the object at hand.
	begin int
	// depth of the cursor: 2 in the object at hand, 1 before and after it, 0 after them all.
	depth int
}

// ObjectsAt begins at the bracket at c.
func ObjectsAt(c Cursor) Objects {
	o := Objects{Cursor: c, members: c.Kind() == Object, depth: 1}
	o.Enter()
	return o
}

// Next moves to the next object.
func (o *Objects) Next() bool {
	if o.depth == 2 {
		o.Leave()
		o.depth = 1
	}
	for o.depth == 1 && o.another() {
		if o.Kind() == Object {
			o.begin = o.i
			o.Enter()
			o.depth = 2
			return true
		}
		o.Value()
	}
	o.depth = 0
	return false
}

// another moves to the next value of any kind.
func (o *Objects) another() bool {
	if !o.members {
		return o.Element()
	}
	_, ok := o.Cursor.Member()
	return ok
}

// Find moves to the first value of that name in the object at hand.
func (o *Objects) Find(name string) bool {
	o.i = o.begin
	if !o.Cursor.Find(name) {
		o.depth = 1
		return false
	}
	o.depth = 2
	return true
}

// Get is the first value of that name in the object at hand.
func (o *Objects) Get(name string) Value {
	if !o.Find(name) {
		return Value{}
	}
	v, _ := o.Value()
	return v
}

// End is just past what holds the objects.
func (o *Objects) End() Cursor {
	for ; o.depth > 0; o.depth-- {
		o.Leave()
	}
	return o.Cursor
}
