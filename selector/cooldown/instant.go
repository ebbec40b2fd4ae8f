package cooldown

import (
	"fmt"
	"math"
	"time"
)

// Instant is a time in Unix nanoseconds of fleet time. As text, which is how stores keep it, it is a date.
type Instant int64

// Never is the end of what does not end.
const Never Instant = math.MaxInt64

const neverText = "never"

// InstantOf a time. One that nanoseconds do not reach becomes the nearest that they do.
func InstantOf(t time.Time) Instant {
	const least, most = math.MinInt64 / int64(time.Second), math.MaxInt64 / int64(time.Second)
	switch seconds := t.Unix(); {
	case seconds <= least:
		return math.MinInt64
	case seconds >= most:
		return Never - 1
	}
	return Instant(t.UnixNano())
}

// Add returns the instant that is a duration later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Time is the instant as a time.
func (i Instant) Time() time.Time { return time.Unix(0, int64(i)) }

// MarshalText is part of encoding.TextMarshaler.
func (i Instant) MarshalText() ([]byte, error) {
	if i == Never {
		return []byte(neverText), nil
	}
	return i.Time().UTC().AppendFormat(nil, time.RFC3339Nano), nil
}

// UnmarshalText is part of encoding.TextUnmarshaler.
func (i *Instant) UnmarshalText(text []byte) error {
	if string(text) == neverText {
		*i = Never
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return err
	}
	if t.Before(time.Unix(0, math.MinInt64)) || t.After(time.Unix(0, math.MaxInt64)) {
		return fmt.Errorf("%s is beyond what can be counted", text)
	}
	*i = Instant(t.UnixNano())
	return nil
}
