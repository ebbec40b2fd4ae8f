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

func (t *searchText) matches(p *pattern) bool { return t.mayMatch(p) && p.re.MatchString(t.text) }

// mayMatch reports whether what the expression needs is there.
func (t *searchText) mayMatch(p *pattern) bool {
	for _, phrases := range p.needs {
		if !t.containsAny(phrases) {
			return false
		}
	}
	return true
}

// needsOf returns lists of texts; what an expression matches contains one of each.
func needsOf(e *syntax.Regexp) [][]string {
	switch e.Op {
	case syntax.OpConcat:
		return needsOfAll(e.Sub)
	case syntax.OpCapture, syntax.OpPlus:
		return needsOf(e.Sub[0])
	case syntax.OpRepeat:
		if e.Min > 0 {
			return needsOf(e.Sub[0])
		}
	case syntax.OpAlternate:
		if texts, ok := spellings(e); ok {
			return worthLookingFor(texts)
		}
		return needsOfAny(e.Sub)
	case syntax.OpLiteral:
		if texts, ok := spellings(e); ok {
			return worthLookingFor(texts)
		}
	}
	return nil
}

// needsOfAll takes the parts of a sequence together as far as they can be spelled.
func needsOfAll(parts []*syntax.Regexp) (all [][]string) {
	run := []string{""}
	for _, part := range parts {
		texts, ok := spellings(part)
		if ok && len(run)*len(texts) <= maxSpellings {
			run = products(run, texts)
			continue
		}
		all, run = append(all, worthLookingFor(run)...), []string{""}
		if ok {
			run = texts
		} else {
			all = append(all, needsOf(part)...)
		}
	}
	return append(all, worthLookingFor(run)...)
}

const maxSpellings = 400 // of an expression that are told apart

// spellings returns all texts that an expression matches, if they are few.
func spellings(e *syntax.Regexp) (texts []string, ok bool) {
	switch e.Op {
	case syntax.OpLiteral:
		// Bytes that are no text are that character to expressions.
		text := string(e.Rune)
		return []string{text}, e.Flags&syntax.FoldCase == 0 && !strings.ContainsRune(text, utf8.RuneError)
	case syntax.OpEmptyMatch, syntax.OpWordBoundary, syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		return []string{""}, true
	case syntax.OpCapture:
		return spellings(e.Sub[0])
	case syntax.OpQuest:
		texts, ok = spellings(e.Sub[0])
		return append(slices.Clip(texts), ""), ok
	case syntax.OpCharClass:
		return classSpellings(e.Rune)
	case syntax.OpConcat:
		texts = []string{""}
		for _, part := range e.Sub {
			more, few := spellings(part)
			if !few || len(texts)*len(more) > maxSpellings {
				return nil, false
			}
			texts = products(texts, more)
		}
		return texts, true
	case syntax.OpAlternate:
		for _, part := range e.Sub {
			more, few := spellings(part)
			if texts = append(texts, more...); !few || len(texts) > maxSpellings {
				return nil, false
			}
		}
		return texts, true
	default:
		return nil, false
	}
}

// classSpellings are the characters of a class of few.
func classSpellings(ranges []rune) (texts []string, ok bool) {
	const few = 8
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if texts = append(texts, string(r)); len(texts) > few || r == utf8.RuneError {
				return nil, false
			}
		}
	}
	return texts, true
}

func products(before, after []string) []string {
	all := make([]string, 0, len(before)*len(after))
	for _, a := range before {
		for _, b := range after {
			all = append(all, a+b)
		}
	}
	return all
}

// worthLookingFor is one list of texts without those that contain another; none if one of them is too short to tell anything.
func worthLookingFor(texts []string) [][]string {
	var short []string
	for i, text := range texts {
		if len(text) < gramLength {
			return nil
		}
		if !slices.ContainsFunc(texts, func(other string) bool { return len(other) < len(text) && strings.Contains(text, other) }) &&
			!slices.Contains(texts[:i], text) {
			short = append(short, text)
		}
	}
	return [][]string{short}
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
