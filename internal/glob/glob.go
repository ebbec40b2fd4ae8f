package glob

// Match reports whether text matches pattern, in which `*` stands for any text and `?` for one byte; everything else
// stands for itself, case included. Its cost is at most the product of the two lengths.
func Match(pattern, text string) bool {
	star, mark := -1, 0
	p, n := 0, 0
	for n < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[n]):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// MatchAny reports whether text matches one of the patterns.
func MatchAny(patterns []string, text string) bool {
	for _, pattern := range patterns {
		if Match(pattern, text) {
			return true
		}
	}
	return false
}

// Overlap reports whether some text matches both patterns. Its cost is the product of the two lengths.
func Overlap(a, b string) bool {
	// ends[j]: what is left of a and b[j:] can match the same text.
	ends := make([]bool, len(b)+1)
	for i := len(a); i >= 0; i-- {
		diagonal := false // of the row below: a[i+1:] and b[j+1:]
		for j := len(b); j >= 0; j-- {
			below := ends[j]
			switch {
			case i == len(a) && j == len(b):
				ends[j] = true
			case i < len(a) && a[i] == '*':
				ends[j] = below || j < len(b) && ends[j+1]
			case j < len(b) && b[j] == '*':
				ends[j] = ends[j+1] || i < len(a) && below
			case i < len(a) && j < len(b) && (a[i] == b[j] || a[i] == '?' || b[j] == '?'):
				ends[j] = diagonal
			default:
				ends[j] = false
			}
			diagonal = below
		}
	}
	return ends[0]
}
