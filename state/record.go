package state

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// recordVersion is raised when an older broker would misread what a record says, or lose it by writing it back.
const recordVersion = 1

// recordForm is a record as it is kept, less its key. The names are forever; members may be added.
type recordForm struct {
	Version   int          `json:"v"`
	Switch    *switchForm  `json:"switch,omitempty"`
	Cleared   nanos        `json:"cleared,omitempty"`
	Succeeded nanos        `json:"succeeded,omitempty"`
	Released  nanos        `json:"released,omitempty"`
	Scopes    []scopeForm  `json:"scopes,omitempty"`
	Windows   []windowForm `json:"windows,omitempty"`
	Report    *reportForm  `json:"report,omitempty"`
}

type switchForm struct {
	At       nanos  `json:"at"`
	Disabled bool   `json:"disabled,omitempty"`
	Why      string `json:"why,omitempty"`
}

type scopeForm struct {
	Model          string      `json:"model,omitempty"`
	Family         bool        `json:"family,omitempty"`
	Quota          *ledgerForm `json:"quota,omitempty"`
	Transient      *ledgerForm `json:"transient,omitempty"`
	Authentication *ledgerForm `json:"authentication,omitempty"`
	Other          *ledgerForm `json:"other,omitempty"`
}

type ledgerForm struct {
	Horizon  nanos          `json:"horizon,omitempty"`
	Cleared  nanos          `json:"cleared,omitempty"`
	Evidence []evidenceForm `json:"evidence,omitempty"`
	Strikes  []strikeForm   `json:"strikes,omitempty"`
}

type evidenceForm struct {
	Received nanos      `json:"received"`
	Until    nanos      `json:"until"`
	Probe    nanos      `json:"probe"`
	Level    int        `json:"level,omitempty"`
	Ladder   ladderForm `json:"ladder,omitempty"`
	Command  bool       `json:"command,omitempty"`
	Secret   secretForm `json:"secret,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Rule     string     `json:"rule,omitempty"`
	Person   string     `json:"person,omitempty"`
}

type strikeForm struct {
	At     nanos  `json:"at"`
	Reason string `json:"reason,omitempty"`
}

type windowForm struct {
	Name   string  `json:"name"`
	Used   float64 `json:"used"`
	Resets moment  `json:"resets,omitzero"`
	Seen   moment  `json:"seen,omitzero"`
}

type reportForm struct {
	At     moment `json:"at,omitzero"`
	What   string `json:"what,omitempty"`
	Model  string `json:"model,omitempty"`
	Reason string `json:"reason,omitempty"`
	Rule   string `json:"rule,omitempty"`
}

// secretForm is what stands for a secret, as hex digits: as a number, many programs would round it.
type secretForm uint64

func (s secretForm) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(s), 16), nil }

func (s *secretForm) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	*s = secretForm(n)
	return err
}

// FormatRecord is what is kept of a record beside its key.
func FormatRecord(r *cooldown.Record) []byte {
	form := recordForm{
		Version: recordVersion,
		Cleared: nanos(r.Cleared), Succeeded: nanos(r.Succeeded), Released: nanos(r.Released),
	}
	if r.Switch != (cooldown.Switch{}) {
		form.Switch = &switchForm{nanos(r.Switch.At), r.Switch.Disabled, r.Switch.Why}
	}
	for i := range r.Scopes {
		form.Scopes = append(form.Scopes, formScope(&r.Scopes[i]))
	}
	for _, w := range r.Windows {
		used := w.UsedShare
		if math.IsNaN(used) || math.IsInf(used, 0) {
			used = -1 // JSON has no such numbers
		}
		form.Windows = append(form.Windows, windowForm{w.Name, used, moment(w.ResetsAt), moment(w.SeenAt)})
	}
	if p := r.LastReport; p != (cooldown.Report{}) {
		form.Report = &reportForm{moment(p.ReceivedAt), p.What, p.Model, p.Reason, p.Rule}
	}
	text, err := json.Marshal(form)
	if err != nil {
		// No value of these types is refused: numbers are finite, and moments and ladders are within bounds.
		panic("state: a record has no form: " + err.Error())
	}
	return text
}

func formScope(s *cooldown.ScopeRecord) scopeForm {
	form := scopeForm{Model: s.Model, Family: s.Family}
	for kind, place := range form.ledgers() {
		*place = formLedger(&s.Ledgers[kind])
	}
	return form
}

// ledgers are the places of the ledgers, by kind of cooldown.
func (s *scopeForm) ledgers() [4]**ledgerForm {
	return [...]**ledgerForm{
		cooldown.Quota: &s.Quota, cooldown.Transient: &s.Transient,
		cooldown.Authentication: &s.Authentication, cooldown.Other: &s.Other,
	}
}

func formLedger(l *cooldown.Ledger) *ledgerForm {
	form := ledgerForm{Horizon: nanos(l.Watermark), Cleared: nanos(l.Cleared)}
	for i := range l.Observations {
		e := &l.Observations[i]
		form.Evidence = append(form.Evidence, evidenceForm{
			nanos(e.Received), nanos(e.Until), nanos(e.Probe), e.Level, ladderForm(e.Ladder),
			e.Command, secretForm(e.Secret), e.Reason, e.Rule, e.OperatorAction,
		})
	}
	for _, s := range l.Failures {
		form.Strikes = append(form.Strikes, strikeForm{nanos(s.At), s.Reason})
	}
	if form.Horizon == 0 && form.Cleared == 0 && form.Evidence == nil && form.Strikes == nil {
		return nil
	}
	return &form
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
	read := form.record(key)
	// Merging puts everything in the order and within the bounds that records keep, whoever wrote this one.
	r := cooldown.Record{Key: key}
	r.Merge(&read)
	return r, nil
}

func (form *recordForm) record(key cooldown.RecordKey) cooldown.Record {
	r := cooldown.Record{Key: key, Cleared: int64(form.Cleared), Succeeded: int64(form.Succeeded), Released: int64(form.Released)}
	if s := form.Switch; s != nil {
		r.Switch = cooldown.Switch{At: int64(s.At), Disabled: s.Disabled, Why: s.Why}
	}
	for i := range form.Scopes {
		s := &form.Scopes[i]
		scope := cooldown.ScopeRecord{Model: s.Model, Family: s.Family}
		for kind, place := range s.ledgers() {
			scope.Ledgers[kind] = (*place).ledger()
		}
		r.Scopes = append(r.Scopes, scope)
	}
	for _, w := range form.Windows {
		r.Windows = append(r.Windows, cooldown.Window{Name: w.Name, UsedShare: w.Used, ResetsAt: w.Resets.time(), SeenAt: w.Seen.time()})
	}
	if p := form.Report; p != nil {
		r.LastReport = cooldown.Report{ReceivedAt: p.At.time(), What: p.What, Model: p.Model, Reason: p.Reason, Rule: p.Rule}
	}
	return r
}

func (form *ledgerForm) ledger() cooldown.Ledger {
	if form == nil {
		return cooldown.Ledger{}
	}
	l := cooldown.Ledger{
		Watermark: int64(form.Horizon), Cleared: int64(form.Cleared),
		Observations: make([]cooldown.Observation, 0, len(form.Evidence)),
	}
	for i := range form.Evidence {
		e := &form.Evidence[i]
		l.Observations = append(l.Observations, cooldown.Observation{
			Received: int64(e.Received), Until: int64(e.Until), Probe: int64(e.Probe), Level: e.Level,
			Ladder: cooldown.Ladder(e.Ladder), Command: e.Command, Secret: uint64(e.Secret),
			Reason: e.Reason, Rule: e.Rule, OperatorAction: e.Person,
		})
	}
	for _, s := range form.Strikes {
		l.Failures = append(l.Failures, cooldown.Failure{At: int64(s.At), Reason: s.Reason})
	}
	return l
}
