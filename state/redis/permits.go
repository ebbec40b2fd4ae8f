package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// Claim asks for a permit. One that this store has is prolonged, so that asking again is safe when the answer was lost.
func (s *Store) Claim(ctx context.Context, key selector.PermitKey, lease time.Duration) (bool, error) {
	// Rounded down: the holder must not believe in it for longer than the server does.
	span := strconv.FormatInt(max(1, lease.Milliseconds()), 10)
	given, err := s.exec(ctx, s.scripts.claim, []string{s.layout.permit(&key)}, []string{s.name, span}).AsBool()
	if err != nil {
		return false, fmt.Errorf("claim a permit in redis: %w", err)
	}
	return given, nil
}

// GiveBack ends a permit that this store has.
func (s *Store) GiveBack(ctx context.Context, key selector.PermitKey) error {
	if err := s.exec(ctx, s.scripts.giveBack, []string{s.layout.permit(&key)}, []string{s.name}).Error(); err != nil {
		return fmt.Errorf("give a permit back to redis: %w", err)
	}
	return nil
}
