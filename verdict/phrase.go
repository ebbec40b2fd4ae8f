package verdict

import (
	"math/bits"
	"slices"
	"strings"
)

// phrase is a text in lower case that rows look for. Most are in no answer: its runs of three bytes tell at a glance.
type phrase struct {
	text  string
	grams []uint32
}

func phraseOf(text string) phrase { return phrase{text, gramsIn(text)} }

// wordsPhrase is a phrase as a row writes it.
func wordsPhrase(text string) phrase { return phraseOf(folded(text)) }

// codePhrase is a glob on codes; its runs are those of its longest part without wildcards.
func codePhrase(glob string) phrase {
	glob = codeName(glob)
	longest := ""
	for part := range strings.FieldsFuncSeq(glob, func(r rune) bool { return r == '*' || r == '?' }) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return phrase{glob, gramsIn(longest)}
}

func phrasesOf(texts ...string) []phrase {
	phrases := make([]phrase, len(texts))
	for i, text := range texts {
		phrases[i] = phraseOf(text)
	}
	return phrases
}

const gramLength = 3 // bytes: shorter runs are in every page, longer ones leave phrases without one

// gramsIn returns the hashes of a text's runs of three bytes; none of a shorter text.
func gramsIn(text string) []uint32 {
	var grams []uint32
	for i := gramLength; i <= len(text); i++ {
		grams = append(grams, gram(text[i-3], text[i-2], text[i-1]))
	}
	slices.Sort(grams)
	return slices.Compact(grams)
}

func gram(a, b, c byte) uint32 { return spread(uint32(a)<<16 | uint32(b)<<8 | uint32(c)) }

// spread is Fibonacci hashing: the high bits depend on all others.
func spread(run uint32) uint32 { return run * 0x9E3779B1 }

// gramSet holds which runs of three bytes a text has, and by chance some more: a byte for each hash that is not 0.
type gramSet struct {
	seen  []byte
	shift int // of a hash, so that what is left is a place
}

const (
	minGramSet = 1 << 9
	maxGramSet = 1 << 14 // stays in the nearest cache
	roomOfEach = 4       // places for each byte of a text: few are taken by chance
	bitsOfHash = 32
	runMask    = 1<<(8*gramLength) - 1
)

func gramsOf(text string) gramSet {
	size := minGramSet
	for size < maxGramSet && size < roomOfEach*len(text) {
		size *= 2
	}
	s := gramSet{seen: make([]byte, size), shift: bitsOfHash - bits.TrailingZeros(uint(size))}
	var run uint32
	for i := range len(text) {
		run = (run<<8 | uint32(text[i])) & runMask
		s.seen[spread(run)>>s.shift] = 1
	}
	return s
}

// lacks reports whether one of the runs is certainly not there.
func (s gramSet) lacks(grams []uint32) bool {
	for _, g := range grams {
		if s.seen[g>>s.shift] == 0 {
			return true
		}
	}
	return false
}

// searchText is a text that phrases are looked for in. What is in it is gathered at the first search.
type searchText struct {
	text  string // ASCII in lower case
	grams gramSet
}

func searchIn(text string) searchText { return searchText{text: text} }

func (t *searchText) contains(p phrase) bool { return t.has(&p) }

func (t *searchText) has(p *phrase) bool {
	if t.grams.seen == nil {
		t.grams = gramsOf(t.text)
	}
	return !t.grams.lacks(p.grams) && strings.Contains(t.text, p.text)
}

func (t *searchText) containsAny(phrases []phrase) bool {
	for i := range phrases {
		if t.has(&phrases[i]) {
			return true
		}
	}
	return false
}
