package state

import (
	"encoding/json"
	"fmt"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// recordVersion is raised when an older broker would misread what a record says, or lose it by writing it back.
const recordVersion = 1

// recordForm is a record as it is kept, less its key. The names of its members are with the fields.
type recordForm struct {
	Version int `json:"v"`
	cooldown.Record
}

// FormatRecord is what is kept of a record beside its key.
func FormatRecord(r *cooldown.Record) []byte {
	text, err := json.Marshal(recordForm{recordVersion, r.Kept()})
	if err != nil {
		// No value of these types is refused: numbers are finite, and times and ladders are within bounds.
		panic("state: a record has no form: " + err.Error())
	}
	return text
}

// ParseRecord reads what FormatRecord gives. Members that it does not know are passed over; the error is one of this package.
func ParseRecord(key cooldown.RecordKey, text []byte) (cooldown.Record, error) {
	var form recordForm
	if err := json.Unmarshal(text, &form); err != nil {
		// A later form need not fit at all; the version, if it can be read, says whether that is so.
		var newer struct {
			Version int `json:"v"`
		}
		if json.Unmarshal(text, &newer) != nil || newer.Version <= recordVersion {
			return cooldown.Record{}, fmt.Errorf("read the record of %s: %w: %w", FormatKey(key), ErrDamaged, err)
		}
		form.Version = newer.Version
	}
	switch {
	case form.Version > recordVersion:
		return cooldown.Record{}, fmt.Errorf("read the record of %s, version %d: %w", FormatKey(key), form.Version, ErrNewer)
	case form.Version < 1:
		return cooldown.Record{}, fmt.Errorf("read the record of %s: no version: %w", FormatKey(key), ErrDamaged)
	}
	// Merging puts everything in the order and within the bounds that records keep, whoever wrote this one.
	r := cooldown.Record{Key: key}
	form.SortScopes()
	r.Merge(&form.Record)
	return r, nil
}
