package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/credbroker/credbroker/state"
)

// Store is one replica's access to what the fleet shares.
type Store struct {
	config  Config
	layout  layout
	scripts scripts
	link    *link
	// name tells this store from those of other replicas, and from an earlier one of this replica.
	name  string
	tags  atomic.Uint64
	clock clock
	// macs of what is written and read; nil: the fleet has no secret.
	macs *macs
	// unread is what others wrote and this version cannot read.
	unread unread

	mu sync.Mutex
	// keys that the fleet is known to have; they are put back where they were lost.
	keys string
	// cursor in the log up to which everything was delivered, and the last entry that this store wrote.
	cursor  cursor
	written string
}

var _ state.Fleet = (*Store)(nil)

// Open makes a store. It does not connect yet: that is done when something is asked of it.
func Open(c *Config) (*Store, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	config := *c
	secret := config.secretBytes()
	macs, err := newMACs(secret)
	if err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	return &Store{
		config: config, macs: macs, layout: newLayout(c.Namespace), scripts: newScripts(), link: newLink(&config),
		name: randomName(), clock: clock{now: time.Now}, unread: unread{note: config.Note},
	}, nil
}

// PickSecret is derived from the fleet's secret, for what pick ids are sealed with; empty: the fleet has none.
func (s *Store) PickSecret() ([]byte, error) {
	if s.macs == nil {
		return nil, nil
	}
	return derive(s.config.secretBytes(), "pick ids")
}

func randomName() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// Close ends all connections.
func (s *Store) Close() error {
	s.link.close()
	return nil
}

// Keys returns the fleet's keys, and gives it the proposed ones if it has none. They are put back where they are lost.
func (s *Store) Keys(ctx context.Context, proposed state.Keys) (state.Keys, error) {
	kept, err := s.ensure(ctx, formatKeys(proposed))
	if err != nil {
		return state.Keys{}, fmt.Errorf("ask redis for the keys of the fleet: %w", err)
	}
	keys, err := parseKeys(kept)
	if err != nil {
		return state.Keys{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = kept
	return keys, nil
}

// Load delivers all records to a sink.
func (s *Store) Load(ctx context.Context, into state.Sink) error {
	if _, err := s.readAll(ctx, into); err != nil {
		return fmt.Errorf("load from redis: %w", err)
	}
	return nil
}

// ensure makes sure that there is an epoch, a log, and keys if any are given, and returns the keys.
func (s *Store) ensure(ctx context.Context, keys string) (kept string, err error) {
	return s.run(ctx, s.scripts.ensure, []string{s.layout.records, s.layout.log}, keys).ToString()
}

// run runs a script that begins with announce.lua.
func (s *Store) run(ctx context.Context, script *rueidis.Lua, keys []string, args ...string) rueidis.RedisResult {
	return s.exec(ctx, script, keys, append([]string{s.name, s.tag()}, args...))
}

func (s *Store) exec(ctx context.Context, script *rueidis.Lua, keys, args []string) rueidis.RedisResult {
	return s.do(ctx, func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
		return script.Exec(ctx, c, keys, args)
	})
}

// do makes one round trip.
func (s *Store) do(ctx context.Context, ask func(ctx context.Context, c rueidis.Client) rueidis.RedisResult) rueidis.RedisResult {
	result, err := inTime(ctx, s, s.config.timeout(), ask)
	if err != nil {
		return rueidis.NewErrorResult(err)
	}
	return result
}

// inTime calls ask and waits for it no longer than the limit and the context say: the library waits for room among the calls
// that are under way, which are many where the server hangs, without looking at it. What is left behind ends with the
// connection.
func inTime[T any](ctx context.Context, s *Store, limit time.Duration, ask func(context.Context, rueidis.Client) T) (answer T, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client, err := s.link.get(ctx)
	if err != nil {
		return answer, err
	}
	answers := make(chan T, 1)
	go func() { answers <- ask(ctx, client) }()
	select {
	case answer = <-answers:
		return answer, nil
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// tag marks one write, or the beginning of an epoch. There is no second one like it.
func (s *Store) tag() string {
	return s.name + "-" + strconv.FormatUint(s.tags.Add(1), 36)
}
