package cooldown

import "time"

// DoubtSpan is how long a failure that may be the fault of its request keeps an auth out at most, unless another request
// fails there alike.
const DoubtSpan = time.Minute

// Tag stands for a client's request; 0: nobody knows which. As text it is hex digits, as a Fingerprint is.
type Tag uint64

// MarshalText is part of encoding.TextMarshaler.
func (t Tag) MarshalText() ([]byte, error) { return Fingerprint(t).MarshalText() }

// UnmarshalText is part of encoding.TextUnmarshaler.
func (t *Tag) UnmarshalText(text []byte) error { return (*Fingerprint)(t).UnmarshalText(text) }
