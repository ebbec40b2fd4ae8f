package verdict

import (
	"math/bits"
	"slices"
	"strings"
)

// phrase is a text in lower case that rows look for. Most are in no answer: its runs of three bytes tell at a glance.
type phrase struct {
	text  string
	first uint32   // one of the runs, at hand: it is what most phrases are dismissed by; 0 of a text without one
	grams []uint32 // the others
}

func phraseOf(text string) phrase { return phraseWith(text, text) }

// phraseWith is a phrase that is found only where all runs of a part of it are.
func phraseWith(text, part string) phrase {
	p := phrase{text: text}
	if grams := gramsIn(part); len(grams) > 0 {
		p.first, p.grams = grams[0], grams[1:]
	}
	return p
}

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
	return phraseWith(glob, longest)
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
	grams := make([]uint32, 0, max(0, len(text)-gramLength+1))
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

func gramsOf(texts ...string) gramSet {
	size, length := minGramSet, 0
	for _, text := range texts {
		length += len(text)
	}
	for size < maxGramSet && size < roomOfEach*length {
		size *= 2
	}
	s := gramSet{seen: make([]byte, size), shift: bitsOfHash - bits.TrailingZeros(uint(size))}
	s.seen[0] = 1 // what has no run may be anywhere
	for _, text := range texts {
		var run uint32
		for i := range len(text) {
			run = (run<<8 | uint32(text[i])) & runMask
			s.seen[spread(run)>>s.shift] = 1
		}
	}
	return s
}

// lacks reports whether a phrase is certainly not there.
func (s *gramSet) lacks(p *phrase) bool {
	return s.seen[p.first>>s.shift] == 0 || s.lacksAny(p.grams)
}

func (s *gramSet) lacksAny(grams []uint32) bool {
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

func (t *searchText) contains(p phrase) bool {
	return !t.gathered().lacks(&p) && strings.Contains(t.text, p.text)
}

func (t *searchText) containsAny(phrases []phrase) bool {
	grams := t.gathered()
	for i := range phrases {
		if p := &phrases[i]; !grams.lacks(p) && strings.Contains(t.text, p.text) {
			return true
		}
	}
	return false
}

func (t *searchText) gathered() *gramSet {
	if t.grams.seen == nil {
		t.grams = gramsOf(t.text)
	}
	return &t.grams
}
