package verdict

import (
	"regexp"
	"strings"
	"time"
)

// grammar is what it takes to read times in sentences. Made once, with the rules.
type grammar struct {
	zones zoneTable
	// What sentences lead to delays with, and to instants; what stands before a rough delay, and behind one.
	delays, instants, roughly, behind []phrase
	// longPeriods are words for weeks and months.
	longPeriods []phrase
	// models finds names of models.
	models pattern
	// printed finds a time without a zone.
	printed *regexp.Regexp
	// beijing says whose time it is.
	beijing phrase
	// grpc are marks of errors as libraries of gRPC print them.
	grpc []phrase
}

func newGrammar() *grammar {
	return &grammar{
		zones: loadZones(),
		delays: phrasesOf("try again", "retry", "retrying", "reset", "wait", "available", "resume", "refresh", "recover", "renew",
			"restored", "come back", "unlock", "lifted", "locked", "paused", "limited", "throttled", "suspended", "another request",
			"next request", "remaining"),
		instants: phrasesOf("reset", "try again", "retry", "until", "available", "renew", "refresh", "resume", "recover", "restored",
			"replenish", "lifted", "unlock", "重置", "恢复", "刷新", "重试", "解除", "可用"),
		roughly:     phrasesOf("in about ", "in approximately ", "in around ", "in ~"),
		behind:      phrasesOf("后", "再试", "再重试", " left", " remaining"),
		longPeriods: phrasesOf("week", "month", "cycle", "每周", "每月", "本周", "本月"),
		models:      patternFor(regexp.MustCompile(modelNames)),
		printed:     regexp.MustCompile(printedTime),
		beijing:     phraseOf("北京时间"),
		grpc:        phrasesOf(grpcMarks()...),
	}
}

// sentences are the words of an answer.
type sentences struct {
	*searchText
	*grammar

	clock time.Time // of the server
}

func (v *view) sentences() sentences { return sentences{&v.text, v.set.grammar, v.clock} }

// maxPlaces is how often a verb is looked at: no error says it more often.
const maxPlaces = 100

// speakOfLongPeriod reports whether a quota without a time is one of weeks or months.
func (s sentences) speakOfLongPeriod() bool { return s.containsAny(s.longPeriods) }

// prose finds what sentences say of a delay: `try again in 6m0s`, `please wait 20 seconds`, `Retry after: 12s`, `in about 3
// minutes`; in Chinese, a duration before `后`.
func (s sentences) prose(bound time.Duration) (hint, bool) {
	for _, verb := range s.delays {
		if !s.contains(verb) {
			continue
		}
		rest := s.text
		for range maxPlaces {
			_, after, found := strings.Cut(rest, verb.text)
			if !found {
				break
			}
			rest = after
			if h, ok := delayPhrase(after, verb.text, bound); ok {
				return h, true
			}
		}
	}
	for _, roughly := range s.roughly {
		if !s.contains(roughly) {
			continue
		}
		_, after, _ := strings.Cut(s.text, roughly.text)
		d, _, ok := readDuration(after)
		if h, valid := bounded(d, ok, bound); valid {
			return h, true
		}
	}
	for _, behind := range s.behind {
		if !s.contains(behind) {
			continue
		}
		if h, ok := s.proseBefore(behind.text, bound); ok {
			return h, true
		}
	}
	return hint{}, false
}

// delayPhrase reads `in 5s`, `after about 5 seconds`, `-after: 12s` at the start of what follows a verb. After some verbs a
// duration may follow at once, or with `for`.
func delayPhrase(s, verb string, bound time.Duration) (hint, bool) {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "e"), "s")
	rest := strings.TrimLeft(s, " -_:=\"")
	if rest == s {
		return hint{}, false
	}
	joined := verb == "wait" && s[0] == ' ' || strings.ContainsAny(s[:len(s)-len(rest)], ":=")
	for more := true; more; {
		var word string
		rest, word, more = trimConnector(rest)
		joined = joined || word == "in" || word == "after" || word == "for" && lasts(verb)
	}
	if !joined {
		return hint{}, false
	}
	colon := strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, "=")
	rest = strings.TrimLeft(rest, " :=\"~")
	d, ok := spokenDuration(rest)
	if !ok && colon { // a header that was put into words
		n, after, number := readNumber(rest)
		d, ok = n.in(time.Second), number && (after == "" || !isWord(after[0]) && after[0] != ' ')
	}
	return bounded(d, ok, bound)
}

// lasts reports whether a verb says what goes on for some time.
func lasts(verb string) bool {
	switch verb {
	case "locked", "paused", "limited", "throttled", "suspended", "another request", "wait":
		return true
	default:
		return false
	}
}

// connectors are words that may stand between a verb and its duration.
var connectors = [...]string{
	"in", "after", "for", "at least", "about", "approximately", "around", "roughly", "another", "again", "automatically", "allowed", "possible",
	"available",
}

// trimConnector takes a connector away.
func trimConnector(s string) (rest, word string, found bool) {
	for _, word := range connectors {
		after, found := strings.CutPrefix(s, word)
		if found && (after == "" || !isWord(after[0])) {
			return strings.TrimLeft(after, " "), word, true
		}
	}
	return s, "", false
}

// proseBefore reads the duration that ends where a word stands.
func (s sentences) proseBefore(word string, bound time.Duration) (hint, bool) {
	const longest = 48 // bytes of a duration
	for end := 0; ; end += len(word) {
		at := strings.Index(s.text[end:], word)
		if at < 0 {
			return hint{}, false
		}
		end += at
		for start := max(0, end-longest); start < end; start++ {
			number := digits(s.text[start:end])
			if number == 0 {
				continue
			}
			d, left, ok := readDuration(s.text[start:end])
			if h, valid := bounded(d, ok && strings.TrimSpace(left) == "", bound); valid {
				return h, true
			}
			start += number
		}
	}
}
