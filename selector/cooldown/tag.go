package cooldown

import "time"

const (
	// DoubtSpan is how long nobody knows whether a failure is the fault of its request: a further attempt of that tells. Until then it
	// keeps an auth out, and counts for nothing; a doubt that nobody withdrew for so long counts, wherever failures are counted.
	DoubtSpan = time.Minute
	// AttemptSpan is how long an attempt takes at most, until its answer is reported and the next attempt of its request begins. What
	// came before is not looked for, and an attempt that began nobody knows when is taken to have begun this long ago.
	AttemptSpan = 10 * time.Minute
)

// Tag stands for a client's request; 0: nobody knows which. As text it is hex digits, as a Fingerprint is.
type Tag uint64

// MarshalText is part of encoding.TextMarshaler.
func (t Tag) MarshalText() ([]byte, error) { return Fingerprint(t).MarshalText() }

// UnmarshalText is part of encoding.TextUnmarshaler.
func (t *Tag) UnmarshalText(text []byte) error { return (*Fingerprint)(t).UnmarshalText(text) }
