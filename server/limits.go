package server

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server/internal/admission"
	"github.com/credbroker/credbroker/sessions"
)

// The limits of a request, in bytes where nothing else is said.
const (
	maxProvider      = 64
	maxModel         = 256
	maxAuthID        = 256
	maxReason        = 1 << 10
	maxHeaderEntries = 256
	maxHeaders       = 64 << 10
	maxExclude       = 1024
	maxElement       = 256 // of a list of ids
	maxRequestID     = 128
	maxPageToken     = 1 << 10
	maxSessionName   = 512
	maxResponseID    = 256

	// The limits of PutAuth beside those of an auth file.
	maxAttributes = 16 << 10
	maxSecret     = 16 << 10
	maxPriority   = 1_000_000

	// maxViolations keeps the answer to a request with very many faults small.
	maxViolations = 16
)

// Limits are what peers can make the server hold. Zero values are the defaults.
type Limits struct {
	// Message is the size of a message, in bytes; 8 MiB. Larger ones are refused by name of the field that makes them large,
	// those that are larger by a half before they are received.
	Message int
	// ReceiveBytes is what calls and the requests that are being received take at most, all together; 256 MiB. It must be
	// at least twice Message.
	ReceiveBytes int64
	// ReceiveTimeout of a request, from the begin of its call; 10 s.
	ReceiveTimeout time.Duration
	// CallRate is how many calls all connections may start in a second; 10,000 for each processor.
	CallRate int
	// CallsPerConnection that may run at once; 128.
	CallsPerConnection int
	// Connections of all listeners that Serve is given; 1,024.
	Connections int
	// HTTPConnections of all listeners that ServeWeb is given; 64.
	HTTPConnections int
	// Idle is how long a connection without calls is kept; 15 minutes.
	Idle time.Duration
	// ConnectionAge is how long a connection is used for new calls; 0: for ever. Those that run then have a minute to end.
	ConnectionAge time.Duration
	// Watches that all callers may have open; 256. A caller may have half of them.
	Watches int
	// WatchTimeout is how long a message of a watch may wait to be read; 30 s. Then the watch ends.
	WatchTimeout time.Duration
}

func (l Limits) orDefault() Limits {
	return Limits{
		Message:            cmp.Or(l.Message, DefaultMessage),
		ReceiveBytes:       cmp.Or(l.ReceiveBytes, 256<<20),
		ReceiveTimeout:     cmp.Or(l.ReceiveTimeout, 10*time.Second),
		CallRate:           cmp.Or(l.CallRate, 10_000*runtime.GOMAXPROCS(0)),
		CallsPerConnection: cmp.Or(l.CallsPerConnection, 128),
		Connections:        cmp.Or(l.Connections, 1024),
		HTTPConnections:    cmp.Or(l.HTTPConnections, 64),
		Idle:               cmp.Or(l.Idle, 15*time.Minute),
		ConnectionAge:      l.ConnectionAge,
		Watches:            cmp.Or(l.Watches, 256),
		WatchTimeout:       cmp.Or(l.WatchTimeout, 30*time.Second),
	}
}

// DefaultMessage is the default of Limits.Message.
const DefaultMessage = 8 << 20

func (l *Limits) admission() admission.Limits {
	return admission.Limits{
		// Between the two the answer can name field and limit.
		Message: l.Message + l.Message/2,
		Bytes:   l.ReceiveBytes, Timeout: l.ReceiveTimeout, Calls: l.CallRate,
		Streams: uint32(l.CallsPerConnection), Connections: l.Connections, //nolint:gosec // it is small
	}
}

// invalidRequest is a request that is wrong in itself, with everything that is wrong with it.
type invalidRequest struct {
	violations *violations
	// answer is what the client gets for whom a pick was asked; nil: it was no pick.
	answer *broker.Answer
}

func (e *invalidRequest) Error() string {
	first := e.violations.first[0]
	text := first.GetField() + ": " + first.GetDescription()
	if n := e.violations.count; n > 1 {
		text += fmt.Sprintf(" (and %d more)", n-1)
	}
	return text
}

// violations collects what is wrong with a request. A request without faults costs nothing here.
type violations struct {
	first []*errdetails.BadRequest_FieldViolation
	count int
}

func (v *violations) add(field, description string) {
	v.count++
	if len(v.first) < maxViolations {
		v.first = append(v.first, &errdetails.BadRequest_FieldViolation{Field: field, Description: description})
	}
}

// err is nil if there are none.
func (v *violations) err() error {
	if v.count == 0 {
		return nil
	}
	// A copy, so that the collection of a request without faults stays on the stack.
	return &invalidRequest{violations: &violations{first: v.first, count: v.count}}
}

// pickErr is err for a pick. The client reads of what it has sent itself; the rest is between the gateway and the broker.
func (v *violations) pickErr(format sessions.Format) error {
	if v.count == 0 {
		return nil
	}
	answer := &broker.Answer{Problem: broker.ProblemUnavailable, Format: format}
	for _, violation := range v.first {
		switch violation.GetField() {
		case "body", "headers", "model":
			answer.Problem = broker.ProblemTooLarge
		}
	}
	return &invalidRequest{&violations{first: v.first, count: v.count}, answer}
}

// size refuses what is longer than limit bytes.
func (v *violations) size(field string, got, limit int) {
	if got > limit {
		v.add(field, fmt.Sprintf("has %d bytes; at most %d are allowed", got, limit))
	}
}

// entries refuses more than limit elements.
func (v *violations) entries(field string, got, limit int) {
	if got > limit {
		v.add(field, fmt.Sprintf("has %d entries; at most %d are allowed", got, limit))
	}
}

// list refuses more than limit elements, and elements longer than maxElement.
func (v *violations) list(field string, elements []string, limit int) {
	v.entries(field, len(elements), limit)
	for i, element := range elements[:min(len(elements), limit)] {
		if len(element) > maxElement {
			v.size(field+"["+strconv.Itoa(i)+"]", len(element), maxElement)
		}
	}
}

// fault adds what another package found wrong with a field.
func (v *violations) fault(field string, err error) {
	problem := err.Error()
	if f, ok := errors.AsType[*selector.FieldError](err); ok {
		field, problem = f.Field, f.Problem
	}
	v.add(field, problem)
}

// present refuses an empty text.
func (v *violations) present(field, text string) {
	if text == "" {
		v.add(field, "is required")
	}
}

// required refuses an empty text, and one longer than limit bytes.
func (v *violations) required(field, text string, limit int) {
	v.present(field, text)
	v.size(field, len(text), limit)
}

// pairs refuses more than limit entries, and names and values that have more than total bytes together.
func (v *violations) pairs(field string, entries map[string]string, limit, total int) {
	v.entries(field, len(entries), limit)
	v.together(field, entries, total)
}

// together refuses names and values that have more than total bytes together.
func (v *violations) together(field string, entries map[string]string, total int) {
	size := 0
	for name, value := range entries {
		size += len(name) + len(value)
	}
	v.size(field, size, total)
}
