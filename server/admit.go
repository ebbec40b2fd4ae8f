package server

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/credbroker/credbroker/server/internal/admission"
)

// registrar registers services whose unary calls pass the interceptors before anything of their request is received, as
// streams do anyway. So what goes wrong on the way is logged, counted and given a reason, and nobody's request is
// received who may not call.
type registrar struct {
	*grpc.Server
	server *Server
}

// RegisterService is part of grpc.ServiceRegistrar.
func (r registrar) RegisterService(desc *grpc.ServiceDesc, impl any) {
	d := *desc
	d.Methods = slices.Clone(desc.Methods)
	for i := range d.Methods {
		m := &d.Methods[i]
		m.Handler = r.server.early("/"+desc.ServiceName+"/"+m.MethodName, m.Handler)
	}
	r.Server.RegisterService(&d, impl)
}

type unaryMethod = func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error)

// early is a method that runs the interceptors first, without a request, and then receives.
func (s *Server) early(name string, method unaryMethod) unaryMethod {
	info := &grpc.UnaryServerInfo{FullMethod: name}
	return func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		return s.unary(ctx, nil, info, func(ctx context.Context, _ any) (any, error) {
			stream := admission.StreamOf(ctx)
			if stream == nil {
				return method(srv, ctx, decode, nil)
			}
			if err := stream.Enter(true); err != nil {
				return nil, err
			}
			defer stream.Leave()
			return method(srv, ctx, func(req any) error {
				return s.receive(ctx, stream, true, func() error { return decode(req) })
			}, nil)
		})
	}
}

// receive receives a request. The call's time counts from when it is there.
func (s *Server) receive(ctx context.Context, stream *admission.Stream, single bool, receive func() error) error {
	waited, err := stream.Receive(ctx, single, receive)
	if waited {
		s.callOf(ctx).start = s.clock()
	}
	return err
}

// admitStream is what early does, for streams.
func (s *Server) admitStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	stream := admission.StreamOf(ss.Context())
	if stream == nil {
		return next(srv, ss)
	}
	single := !info.IsClientStream
	if err := stream.Enter(single); err != nil {
		return err
	}
	defer stream.Leave()
	return next(srv, &admittedStream{ServerStream: ss, server: s, stream: stream, single: single})
}

// admittedStream receives what there is room for.
type admittedStream struct {
	grpc.ServerStream
	server *Server
	stream *admission.Stream
	single bool
}

// RecvMsg is part of grpc.ServerStream.
func (a *admittedStream) RecvMsg(m any) error {
	return a.server.receive(a.Context(), a.stream, a.single, func() error { return a.ServerStream.RecvMsg(m) })
}

// refused counts what is refused, and logs it at most once a minute for each kind.
func (s *Server) refused(what admission.Refusal) {
	s.metrics.refused.WithLabelValues(string(what)).Inc()
	now := s.clock()
	s.refusals.Lock()
	defer s.refusals.Unlock()
	if now.Sub(s.refusals.logged[what]) < refusalLogEvery {
		return
	}
	s.refusals.logged[what] = now
	s.log.Warn().Str(fieldWhat, string(what)).Int64(fieldHeld, s.guard.Held()).Msg(logRefusing)
}

// refusalLogEvery keeps a flood of refusals out of the log.
const refusalLogEvery = time.Minute

// chainUnary makes one interceptor of several, the outermost first.
func chainUnary(all ...grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		next := handler
		for _, intercept := range slices.Backward(all) {
			inner := next
			next = func(ctx context.Context, req any) (any, error) { return intercept(ctx, req, info, inner) }
		}
		return next(ctx, req)
	}
}

// Held is how many bytes calls and the requests that are being received count for now.
func (s *Server) Held() int64 { return s.guard.Held() }
