package state

import (
	"fmt"
	"math"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// endless is how an end that never comes is written.
const endless = "never"

// nanos are Unix nanoseconds, written as a date for people. None that they can hold is lost.
type nanos int64

func (n nanos) MarshalText() ([]byte, error) {
	if n == math.MaxInt64 {
		return []byte(endless), nil
	}
	return time.Unix(0, int64(n)).UTC().AppendFormat(nil, time.RFC3339Nano), nil
}

func (n *nanos) UnmarshalText(text []byte) error {
	if string(text) == endless {
		*n = math.MaxInt64
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return err
	}
	if t.Before(time.Unix(0, math.MinInt64)) || t.After(time.Unix(0, math.MaxInt64)) {
		return fmt.Errorf("%s is beyond what can be counted", text)
	}
	*n = nanos(t.UnixNano())
	return nil
}

// moment is a time that an upstream told, which can be any.
type moment time.Time

func (m moment) IsZero() bool { return time.Time(m).IsZero() }

func (m moment) MarshalText() ([]byte, error) {
	t := time.Time(m).UTC()
	// Beyond these years there is no standard way to write it, and nobody waits for it.
	if t.Year() > 9999 {
		t = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	if t.Year() < 0 {
		t = time.Time{}
	}
	return t.AppendFormat(nil, time.RFC3339Nano), nil
}

func (m *moment) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	*m = moment(t.UTC())
	return err
}

func (m moment) time() time.Time { return time.Time(m) }

// ladderForm is the name of a ladder. Names are forever.
type ladderForm cooldown.Ladder

// ladderNames returns the name of each ladder.
func ladderNames() [7]string {
	return [...]string{
		cooldown.LadderNone: "none", cooldown.LadderRate: "rate", cooldown.LadderOverload: "overload", cooldown.LadderEgress: "egress",
		cooldown.LadderQuota: "quota", cooldown.LadderQuotaLong: "quota-long", cooldown.LadderRefusal: "refusal",
	}
}

func (l ladderForm) MarshalText() ([]byte, error) {
	names := ladderNames()
	if int(l) >= len(names) {
		return nil, fmt.Errorf("ladder %d has no name", l)
	}
	return []byte(names[l]), nil
}

func (l *ladderForm) UnmarshalText(text []byte) error {
	for i, name := range ladderNames() {
		if name == string(text) {
			*l = ladderForm(i)
			return nil
		}
	}
	return fmt.Errorf("no ladder is called %q", text)
}
