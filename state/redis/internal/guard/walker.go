package guard

// The types of RESP2 and RESP3.
const (
	blob, blobError, verbatim                      = '$', '!', '='
	array, mapping, set, push, attribute           = '*', '%', '~', '>', '|'
	simple, failure, integer, double, bigInt, null = '+', '-', ':', ',', '(', '_'
	boolean                                        = '#'
)

// header is the first line of a value.
type header struct {
	typ byte
	// size of a text or aggregate as announced; -1: it is none.
	size int64
	// depth is how many aggregates are around it.
	depth int
}

// listener is told of what a walker comes by. An error of it keeps the walker from going on.
type listener interface {
	// begin of a value that is not part of an attribute. Text is the beginning of the line, less the type.
	begin(h header, text []byte) error
	// text is the beginning of a text of more than a line, once that is whole.
	text(depth int, text []byte) error
	// end of a whole reply.
	end() error
}

// maxHead is how much of a text is shown to the listener.
const maxHead = 512

// walker follows replies, in whatever pieces they come.
type walker struct {
	limits Limits
	listen listener

	// Of the reply so far.
	bytes, elements int64
	open            [maxDepth]aggregate
	depth           int

	typ    byte  // of the value whose line is being read; 0: none is
	length int   // of that line so far, less its type
	cr     bool  // the last byte was a carriage return
	inside int64 // bytes of a text that are still to come, its line end included
	head   []byte
}

// aggregate is one of which elements are still to come.
type aggregate struct {
	left int64
	// attribute: the value that it belongs to follows, so it is no element itself.
	attribute bool
}

// walk follows the next piece, and returns how much of it can be passed on: all, or what is before the byte that makes it be
// refused.
func (w *walker) walk(p []byte) (int, error) {
	for i := 0; i < len(p); {
		n, err := w.step(p[i:])
		if err != nil {
			return i, err
		}
		i += n
	}
	return len(p), nil
}

func (w *walker) step(p []byte) (int, error) {
	switch {
	case w.inside > 0:
		return w.stepText(p)
	case w.typ == 0:
		w.typ, w.length, w.cr = p[0], 0, false
		w.head = w.head[:0]
		if !known(w.typ) {
			return 0, refuse("it has a value of type %q", w.typ)
		}
		return 1, w.count(1)
	default:
		return 1, w.stepLine(p[0])
	}
}

func known(typ byte) bool {
	switch typ {
	case blob, blobError, verbatim, array, mapping, set, push, attribute, simple, failure, integer, double, bigInt, null, boolean:
		return true
	}
	return false
}

// count counts bytes of the reply.
func (w *walker) count(n int64) error {
	if w.bytes += n; w.bytes > w.limits.Bytes {
		return tooLarge("bytes", w.bytes, w.limits.Bytes)
	}
	return nil
}

func (w *walker) stepLine(b byte) error {
	if err := w.count(1); err != nil {
		return err
	}
	switch {
	case b == '\n' && w.cr:
		return w.endLine()
	case b == '\n' || w.cr:
		return refuse("a line of it does not end as lines do")
	case b == '\r':
		w.cr = true
		return nil
	}
	switch w.length++; {
	case w.typ == null, w.typ == boolean && w.length > 1: // the library reads no further
		return refuse("a null or boolean of it is followed by %q", b)
	case w.length > maxLine:
		return tooLarge("bytes of a line", int64(w.length), maxLine)
	}
	if len(w.head) < maxHead {
		w.head = append(w.head, b)
	}
	return nil
}

// endLine takes in a line that is whole.
func (w *walker) endLine() error {
	h := header{typ: w.typ, size: -1, depth: w.depth}
	w.typ = 0
	var err error
	switch h.typ {
	case boolean:
		if text := string(w.head); text != "t" && text != "f" {
			return refuse("a boolean is %.8q", text)
		}
	case null, simple, failure, double, bigInt:
	case integer:
		_, err = number(w.head)
	case blob, blobError, verbatim:
		return w.beginText(h)
	default:
		return w.beginAggregate(h)
	}
	if err == nil {
		err = w.begin(h)
	}
	if err != nil {
		return err
	}
	return w.endValue()
}

func (w *walker) begin(h header) error {
	if w.inAttribute() {
		return nil
	}
	return w.listen.begin(h, w.head)
}

func (w *walker) inAttribute() bool {
	for _, a := range w.open[:w.depth] {
		if a.attribute {
			return true
		}
	}
	return false
}

// number is how the library reads one.
func number(text []byte) (n int64, err error) {
	digits := text
	if len(text) > 0 && text[0] == '-' {
		digits = text[1:]
	}
	if len(digits) == 0 || len(digits) > maxDigits {
		return 0, refuse("it has the number %.24q, of 1 to %d digits", text, maxDigits)
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, refuse("it has the number %.24q, of 1 to %d digits", text, maxDigits)
		}
		n = 10*n + int64(d-'0')
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, nil
}

// lineEnd follows a text.
const lineEnd = 2

func (w *walker) beginText(h header) (err error) {
	if h.size, err = number(w.head); err != nil {
		return err
	}
	if h.size < 0 && (h.typ != blob || h.size != -1) {
		return refuse("it has a text of length %d", h.size)
	}
	if err := w.count(max(0, h.size)); err != nil {
		return err
	}
	if err := w.begin(h); err != nil {
		return err
	}
	w.head = w.head[:0]
	if h.size < 0 {
		return w.endValue()
	}
	w.inside = h.size + lineEnd
	w.typ = h.typ
	return nil
}

// stepText goes through as much of a text as there is.
func (w *walker) stepText(p []byte) (int, error) {
	n := int(min(int64(len(p)), w.inside-lineEnd))
	if n > 0 {
		w.inside -= int64(n)
		w.head = append(w.head, p[:min(n, maxHead-len(w.head))]...)
		return n, nil
	}
	if want := "\r\n"[lineEnd-w.inside]; p[0] != want {
		return 0, refuse("a text of it does not end where it says")
	}
	if w.inside--; w.inside > 0 {
		return 1, nil
	}
	w.typ = 0
	if !w.inAttribute() {
		if err := w.listen.text(w.depth, w.head); err != nil {
			return 0, err
		}
	}
	return 1, w.endValue()
}

func (w *walker) beginAggregate(h header) error {
	size, err := number(w.head)
	if err != nil {
		return err
	}
	switch {
	case size == -1 && h.typ == array:
	case size < 0:
		return refuse("it has a list of length %d", size)
	case size > w.limits.Elements:
		return tooLarge("elements", size, w.limits.Elements)
	}
	h.size = size
	elements := max(0, size)
	if h.typ == mapping || h.typ == attribute {
		elements *= 2
	}
	if w.elements += elements; w.elements > w.limits.Elements {
		return tooLarge("elements", w.elements, w.limits.Elements)
	}
	if h.typ != attribute {
		if err := w.begin(h); err != nil {
			return err
		}
	}
	switch {
	case elements > 0 && w.depth == maxDepth:
		return tooLarge("lists in lists", maxDepth+1, maxDepth)
	case elements > 0:
		w.open[w.depth] = aggregate{elements, h.typ == attribute}
		w.depth++
		return nil
	case h.typ == attribute:
		return nil
	}
	return w.endValue()
}

// endValue takes in that a value is whole, and what it was the last part of.
func (w *walker) endValue() error {
	for w.depth > 0 {
		a := &w.open[w.depth-1]
		if a.left--; a.left > 0 {
			return nil
		}
		w.depth--
		if a.attribute {
			return nil
		}
	}
	w.bytes, w.elements = 0, 0
	return w.listen.end()
}
