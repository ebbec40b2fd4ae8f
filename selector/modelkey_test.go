package selector_test

import (
	"strings"
	"testing"

	"github.com/credbroker/credbroker/selector"
)

func TestModelKey(t *testing.T) {
	for _, c := range []struct{ name, model, want string }{
		{"a plain name stays", "gpt-5.2", "gpt-5.2"},
		{"a suffix is cut", "gpt-5.2(high)", "gpt-5.2"},
		{"white space before the suffix goes", "m (a)", "m"},
		{"white space around goes", "\t m \u00a0\u2003", "m"},
		{"white space around a suffix goes", " m(a) ", "m"},
		{"an empty suffix is a suffix", "m()", "m"},
		{"only one suffix is cut", "m(a)(b)", "m(a)"},
		{"the last parenthesis opens it", "m(a(b))", "m(a"},
		{"an open parenthesis alone stays", "m(a", "m(a"},
		{"a suffix that is not at the end stays", "m(a)b", "m(a)b"},
		{"a closing parenthesis alone stays", "m)", "m)"},
		{"closing before opening is no suffix at the end", "m)(", "m)("},
		{"what would leave nothing stays", "(a)", "(a)"},
		{"what would leave white space stays, trimmed", " \t(a) ", "(a)"},
		{"parentheses alone stay", "()", "()"},
		{"blank is empty", " \n\u0085 ", ""},
		{"empty is empty", "", ""},
		{"case is kept", "GPT-5(High)", "GPT-5"},
		{"a zero-width space is no white space", "m\u200b", "m\u200b"},
		{"invalid text is kept", "m\xff(a)", "m\xff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := selector.ModelKey(c.model); got != c.want {
				t.Errorf("ModelKey(%q) = %q, want %q", c.model, got, c.want)
			}
		})
	}
}

func TestModelKeyOfAKeyThatHasNoSuffixIsItself(t *testing.T) {
	for _, model := range []string{"m", "m(a)(b)", "m(a(b))", "(a)", " x (y)"} {
		key := selector.ModelKey(model)
		if again := selector.ModelKey(key); again != key && !strings.HasSuffix(key, ")") {
			t.Errorf("ModelKey(%q) = %q", key, again)
		}
	}
}

func TestMatchGlob(t *testing.T) {
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
			if got := selector.MatchGlob(c.pattern, c.text); got != c.want {
				t.Errorf("MatchGlob(%q, %q) = %t, want %t", c.pattern, c.text, got, c.want)
			}
		})
	}
}

// The worst patterns known, at lengths where a matcher that backtracks over several stars would not come back.
func TestMatchGlobDoesNotBlowUp(t *testing.T) {
	text := strings.Repeat("a", 10_000)
	for _, pattern := range []string{
		strings.Repeat("a*", 1000) + "b", strings.Repeat("*a", 1000) + "b", strings.Repeat("*", 10_000) + "b",
		strings.Repeat("*?", 1000) + "b", "*" + strings.Repeat("a", 5000) + "b",
	} {
		if selector.MatchGlob(pattern, text) {
			t.Errorf("a pattern of %d bytes that ends in b matches a text without b", len(pattern))
		}
	}
}

func FuzzMatchGlob(f *testing.F) {
	f.Add("claude-*", "claude-opus")
	f.Add("*a?b*", "xxaybzz")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 12 || len(text) > 20 {
			return // the plain matcher takes exponential time
		}
		if got, want := selector.MatchGlob(pattern, text), oracleGlob(pattern, text); got != want {
			t.Errorf("MatchGlob(%q, %q) = %t, want %t", pattern, text, got, want)
		}
	})
}

func FuzzModelKey(f *testing.F) {
	f.Add("m (a)")
	f.Add(" (((")
	f.Fuzz(func(t *testing.T, model string) {
		if got, want := selector.ModelKey(model), oracleKey(model); got != want {
			t.Errorf("ModelKey(%q) = %q, want %q", model, got, want)
		}
	})
}
