//go:build !race

package selector_test

// raceEnabled: the race detector makes everything several times slower.
const raceEnabled = false
