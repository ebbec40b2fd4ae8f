package verdict

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// pattern is an expression, with what a text needs for it to be found there: of each list one.
type pattern struct {
	re    *regexp.Regexp
	needs [][]phrase
}

func patternFor(re *regexp.Regexp) pattern {
	p := pattern{re: re}
	if tree, err := syntax.Parse(re.String(), syntax.Perl); err == nil {
		for _, texts := range needsOf(tree) {
			p.needs = append(p.needs, phrasesOf(texts...))
		}
	}
	return p
}

func (t *searchText) matches(p pattern) bool {
	for _, phrases := range p.needs {
		if !t.containsAny(phrases) {
			return false
		}
	}
	return p.re.MatchString(t.text)
}

// needsOf returns lists of texts; what an expression matches contains one of each.
func needsOf(e *syntax.Regexp) [][]string {
	switch e.Op {
	case syntax.OpLiteral:
		// Bytes that are no text are that character to expressions.
		if text := string(e.Rune); e.Flags&syntax.FoldCase == 0 && len(text) >= gramLength && !strings.ContainsRune(text, utf8.RuneError) {
			return [][]string{{text}}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needsOf(e.Sub[0])
	case syntax.OpRepeat:
		if e.Min > 0 {
			return needsOf(e.Sub[0])
		}
	case syntax.OpConcat:
		var all [][]string
		for _, part := range e.Sub {
			all = append(all, needsOf(part)...)
		}
		return all
	case syntax.OpAlternate:
		return needsOfAny(e.Sub)
	}
	return nil
}

// needsOfAny is one list: of each alternative its shortest list.
func needsOfAny(alternatives []*syntax.Regexp) [][]string {
	var one []string
	for _, alternative := range alternatives {
		needs := needsOf(alternative)
		if len(needs) == 0 {
			return nil
		}
		one = append(one, slices.MinFunc(needs, func(a, b []string) int { return len(a) - len(b) })...)
	}
	return [][]string{one}
}
