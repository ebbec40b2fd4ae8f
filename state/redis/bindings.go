package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/credbroker/credbroker/state"
)

// bindingsAtOnce bounds what one script does while the server does nothing else.
const bindingsAtOnce = 128

// saveBindings saves, prolongs and ends bindings.
func (s *Store) saveBindings(ctx context.Context, bindings []state.BoundSession) error {
	keys := append(make([]string, 0, 2+len(bindings)), s.layout.records, s.layout.log)
	args := make([]string, 0, 2*len(bindings))
	for i := range bindings {
		keys = append(keys, s.layout.binding(bindings[i].Key))
		args = append(args, formatBinding(&bindings[i]), formatEnd(bindings[i].Ends))
	}
	announced, err := s.run(ctx, s.scripts.keep, keys, args...).ToString()
	if err != nil {
		return err
	}
	s.wrote(announced)
	return nil
}

// Bind binds the ids of one session in one round trip.
func (s *Store) Bind(ctx context.Context, sessions []state.BoundSession, from string) (state.BoundSession, error) {
	bound, err := s.bind(ctx, sessions, from)
	if err != nil {
		return state.BoundSession{}, fmt.Errorf("bind in redis: %w", err)
	}
	return bound, nil
}

func (s *Store) bind(ctx context.Context, sessions []state.BoundSession, from string) (b state.BoundSession, err error) {
	if len(sessions) == 0 {
		return b, errors.New("no session")
	}
	keys := append(make([]string, 0, 2+len(sessions)), s.layout.records, s.layout.log)
	args := append(make([]string, 0, 2+len(sessions)), from, formatEnd(sessions[0].Ends))
	for i := range sessions {
		keys = append(keys, s.layout.binding(sessions[i].Key))
		args = append(args, formatBinding(&sessions[i]))
	}
	answer, err := s.run(ctx, s.scripts.bind, keys, args...).ToArray()
	if err != nil {
		return b, err
	}
	if len(answer) != 3 {
		return b, fmt.Errorf("bind.lua answers with %d values", len(answer))
	}
	announced, err1 := answer[0].ToString()
	value, err2 := answer[1].ToString()
	ends, err3 := answer[2].AsInt64()
	if err := errors.Join(err1, err2, err3); err != nil {
		return b, err
	}
	s.wrote(announced)
	if b, err = parseBinding(sessions[0].Key, ends, value); err != nil {
		// Bound to something that only others understand is of no use here: as good as bound to none.
		s.unread.add("binding", err)
		return state.BoundSession{Key: sessions[0].Key}, nil
	}
	return b, nil
}
