package selector

import (
	"fmt"
	"io"
)

// Secret holds text that must not reach a log, a listing or an error. Printing it in any way, encoding it as JSON or
// text included, gives a placeholder; only Reveal gives the text. The zero value holds nothing.
type Secret struct {
	// A pointer, because fmt prints the unexported fields of an enclosing struct without calling methods on them.
	text *string
}

const secretPlaceholder = "[secret]"

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the text. House rule: it is called where a credential leaves the broker, and nowhere else.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsEmpty reports whether there is nothing to reveal.
func (s Secret) IsEmpty() bool { return s.text == nil || *s.text == "" }

// Equal reports whether both hold the same text.
func (s Secret) Equal(other Secret) bool {
	return s.Reveal() == other.Reveal()
}

// writeTo writes the text and its length, for a hash.
func (s Secret) writeTo(w io.Writer) { _, _ = fmt.Fprintf(w, "%d %s ", len(s.Reveal()), s.Reveal()) }

// Format prints the placeholder for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secretPlaceholder) }

// MarshalText encodes the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(secretPlaceholder), nil }
