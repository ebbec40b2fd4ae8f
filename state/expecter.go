package state

// Expecter is a sink that wants to make room for what is coming.
type Expecter interface {
	// Expect is given about how many bindings will follow, before the first.
	Expect(bindings int)
}
