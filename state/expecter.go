package state

// Expecter is a sink that wants to make room for what is coming.
type Expecter interface {
	// Expect is told about how many bindings will be handed over, before the first.
	Expect(bindings int)
}
