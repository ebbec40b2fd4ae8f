// Package jsonscan reads JSON where it lies, in one pass, and decodes nothing that nobody asks for. A Cursor moves over the
// bytes: into objects and arrays, from member to member, past whole values. A Value is a piece of the source; its Text is
// decoded as far as somebody reads it.
//
// It takes any bytes and never fails: it does not validate, and reads broken JSON as gjson does, which takes whatever comes
// next that could be a name or a value. Nothing recurses, every function is linear in what it passes over, and only All
// and the text of a fraction allocate. docs/decisions/0005-own-body-scanner.md says why it is not gjson.
//
//	c := jsonscan.At(body, bytes.IndexByte(body, '{'))
//	c.Enter()
//	for name, ok := c.Member(); ok; name, ok = c.Member() {
//		value, _ := c.Value()
//		fmt.Printf("%s is %s\n", name, value.Raw)
//	}
//
// It has no state. A Cursor belongs to one goroutine; the bytes may be read by many, and must not change.
package jsonscan
