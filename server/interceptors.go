package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
)

// chain returns the interceptors, the outermost first:
//
//  1. observe gives the call its request id and counts it, so that whatever happens further in is counted.
//  2. accessLog writes one line a call, the refused ones included.
//  3. authorize lets in who may make the call, as often as it may: refusals are logged and counted, and cost no more than that. Calls that
//     do not show who makes them have one line an address and minute.
//  4. audit writes the lines of administrative acts; the release of a credential has its line in credential.go.
//  5. untilStop ends streams when the server stops. Unary calls are left to finish.
//  6. errors turns what the core returns into codes, reasons and details.
//  7. recovery makes a panic an error to all of the above.
//  8. What is received takes its share of memory first (admit.go).
func (s *Server) chain() (grpc.UnaryServerInterceptor, grpc.ServerOption) {
	recoverWith := recovery.WithRecoveryHandlerContext(s.recovered)
	return chainUnary(s.observeUnary, s.accessLogUnary, s.authorizeUnary, s.auditUnary, s.errorsUnary, recovery.UnaryServerInterceptor(recoverWith)),
		grpc.ChainStreamInterceptor(
			s.observeStream, s.accessLogStream, s.authorizeStream, s.untilStopStream, s.errorsStream,
			recovery.StreamServerInterceptor(recoverWith), s.admitStream)
}

func (s *Server) observeUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	c := s.newCall(ctx)
	s.headers.sendID(c.id, func(md metadata.MD) error { return grpc.SetHeader(ctx, md) })
	resp, err := next(c, req)
	s.metrics.handled(info.FullMethod, status.Code(err))
	s.metrics.took(info.FullMethod, c.end(s.clock))
	return resp, err
}

func (s *Server) observeStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	c := s.newCall(stream.Context())
	s.headers.sendID(c.id, stream.SetHeader)
	err := next(srv, &callStream{ServerStream: stream, ctx: c})
	s.metrics.handled(info.FullMethod, status.Code(err))
	return err
}

func (s *Server) accessLogUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	resp, err := next(ctx, req)
	s.accessLog(ctx, info.FullMethod, err)
	return resp, err
}

func (s *Server) accessLogStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	err := next(srv, stream)
	s.accessLog(stream.Context(), info.FullMethod, err)
	return err
}

// accessLog writes ids and words only: no body, no secret, no session id.
func (s *Server) accessLog(ctx context.Context, method string, err error) {
	c := s.callOf(ctx)
	if !s.settings.Load().AccessLog || c.stranger {
		return
	}
	e := s.log.Info()
	if e == nil {
		return
	}
	e.Str(fieldMethod, method).Str(fieldCode, codeName(status.Code(err))).Str(fieldRequestID, c.id)
	e.Int64(fieldDuration, c.end(s.clock).Microseconds())
	if c.caller != nil {
		e.Str(fieldCaller, c.caller.Name)
	}
	if c.reason != "" {
		e.Str(fieldReason, string(c.reason))
	}
	if c.authID != "" {
		e.Str(fieldAuth, c.authID)
	}
	if c.session != (selector.SessionKey{}) {
		e.Str(fieldSession, c.session.String()).Str(fieldSource, c.source.String())
	}
	if c.picked {
		e.Str(fieldBinding, bindingName(c.binding))
	}
	e.Msg(logRequest)
}

// untilStopStream cancels the context of a stream when the server stops, or when its caller may not have it any more: a watch has
// no end of its own.
func (s *Server) untilStopStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	c := s.callOf(stream.Context())
	ctx, done := s.streams.begin(stream.Context(), c)
	defer done()
	err := next(srv, &callStream{ServerStream: stream, ctx: ctx})
	if errors.Is(context.Cause(ctx), errRevoked) {
		return s.refuse(c, errUnauthenticated)
	}
	return err
}

func (s *Server) errorsUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	resp, err := next(ctx, req)
	if err != nil {
		return nil, s.refuse(ctx, err)
	}
	return resp, nil
}

func (s *Server) errorsStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := next(srv, stream); err != nil {
		return s.refuse(stream.Context(), err)
	}
	return nil
}

// refuse translates err. What is the broker's own fault is logged with its cause, which the caller does not get to see,
// unless it lasts and was logged when it began.
func (s *Server) refuse(ctx context.Context, err error) error {
	c := s.callOf(ctx)
	st, reason := translate(err, c.format, c.pick)
	if reason == "" {
		// Of the transport, or translated further in.
		return st.Err()
	}
	c.reason = reason
	lasts := errors.Is(err, broker.ErrNotDurable)
	if !lasts && (reason == ReasonInternal || reason == ReasonStateUnavailable) {
		s.log.Error().Str(fieldRequestID, c.id).Str(fieldReason, string(reason)).Str(fieldAuth, c.authID).
			AnErr(fieldCause, err).Msg(logFailure)
	}
	return st.Err()
}

// recovered makes an error of a panic.
func (s *Server) recovered(ctx context.Context, value any) error {
	s.metrics.panics.Inc()
	s.log.Error().Str(fieldRequestID, s.callOf(ctx).id).Str(fieldPanic, fmt.Sprint(value)).
		Bytes(fieldStack, debug.Stack()).Msg(logPanic)
	return errPanic
}
