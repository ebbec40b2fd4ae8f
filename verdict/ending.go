package verdict

import "slices"

// Ending is how an attempt ended, as the caller saw it.
type Ending string

// Endings.
const (
	EndingUnspecified     Ending = "" // the status and the transport error say it
	EndingCompleted       Ending = "completed"
	EndingClientCancelled Ending = "client_cancelled" // whoever asked did not want the answer any more
	EndingStreamBroken    Ending = "stream_broken"    // the answer had begun
	EndingTimedOut        Ending = "timed_out"
	EndingConnectFailed   Ending = "connect_failed"
)

// unspecifiedEnding is what rows call an ending that nobody told.
const unspecifiedEnding = "unspecified"

// broken reports whether the answer did not come, or not all of it.
func (e Ending) broken() bool { return e != EndingUnspecified && e != EndingCompleted }

// Class is what a caller takes a failure for that knows no more of it.
type Class string

// Classes returns the classes that there are.
func Classes() []Class {
	return []Class{"rate_limited", "quota", "auth", "billing", "overloaded", "caller", "model", "timeout", "other"}
}

// Valid reports whether a class is one of [Classes].
func (c Class) Valid() bool { return slices.Contains(Classes(), c) }

// failed reports whether the caller says that the attempt failed, whatever the status is.
func (o *Outcome) failed() bool { return o.TransportError != "" || o.Ending.broken() || o.Class != "" }

// takeEnding lets count what the caller says of an attempt whose answer does not say it better.
func (v *view) takeEnding() {
	if v.o.Status != 0 && !v.inBand() || v.embedded || !v.o.failed() {
		return
	}
	v.status, v.message = 0, cut(v.o.TransportError)
	v.text = searchIn(folded(v.message))
	if v.o.Ending != EndingClientCancelled {
		v.class = v.o.Class
	}
}
