package sessions

// objects moves over the objects of a list, or over those among the values of an object, where they lie. It passes over
// everything once; only members that are asked for against their order in an object are passed over again.
type objects struct {
	cursor
	// members: what holds the objects is an object.
	members bool
	// begin of the object at hand.
	begin int
	// depth of the cursor: 2 in the object at hand, 1 before and after it, 0 after them all.
	depth int
}

// objectsAt begins at the bracket at c.
func objectsAt(c cursor) objects {
	o := objects{cursor: c, members: c.kind() == object, depth: 1}
	o.enter()
	return o
}

// next moves to the next object.
func (o *objects) next() bool {
	if o.depth == 2 {
		o.leave()
		o.depth = 1
	}
	for o.depth == 1 && o.another() {
		if o.kind() == object {
			o.begin = o.i
			o.enter()
			o.depth = 2
			return true
		}
		o.value()
	}
	o.depth = 0
	return false
}

// another moves to the next value of any kind.
func (o *objects) another() bool {
	if !o.members {
		return o.element()
	}
	_, ok := o.cursor.next()
	return ok
}

// member moves to the first value of that name in the object at hand.
func (o *objects) member(name string) bool {
	o.i = o.begin
	if !o.cursor.member(name) {
		o.depth = 1
		return false
	}
	o.depth = 2
	return true
}

// get is the first value of that name in the object at hand.
func (o *objects) get(name string) value {
	if !o.member(name) {
		return value{}
	}
	v, _ := o.value()
	return v
}

// end is just past what holds the objects.
func (o *objects) end() cursor {
	for ; o.depth > 0; o.depth-- {
		o.leave()
	}
	return o.cursor
}
