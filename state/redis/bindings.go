package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/rueidis"

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
		args = append(args, s.macs.signBinding(&bindings[i]), formatEnd(bindings[i].Ends))
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

// bind binds, and does so again without what carries no MAC of the fleet's.
func (s *Store) bind(ctx context.Context, sessions []state.BoundSession, from string) (b state.BoundSession, err error) {
	if len(sessions) == 0 {
		return b, errors.New("no session")
	}
	value, ends, err := s.bindOnce(ctx, sessions, from)
	if err != nil {
		return b, err
	}
	b, err = s.macs.readBinding(sessions[0].Key, ends, value)
	if errors.Is(err, errMAC) {
		s.passOver("", RefusedBinding, err)
		if err = s.dropForged(ctx, sessions); err != nil {
			return b, err
		}
		if value, ends, err = s.bindOnce(ctx, sessions, from); err != nil {
			return b, err
		}
		b, err = s.macs.readBinding(sessions[0].Key, ends, value)
	}
	if err != nil {
		// Bound to something that only others understand is of no use here: as good as bound to none.
		s.passOver("binding", RefusedBinding, err)
		return state.BoundSession{Key: sessions[0].Key}, nil
	}
	return b, nil
}

// dropForged ends those bindings of a session that carry no MAC of the fleet's.
func (s *Store) dropForged(ctx context.Context, sessions []state.BoundSession) error {
	keys := make([]string, len(sessions))
	for i := range sessions {
		keys[i] = s.layout.binding(sessions[i].Key)
	}
	values, err := s.do(ctx, func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
		return c.Do(ctx, c.B().Mget().Key(keys...).Build())
	}).AsStrSlice()
	if err != nil {
		return err
	}
	var forged, held []string
	for i, value := range values[:min(len(values), len(keys))] {
		if _, err := s.macs.readBinding(sessions[i].Key, 0, value); errors.Is(err, errMAC) {
			forged, held = append(forged, keys[i]), append(held, value)
		}
	}
	if len(forged) == 0 {
		return nil
	}
	return s.exec(ctx, s.scripts.drop, forged, held).Error()
}

// bindOnce returns the value that the primary has then, and its end.
func (s *Store) bindOnce(ctx context.Context, sessions []state.BoundSession, from string) (value string, ends int64, err error) {
	keys := append(make([]string, 0, 2+len(sessions)), s.layout.records, s.layout.log)
	args := append(make([]string, 0, 2+len(sessions)), from, formatEnd(sessions[0].Ends))
	for i := range sessions {
		keys = append(keys, s.layout.binding(sessions[i].Key))
		args = append(args, s.macs.signBinding(&sessions[i]))
	}
	answer, err := s.run(ctx, s.scripts.bind, keys, args...).ToArray()
	if err != nil {
		return "", 0, err
	}
	if len(answer) != 3 {
		return "", 0, fmt.Errorf("bind.lua answers with %d values", len(answer))
	}
	announced, err1 := answer[0].ToString()
	value, err2 := answer[1].ToString()
	ends, err3 := answer[2].AsInt64()
	if err := errors.Join(err1, err2, err3); err != nil {
		return "", 0, err
	}
	s.wrote(announced)
	return value, ends, nil
}
