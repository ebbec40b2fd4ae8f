package cooldown

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// The tags of records and of what they hold are names in files and in Redis servers out there: they are forever, whatever the
// fields are called here. Members may be added.

// Fingerprint stands for a secret; 0: for none. As text it is hex digits: as a number, many programs would round it.
type Fingerprint uint64

// MarshalText is part of encoding.TextMarshaler.
func (f Fingerprint) MarshalText() ([]byte, error) {
	return strconv.AppendUint(nil, uint64(f), 16), nil
}

// UnmarshalText is part of encoding.TextUnmarshaler.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	*f = Fingerprint(n)
	return err
}

// keptLadders are the names of ladders in what is kept.
func keptLadders() [numLadders]string {
	return [numLadders]string{
		LadderNone: "none", LadderRate: "rate", LadderOverload: "overload", LadderEgress: "egress", LadderQuota: "quota",
		LadderQuotaLong: "quota-long", LadderRefusal: "refusal",
	}
}

// MarshalText is part of encoding.TextMarshaler.
func (l Ladder) MarshalText() ([]byte, error) {
	if l >= numLadders {
		return nil, fmt.Errorf("ladder %d has no name", uint8(l))
	}
	return []byte(keptLadders()[l]), nil
}

// UnmarshalText is part of encoding.TextUnmarshaler.
func (l *Ladder) UnmarshalText(text []byte) error {
	names := keptLadders()
	at := slices.Index(names[:], string(text))
	if at < 0 {
		return fmt.Errorf("no ladder is called %q", text)
	}
	*l = Ladder(at) //nolint:gosec // there are few
	return nil
}

// Kept returns the record as it can be kept: an upstream may have told any number and any time, and JSON does not have all.
func (r *Record) Kept() Record {
	kept := *r
	kept.Windows = slices.Clone(r.Windows)
	for i := range kept.Windows {
		w := &kept.Windows[i]
		w.ResetsAt, w.SeenAt = keptTime(w.ResetsAt), keptTime(w.SeenAt)
		if math.IsNaN(w.UsedShare) || math.IsInf(w.UsedShare, 0) {
			w.UsedShare = -1
		}
	}
	kept.LastReport.ReceivedAt = keptTime(r.LastReport.ReceivedAt)
	return kept
}

// keptTime is in UTC, and in the years that there is a standard way to write. Nobody waits for those beyond.
func keptTime(t time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	case t.Year() < 0:
		return time.Time{}
	}
	return t
}
