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
		{"a parenthesis closed before one is open is no suffix", "m)(", "m)("},
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

func FuzzModelKey(f *testing.F) {
	f.Add("m (a)")
	f.Add(" (((")
	f.Fuzz(func(t *testing.T, model string) {
		if got, want := selector.ModelKey(model), oracleKey(model); got != want {
			t.Errorf("ModelKey(%q) = %q, want %q", model, got, want)
		}
	})
}
