package guard

import (
	"errors"
	"fmt"
)

// ErrRefused is what a connection ends with whose server answers with more than is taken, or with what nothing asked for.
var ErrRefused = errors.New("the server's reply is refused")

// ErrTooLarge is the ErrRefused of a reply that is larger than is taken. A smaller request may be answered.
var ErrTooLarge = fmt.Errorf("%w: it is too large", ErrRefused)

// Limits of one reply.
type Limits struct {
	// Bytes of all its texts and headers, and so of each text.
	Bytes int64
	// Elements of all its arrays, maps and sets, and so of each. A pair of a map is two.
	Elements int64
}

const (
	// maxDepth of arrays in arrays. Servers need six.
	maxDepth = 16
	// maxLine of a reply in one line, such as an error.
	maxLine = 8 << 10
	// maxDigits of a number: none of these overflows.
	maxDigits = 18
)

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

func tooLarge(what string, got, limit int64) error {
	return fmt.Errorf("%w: %s %d, of at most %d", ErrTooLarge, what, got, limit)
}
