package server

import (
	"encoding/binary"
	"strings"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// question is what the report of an answer must know of the request that was answered. The zero value is that of a
// request from which nothing goes on.
type question struct {
	// Scope is how the provider was named, and whether the model had the auth's prefix.
	Scope questionScope
	// Opening and Pin are the sessions of an opening and of a reference; zero: it was none, it had none.
	Opening, Pin selector.SessionKey
	// State is that of the identity.
	State string
}

type questionScope uint8

const (
	scopeNoProvider    questionScope = 1 << iota // the provider was empty
	scopeMixedProvider                           // it was `mixed`; else that of the auth
	scopePrefix                                  // the model had the auth's prefix
	scopeOpening                                 // Opening follows
	scopePin                                     // Pin follows
	scopeAll           = scopePin<<1 - 1
)

const (
	keyBytes = 16
	maxState = 64
	// maxQuestion is the most bytes that a question takes.
	maxQuestion = 1 + 2*keyBytes + maxState
)

// questionOf a request that was given an auth.
func questionOf(identity *sessions.Identity, request *selector.Request, pick *selector.Pick) question {
	q := question{State: identity.State}
	if len(q.State) > maxState {
		q.State = ""
	}
	if identity.Opening && len(request.Sessions) > 0 {
		q.Opening = request.Sessions[0].Key
	}
	if len(request.Pins) > 0 {
		q.Pin = request.Pins[0].Key
	}
	switch request.Provider {
	case "":
		q.Scope |= scopeNoProvider
	case providerMixed:
		q.Scope |= scopeMixedProvider
	}
	if prefix := pick.Auth.Prefix; prefix != "" && strings.HasPrefix(strings.TrimSpace(request.Model), prefix+"/") {
		q.Scope |= scopePrefix
	}
	return q
}

// append adds what parseQuestion reads.
func (q *question) append(b []byte) []byte {
	scope := q.Scope &^ (scopeOpening | scopePin)
	if q.Opening != (selector.SessionKey{}) {
		scope |= scopeOpening
	}
	if q.Pin != (selector.SessionKey{}) {
		scope |= scopePin
	}
	if scope == 0 && q.State == "" {
		return b
	}
	b = append(b, byte(scope))
	for _, key := range []selector.SessionKey{q.Opening, q.Pin} {
		if key != (selector.SessionKey{}) {
			b = binary.BigEndian.AppendUint64(b, key.Hi)
			b = binary.BigEndian.AppendUint64(b, key.Lo)
		}
	}
	return append(b, q.State...)
}

// parseQuestion reads what append adds, and nothing else.
func parseQuestion(b []byte) (q question, ok bool) {
	if len(b) == 0 {
		return question{}, true
	}
	scope := questionScope(b[0])
	b = b[1:]
	if scope&^scopeAll != 0 || scope == 0 && len(b) == 0 {
		return question{}, false
	}
	for _, k := range []struct {
		present questionScope
		key     *selector.SessionKey
	}{{scopeOpening, &q.Opening}, {scopePin, &q.Pin}} {
		if scope&k.present == 0 {
			continue
		}
		if len(b) < keyBytes {
			return question{}, false
		}
		k.key.Hi, k.key.Lo = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		if b = b[keyBytes:]; *k.key == (selector.SessionKey{}) {
			return question{}, false
		}
	}
	q.Scope, q.State = scope&^(scopeOpening|scopePin), string(b)
	return q, len(b) <= maxState
}

// keys are those of the request, once it is known who answered it and under which model the answer is reported.
func (q *question) keys(table *bindings.Table, auth *selector.Auth, model string) keys {
	k := keys{table, auth.Provider, selector.ModelKey(model)}
	switch {
	case q.Scope&scopeNoProvider != 0:
		k.provider = ""
	case q.Scope&scopeMixedProvider != 0:
		k.provider = providerMixed
	}
	if prefix := auth.Prefix + "/"; q.Scope&scopePrefix != 0 && !strings.HasPrefix(k.modelKey, prefix) {
		k.modelKey = prefix + k.modelKey
	}
	return k
}

// answerOf a request that was served: what a later one can name to go on from there. False: nothing.
func (q *question) answerOf(k keys, req *credbrokerv1.ReportResultRequest) (a selector.Answer, ok bool) {
	a = selector.Answer{AuthID: req.GetAuthId(), Opening: q.Opening}
	digest := req.GetAnswerDigest()
	if message := req.GetAnswerMessage(); len(message) > 0 {
		digest = sessions.AnswerDigest(message)
	}
	if digest != "" && q.State != "" {
		for _, id := range sessions.Answered(q.State, digest) {
			a.Sessions = append(a.Sessions, k.session(id, sessions.SourceChain))
		}
	}
	if q.Pin != (selector.SessionKey{}) {
		a.Pins = append(a.Pins, selector.Session{Key: q.Pin, Source: uint8(sessions.SourceConversation)})
	}
	if id := req.GetResponseId(); id != "" {
		a.Pins = append(a.Pins, k.pin(pinPrefix+strings.TrimSpace(id)))
	}
	return a, len(a.Sessions)+len(a.Pins) > 0 || a.Opening != (selector.SessionKey{})
}
