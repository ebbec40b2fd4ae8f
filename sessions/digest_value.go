package sessions

import "github.com/credbroker/credbroker/sessions/internal/jsonscan"

// maxNesting is how deep lists and objects are told apart; what lies deeper counts as null.
const maxNesting = 32

// level is a list or an object whose values are being added up.
type level struct {
	members bool
	// name of the member at hand.
	name uint64
	sum  uint64
}

// add takes the digest of the next value. The members of an object count in any order, the elements of a list in theirs.
func (l *level) add(sum uint64) {
	if l.members {
		l.sum += mix('k', l.name, sum)
		return
	}
	l.sum = mix('l', l.sum, sum)
}

func (l *level) close() uint64 {
	if l.members {
		return mix('o', l.sum, 0)
	}
	return mix('e', l.sum, 0)
}

// valueSum is the digest of a JSON value, whatever the order of its members, its white space, its escapes and the writing
// of its numbers.
func valueSum(v jsonscan.Value) uint64 { return sumOf(v, nil) }

// sumOf is valueSum without the members of the value itself whose names are skipped.
func sumOf(v jsonscan.Value, skipped func(name []byte) bool) uint64 {
	if v.Kind != jsonscan.Object && v.Kind != jsonscan.Array {
		return scalarSum(v)
	}
	var levels [maxNesting]level
	levels[0].members = v.Kind == jsonscan.Object
	c := v.Cursor()
	c.Enter()
	for n := 1; ; {
		at := &levels[n-1]
		var name []byte
		var more bool
		if at.members {
			if name, more = c.Member(); more {
				at.name = nameSum(name)
			}
		} else {
			more = c.Element()
		}
		kind := c.Kind()
		switch {
		case !more:
			sum := at.close()
			if n--; n == 0 {
				return sum
			}
			levels[n-1].add(sum) //nolint:gosec // n is not 0: the sum would have been returned
		case n == 1 && skipped != nil && skipped(name):
			c.Value()
		case (kind == jsonscan.Object || kind == jsonscan.Array) && n < maxNesting:
			levels[n] = level{members: kind == jsonscan.Object}
			n++
			c.Enter()
		default:
			inner, _ := c.Value()
			at.add(scalarSum(inner))
		}
	}
}

// scalarSum is the digest of a value that holds no others.
func scalarSum(v jsonscan.Value) uint64 {
	switch v.Kind {
	case jsonscan.String:
		return mix('s', textSum(v), 0)
	case jsonscan.Number:
		return numberSum(v.Raw)
	case jsonscan.Boolean:
		if v.Raw[0] == 't' {
			return mix('b', 1, 0)
		}
		return mix('b', 0, 0)
	default:
		return mix('z', 0, 0)
	}
}
