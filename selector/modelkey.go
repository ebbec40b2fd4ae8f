package selector

import "strings"

// ModelKey is the model name under which state is kept: without a trailing thinking suffix, `gpt-5.2(high)` -> `gpt-5.2`.
// It is a part of model, so it costs no allocation. Case is kept.
func ModelKey(model string) string {
	trimmed := strings.TrimSpace(model)
	if !strings.HasSuffix(trimmed, ")") {
		return trimmed
	}
	open := strings.LastIndexByte(trimmed, '(')
	if open < 0 {
		return trimmed
	}
	if key := strings.TrimSpace(trimmed[:open]); key != "" {
		return key
	}
	return trimmed
}

// MatchGlob reports whether name matches pattern, in which `*` stands for any text and `?` for one byte. Its cost is at
// most the product of the two lengths.
func MatchGlob(pattern, name string) bool {
	star, mark := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
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
