package glob_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/internal/glob"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, pattern, text string
		want                bool
	}{
		{"text matches itself", "claude", "claude", true},
		{"and nothing longer", "claude", "claude-opus", false},
		{"and nothing shorter", "claude", "claud", false},
		{"a star is any text", "*", "claude", true},
		{"a star is no text", "*", "", true},
		{"a star at the end", "claude-*", "claude-opus-4", true},
		{"a star at the end may be nothing", "claude-*", "claude-", true},
		{"a star at the start", "*-opus", "claude-opus", true},
		{"a star in the middle", "claude-*-4", "claude-opus-4", true},
		{"stars that must share", "*a*a*", "aa", true},
		{"stars that cannot share", "*a*a*", "a", false},
		{"the last possible place counts", "*ab", "aab-ab", true},
		{"a star covers slashes", "openai/*", "openai/gpt/5", true},
		{"a question mark is one byte", "gpt-?", "gpt-5", true},
		{"a question mark is not nothing", "gpt-?", "gpt-", false},
		{"a question mark is not a whole character", "?", "é", false},
		{"two question marks are a character of two bytes", "??", "é", true},
		{"brackets are text", "[a]", "a", false},
		{"brackets match brackets", "[a]", "[a]", true},
		{"a backslash is text", `\*`, `\anything`, true},
		{"case counts", "Claude", "claude", false},
		{"the empty pattern matches the empty text", "", "", true},
		{"and nothing else", "", "a", false},
		{"stars alone match the empty text", "***", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := glob.Match(c.pattern, c.text); got != c.want {
				t.Errorf("Match(%q, %q) = %t, want %t", c.pattern, c.text, got, c.want)
			}
		})
	}
}

// The worst patterns known, at lengths where a matcher that backtracks over several stars would not come back.
func TestMatchDoesNotBlowUp(t *testing.T) {
	text := strings.Repeat("a", 10_000)
	for _, pattern := range []string{
		strings.Repeat("a*", 1000) + "b", strings.Repeat("*a", 1000) + "b", strings.Repeat("*", 10_000) + "b",
		strings.Repeat("*?", 1000) + "b", "*" + strings.Repeat("a", 5000) + "b",
	} {
		if glob.Match(pattern, text) {
			t.Errorf("a pattern of %d bytes that ends in b matches a text without b", len(pattern))
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("claude-*", "claude-opus")
	f.Add("*a?b*", "xxaybzz")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 12 || len(text) > 20 {
			return // the plain matcher takes exponential time
		}
		if got, want := glob.Match(pattern, text), plainMatch(pattern, text); got != want {
			t.Errorf("Match(%q, %q) = %t, want %t", pattern, text, got, want)
		}
	})
}

// plainMatch is Match in as few words as possible.
func plainMatch(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return plainMatch(pattern[1:], text) || text != "" && plainMatch(pattern, text[1:])
	default:
		return text != "" && (pattern[0] == '?' || pattern[0] == text[0]) && plainMatch(pattern[1:], text[1:])
	}
}

func TestMatchAny(t *testing.T) {
	if !glob.MatchAny([]string{"a*", "b*"}, "b1") || glob.MatchAny([]string{"a*"}, "b1") || glob.MatchAny(nil, "") {
		t.Error("MatchAny does not match what one of the patterns matches, and nothing else")
	}
}

// Overlap finds a text that both match if there is one of few characters.
func TestOverlap(t *testing.T) {
	patterns, texts := []string{""}, []string{""}
	for range 4 {
		for _, p := range patterns {
			for _, c := range "ab*?" {
				patterns = append(patterns, p+string(c))
			}
		}
		patterns = unique(patterns)
	}
	for range 8 {
		for _, p := range texts {
			texts = append(texts, p+"a", p+"b")
		}
		texts = unique(texts)
	}
	matches := make(map[string][]bool)
	for _, p := range patterns {
		for _, text := range texts {
			matches[p] = append(matches[p], glob.Match(p, text))
		}
	}
	for _, a := range patterns {
		for _, b := range patterns {
			want := false
			for i := range texts {
				want = want || matches[a][i] && matches[b][i]
			}
			if got := glob.Overlap(a, b); got != want {
				t.Fatalf("Overlap(%q, %q) = %v, want %v", a, b, got, want)
			}
		}
	}
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
