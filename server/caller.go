package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/server/transport"
)

const (
	authorizationHeader = "authorization"
	bearerPrefix        = "bearer "
)

// errUnauthenticated is all that a caller gets to know, whatever is wrong with what it showed.
var errUnauthenticated = errors.New("the call does not show who makes it")

// errRevoked is the cause that a stream ends with when its caller may not have it any more.
var errRevoked = errors.New("the caller may not have the stream any more")

// deniedError: a caller that is known has not the role.
type deniedError struct {
	caller string
	roles  access.Roles
}

func (e *deniedError) Error() string {
	if e.roles == 0 {
		return "nobody may do this"
	}
	return fmt.Sprintf("the caller %s may not do this: it takes the role %s", e.caller, e.roles)
}

// authorizeUnary lets calls in that are made by somebody who may, as often as it may.
func (s *Server) authorizeUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	c := s.callOf(ctx)
	taken, err := s.authorize(c, info.FullMethod)
	if err != nil {
		err = s.refuse(c, err)
		s.auditRefused(c, info.FullMethod)
		return nil, err
	}
	defer taken.leave()
	resp, err := next(ctx, req)
	s.metrics.called(c)
	return resp, err
}

func (s *Server) authorizeStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	c := s.callOf(stream.Context())
	c.stream = true
	taken, err := s.authorize(c, info.FullMethod)
	if err != nil {
		err = s.refuse(c, err)
		s.auditRefused(c, info.FullMethod)
		return err
	}
	defer taken.leave()
	err = next(srv, stream)
	s.metrics.called(c)
	return err
}

// authorize finds out whose call it is, whether it may be made, and takes what it counts for.
func (s *Server) authorize(c *call, method string) (use, error) {
	m, known := s.methods[method]
	c.pick = m.roles == access.Pick
	at := transport.PeerOf(c)
	if service := serviceOf(method); at != nil && !at.Serves(service) {
		// As gRPC says it of services that there are not.
		return use{}, status.Errorf(codes.Unimplemented, "unknown service %s", service)
	}
	if m.open {
		return use{}, nil
	}
	policy := s.settings.Load().Callers
	if policy == nil {
		if !known {
			return use{}, &deniedError{}
		}
		return use{}, nil // who can connect may do everything
	}
	c.proof = proof{token: bearer(c), needs: m.roles}
	if at != nil {
		c.proof.evidence = &at.Evidence
	} else {
		c.proof.evidence = new(access.Evidence)
	}
	caller, err := policy.Identify(c.proof.evidence, c.proof.token, c.start)
	if err != nil {
		return use{}, s.failed(c, err)
	}
	c.caller = caller
	if !known || m.roles != 0 && !caller.Roles.Has(m.roles) {
		s.metrics.refusedCaller(caller.Name, ReasonPermissionDenied)
		return use{}, &deniedError{caller: caller.Name, roles: m.roles}
	}
	taken, err := s.uses.of(caller).enter(caller, kindOf(c, &m), c.start)
	if err != nil {
		s.metrics.refusedCaller(caller.Name, ReasonRateLimited)
	}
	return taken, err
}

// kind says what the caller was known by.
func (p *proof) kind() string {
	switch {
	case p.token != "":
		return "token"
	case p.evidence != nil && p.evidence.HasUID:
		return "uid"
	}
	return "certificate"
}

// proof is what a call showed, for a second look at it.
type proof struct {
	evidence *access.Evidence
	token    string
	needs    access.Roles
}

// good tells whether a call may go on under a policy.
func (p *proof) good(caller *access.Caller, policy *access.Policy, now time.Time) bool {
	found, err := policy.Identify(p.evidence, p.token, now)
	return err == nil && found.Name == caller.Name && (p.needs == 0 || found.Roles.Has(p.needs))
}

// bearer is the token of a call; empty: there is none. What is no token at all is returned as it is, for it is not good either.
func bearer(ctx context.Context) string {
	values := metadata.ValueFromIncomingContext(ctx, authorizationHeader)
	if len(values) == 0 {
		return ""
	}
	return bearerOf(values)
}

// bearerOf is the token in the values of a header.
func bearerOf(values []string) string {
	const none = "-" // no token is
	if len(values) != 1 || len(values[0]) < len(bearerPrefix) || !strings.EqualFold(values[0][:len(bearerPrefix)], bearerPrefix) {
		return none
	}
	if token := strings.TrimSpace(values[0][len(bearerPrefix):]); token != "" {
		return token
	}
	return none
}

// failed counts a call that does not show who makes it, and says so in the log now and then.
func (s *Server) failed(c *call, cause error) error {
	c.stranger = true
	s.metrics.unknown(cause)
	from := "unknown"
	if p, ok := peer.FromContext(c); ok && p.Addr != nil {
		from = hostOf(p.Addr.String(), p.Addr.Network())
	}
	wait, line := s.failures.note(from, c.start)
	if c.silent = !line; line {
		s.log.Warn().Str(fieldPeer, from).AnErr(fieldCause, cause).Str(fieldRequestID, c.id).Msg(logStranger)
	}
	if wait > 0 {
		return &limitedError{what: "calls of an address that do not show who makes them", metadata: limitFailures, wait: wait}
	}
	return errUnauthenticated
}
