package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/journal"
	"github.com/credbroker/credbroker/state/redis"
)

// joinTimeout is how long a start waits for the fleet's store.
const joinTimeout = 5 * time.Second

// engines are where runtime state is stored beyond the process. Either may be nil.
type engines struct {
	local *journal.Journal
	fleet *redis.Store
	keys  state.Keys
	// pickSecret is what pick ids are sealed with; empty: a part of keys.
	pickSecret []byte
}

// engineWarnings are told what engines warn of.
type engineWarnings struct {
	repaired, unread func(message string)
	refused          func(what string, cause error)
}

// openEngines opens what the configuration names and finds the keys that go with it. After an error nothing is open.
func openEngines(ctx context.Context, c *config.State, now func() time.Time, warn engineWarnings) (*engines, error) {
	e := &engines{}
	var err error
	if len(c.Redis.Addresses) > 0 {
		if e.fleet, err = openRedis(&c.Redis, warn); err != nil {
			return nil, err
		}
		if e.pickSecret, err = e.fleet.PickSecret(); err != nil {
			return nil, errors.Join(err, e.close())
		}
	}
	if c.Path != "" {
		if e.local, err = journal.Open(journal.Config{Path: c.Path, Now: e.clock(now), Note: warn.repaired}); err != nil {
			return nil, errors.Join(err, e.close())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	if e.keys, err = state.JoinKeys(ctx, e.store(), e.shared(), newKeys()); err != nil {
		return nil, errors.Join(joinFailure(c, err), e.close())
	}
	return e, nil
}

// joinFailure says what to do about it.
func joinFailure(c *config.State, err error) error {
	switch {
	case errors.Is(err, state.ErrOtherKeys):
		return fmt.Errorf("state.redis: namespace %s: %w: move %s away, which forgets what it knows, or take another namespace",
			c.Redis.Namespace, err, c.Path)
	case len(c.Redis.Addresses) > 0:
		return fmt.Errorf("state.redis: %w: a broker's first start in a fleet needs the fleet's store", err)
	}
	return err
}

func openRedis(c *config.Redis, warn engineWarnings) (*redis.Store, error) {
	r := redis.Config{
		Addresses: c.Addresses, Namespace: c.Namespace, Username: c.Username, Password: c.Password, Database: c.Database,
		Secret: c.Secret,
		Note:   warn.unread, Refused: warn.refused,
		Sentinel: redis.Sentinel{Master: c.Sentinel.Master, Username: c.Sentinel.Username, Password: c.Sentinel.Password},
	}
	if c.TLS.Enabled {
		var err error
		if r.TLS, err = tlsConfig(&c.TLS); err != nil {
			return nil, err
		}
	}
	store, err := redis.Open(&r)
	if err != nil {
		return nil, fmt.Errorf("state.redis: %w", err)
	}
	return store, nil
}

func tlsConfig(c *config.RedisTLS) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName, InsecureSkipVerify: c.Insecure} //nolint:gosec // it is asked for
	if c.CA != "" {
		text, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("state.redis.tls.ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("state.redis.tls.ca: %s holds no certificate", c.CA)
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("state.redis.tls.cert, key: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

// any reports whether state outlives the process at all.
func (e *engines) any() bool { return e.local != nil || e.fleet != nil }

// store is the local engine as an interface that is nil if there is none.
func (e *engines) store() state.Store {
	if e.local == nil {
		return nil
	}
	return e.local
}

// shared is the fleet's engine as an interface that is nil if there is none.
func (e *engines) shared() state.Fleet {
	if e.fleet == nil {
		return nil
	}
	return e.fleet
}

// clock goes by fleet time.
func (e *engines) clock(now func() time.Time) func() time.Time {
	return state.FleetTime(now, e.shared())
}

func (e *engines) close() error {
	var local, fleet error
	if e.local != nil {
		local = e.local.Close()
	}
	if e.fleet != nil {
		fleet = e.fleet.Close()
	}
	return errors.Join(local, fleet)
}
