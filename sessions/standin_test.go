package sessions_test

import (
	"time"

	"github.com/credbroker/credbroker/sessions"
)

// affinityModel is a model of bindings over an endless pool, in which every first pick gets an auth of its own. What the pool
// and the table do at greater length is here what a reader of docs/sessions.md would expect them to do.
type affinityModel struct {
	bound map[string]boundTo
	auths int
	now   time.Time
}

type boundTo struct {
	auth int
	at   time.Time
}

func newAffinityModel() *affinityModel {
	return &affinityModel{bound: map[string]boundTo{}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// retryWindow is how long a request that begins a conversation is taken for a retry of an equal one.
const retryWindow = 5 * time.Second

// pick is the auth of a request. Auxiliary requests follow their parent.
func (s *affinityModel) pick(id sessions.Identity) int {
	auth, ok := s.known(id)
	if parent, bound := s.bound[id.Parent]; !ok && bound && id.Role == sessions.RoleAuxiliary {
		auth, ok = parent.auth, true
	}
	if !ok {
		s.auths++
		auth = s.auths
	}
	if len(id.IDs) == 0 {
		return auth
	}
	if old, bound := s.bound[id.IDs[0]]; !bound || old.auth != auth {
		s.bind(id.IDs[0], auth)
	}
	for _, done := range id.IDs[id.Bindable:] {
		if s.bound[done].auth == auth {
			delete(s.bound, done)
		}
	}
	for _, mark := range id.Marks {
		s.bind(mark, auth)
	}
	return auth
}

// known is the auth that the request must or should go to.
func (s *affinityModel) known(id sessions.Identity) (auth int, ok bool) {
	for _, pin := range id.Pins {
		if pinned, ok := s.bound[pin]; ok {
			return pinned.auth, true
		}
	}
	if len(id.IDs) == 0 {
		return 0, false
	}
	first, bound := s.bound[id.IDs[0]]
	for i, other := range id.IDs[1:] {
		if bound && id.FirstTurn && i+1 >= id.Bindable {
			break
		}
		if to, ok := s.bound[other]; ok {
			if bound {
				to = first
			}
			return to.auth, true
		}
	}
	if id.FirstTurn && s.now.Sub(first.at) > retryWindow {
		return 0, false
	}
	return first.auth, bound
}

// answered takes what a request was answered with.
func (s *affinityModel) answered(id sessions.Identity, digest, responseID string, auth int) {
	for _, next := range sessions.Answered(id.State, digest) {
		s.bind(next, auth)
	}
	if responseID != "" {
		s.bind("resp:"+responseID, auth)
	}
}

func (s *affinityModel) bind(id string, auth int) { s.bound[id] = boundTo{auth, s.now} }
