package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// Config says where the fleet's store is.
type Config struct {
	// Addresses, each host:port: of the server, of some nodes of a cluster, or of the sentinels.
	Addresses []string
	// Namespace keeps fleets that share a server apart. At most 64 letters, digits, `.`, `_` and `-`.
	Namespace string
	// Username of the ACL; empty: the default user.
	Username string
	Password selector.Secret
	// TLS for all connections; nil: none.
	TLS *tls.Config
	// Sentinel, if its Master is set, says how to find the server.
	Sentinel Sentinel
	// Database to select, on a server that is no cluster.
	Database int
	// Timeout of a call, and of connecting; zero: DefaultTimeout.
	Timeout time.Duration
	// Note is told of what is kept and cannot be read, once each, in words for the log; nil: nobody is.
	Note func(words string)
	// Secret of the fleet, the same for all replicas: what stands in the store carries a MAC of it, and what does not is passed
	// over. Empty: everything is believed. At least MinSecret bytes.
	Secret selector.Secret
	// Refused is told of what is refused of the server, each time, from many goroutines; nil: nobody is.
	Refused func(what string, cause error)
}

// What is refused.
const (
	// RefusedReply is one that is too large, or out of place; its connection is closed.
	RefusedReply = "reply"
	// RefusedRecord and RefusedBinding do not carry the MAC of the fleet's secret. They are passed over.
	RefusedRecord  = "record"
	RefusedBinding = "binding"
)

// MinSecret is how many bytes a secret has at least.
const MinSecret = 32

// Sentinel are the sentinels' own settings.
type Sentinel struct {
	// Master is the name that the sentinels watch the server by.
	Master   string
	Username string
	Password selector.Secret
}

// DefaultTimeout is how long a call may take where the caller sets no earlier end.
const DefaultTimeout = time.Second

const maxNamespace = 64

// check finds what nothing could work with.
func (c *Config) check() error {
	if len(c.Addresses) == 0 {
		return errors.New("no addresses")
	}
	if c.Namespace == "" || len(c.Namespace) > maxNamespace || strings.Trim(c.Namespace, namespaceCharacters) != "" {
		return fmt.Errorf("namespace %q: want 1 to %d letters, digits, `.`, `_` and `-`", c.Namespace, maxNamespace)
	}
	if size := len(c.secretBytes()); size > 0 && size < MinSecret {
		return fmt.Errorf("secret of %d bytes: want at least %d", size, MinSecret)
	}
	return nil
}

const namespaceCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

func (c *Config) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultTimeout
}
