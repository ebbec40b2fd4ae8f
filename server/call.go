package server

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
)

// call is one RPC: what the log line and the metrics say about it, filled in on the way. It is a context, which saves an
// allocation for each RPC. One goroutine uses it at a time.
type call struct {
	context.Context //nolint:containedctx // it is one

	// start is the only reading of the clock before the end: it is also the time that the core is given.
	start  time.Time
	took   time.Duration
	ended  bool
	id     string
	reason Reason

	// Whose call it is; nil: nobody's in particular. What it showed is set with it.
	caller *access.Caller
	proof  proof
	stream bool
	// pick: it asks for auths.
	pick bool
	// stranger: the call does not show whose it is. Its address has a line of the log now and then.
	stranger bool
	// silent: another such call of the address had its line a moment ago.
	silent bool
	// act is what an audited one is about; nil: it is none.
	act *act

	// What the handler learnt. session is zero where none was identified.
	authID  string
	model   string
	session selector.SessionKey
	source  sessions.Source
	binding selector.Binding
	picked  bool
	format  sessions.Format
}

type callKey struct{}

// Value gives the call itself for its key.
func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// callOf returns the call that ctx belongs to. Every RPC of the chain has one.
func (s *Server) callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return s.newCall(ctx)
}

func (s *Server) newCall(ctx context.Context) *call {
	c := &call{Context: ctx, start: s.clock()}
	for _, id := range metadata.ValueFromIncomingContext(ctx, requestIDHeader) {
		if validRequestID(id) {
			c.id = id
			return c
		}
	}
	c.id = s.ids.next()
	return c
}

// about notes which auth the call names. An id that is longer than any is none, and nothing for the log.
func (c *call) about(authID string) {
	if len(authID) <= maxAuthID {
		c.authID = authID
		c.act.see(c)
	}
}

// end reads the clock when it is first called and returns how long the call took.
func (c *call) end(clock func() time.Time) time.Duration {
	if !c.ended {
		c.took, c.ended = clock().Sub(c.start), true
	}
	return c.took
}

// callStream gives a stream's handler the context of its call.
type callStream struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // a stream hands it out
}

func (s *callStream) Context() context.Context { return s.ctx }
