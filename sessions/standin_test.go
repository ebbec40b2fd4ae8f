package sessions_test

import (
	"strings"
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

// pick is the auth of a request for a model. Auxiliary requests follow their parent.
func (s *affinityModel) pick(id sessions.Identity, model string) int {
	at := under(model)
	auth, ok := s.known(id, at)
	if parent, bound := s.bound[at(id.Parent)]; !ok && bound && id.Role == sessions.RoleAuxiliary {
		auth, ok = parent.auth, true
	}
	if !ok {
		s.auths++
		auth = s.auths
	}
	if len(id.IDs) == 0 {
		return auth
	}
	if old, bound := s.bound[at(id.IDs[0])]; !bound || old.auth != auth {
		s.bind(at(id.IDs[0]), auth)
	}
	s.release(id, at, auth)
	for _, mark := range id.Marks {
		s.bind(at(mark), auth)
	}
	if id.Reasoning != sessions.ReasoningNone {
		s.bind(anyModel(id.IDs[0]), auth)
		s.release(id, anyModel, auth)
		for _, mark := range id.Marks {
			s.bind(anyModel(mark), auth)
		}
	}
	return auth
}

// under gives the names that ids have under a model, and anyModel those that they have whatever the model.
func under(model string) func(id string) string {
	return func(id string) string { return model + "/" + id }
}

func anyModel(id string) string { return "any model " + id }

// release ends what the conversation has grown beyond.
func (s *affinityModel) release(id sessions.Identity, at func(string) string, auth int) {
	for _, done := range id.IDs[id.Bindable:] {
		if s.bound[at(done)].auth == auth {
			delete(s.bound, at(done))
		}
	}
}

// known is the auth that the request must or should go to.
func (s *affinityModel) known(id sessions.Identity, at func(string) string) (auth int, ok bool) {
	for _, pin := range id.Pins {
		_, reference, _ := strings.Cut(pin, ":")
		if pinned, ok := s.bound["ref:"+reference]; ok {
			return pinned.auth, true
		}
	}
	if len(id.IDs) == 0 {
		return 0, false
	}
	if auth, ok := s.writer(id); ok {
		return auth, true
	}
	first, bound := s.bound[at(id.IDs[0])]
	for i, other := range id.IDs[1:] {
		if bound && id.FirstTurn && i+1 >= id.Bindable {
			break
		}
		if to, ok := s.bound[at(other)]; ok {
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

// writer is the auth that wrote the encrypted reasoning in a request.
func (s *affinityModel) writer(id sessions.Identity) (auth int, ok bool) {
	if id.Reasoning != sessions.ReasoningCarried {
		return 0, false
	}
	for i, other := range id.IDs {
		if to, ok := s.bound[anyModel(other)]; ok && (i > 0 || !id.FirstTurn) {
			return to.auth, true
		}
	}
	return 0, false
}

// answered takes what a request for a model was answered with.
func (s *affinityModel) answered(id sessions.Identity, model, digest, responseID string, auth int) {
	for _, next := range sessions.Answered(id.State, digest) {
		s.bind(under(model)(next), auth)
		if id.Reasoning != sessions.ReasoningNone {
			s.bind(anyModel(next), auth)
		}
	}
	if responseID != "" {
		s.bind("ref:"+responseID, auth)
	}
}

func (s *affinityModel) bind(id string, auth int) { s.bound[id] = boundTo{auth, s.now} }
