package server

import (
	"context"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/credbroker/credbroker/audit"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server/transport"
)

// act is an administrative act that is going on.
type act struct {
	server *Server
	// named: it is about an auth, and before is what was known of that.
	named  bool
	before audit.Facts
}

// see notes what is known of the auth that the call names, before anything is done to it.
func (a *act) see(c *call) {
	if a != nil {
		a.named, a.before = true, a.server.facts(c, c.authID)
	}
}

// auditUnary writes a line for every administrative act, whatever comes of it.
func (s *Server) auditUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	m := s.methods[info.FullMethod]
	if s.config.Audit == nil || !m.acts() {
		return next(ctx, req)
	}
	c := s.callOf(ctx)
	slot, err := s.config.Audit.Reserve()
	if err != nil {
		return nil, s.refuse(c, err)
	}
	defer slot.Free()
	c.act = &act{server: s}
	resp, err := next(ctx, req)
	e := s.entry(c, info.FullMethod)
	if e.Outcome = string(c.reason); e.Outcome == "" {
		e.Outcome = codeName(status.Code(err))
	}
	if c.act.named {
		e.Before, e.After = c.act.before, s.facts(c, c.authID)
	}
	slot.Write(&e)
	return resp, err
}

// entry is what a line says of the call itself.
func (s *Server) entry(c *call, method string) audit.Entry {
	e := audit.Entry{Time: c.start, Action: path.Base(method), From: addressOf(c), RequestID: c.id, AuthID: c.authID, Model: c.model}
	if c.caller != nil {
		e.Caller, e.Proof = c.caller.Name, c.proof.kind()
	}
	if c.session != (selector.SessionKey{}) {
		e.Session = c.session.String()
	}
	return e
}

// addressOf is where a call comes from: host and port, or the user at the other end of a socket.
func addressOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok || p.Addr == nil {
		return ""
	}
	if p.Addr.Network() != "unix" {
		return p.Addr.String()
	}
	if known := transport.PeerOf(ctx); known != nil && known.Evidence.HasUID {
		return "unix:uid=" + strconv.FormatUint(uint64(known.Evidence.UID), 10)
	}
	return "unix"
}

// auditRefused writes who may not make a call that would have been audited: one line a minute for each address of strangers, and for
// each caller and method. Others would make the file grow with what they are refused.
func (s *Server) auditRefused(c *call, method string) {
	m := s.methods[method]
	if s.config.Audit == nil || !m.releases() && !m.acts() {
		return
	}
	switch {
	case c.stranger && !c.silent:
	case c.reason == ReasonPermissionDenied && s.denials.first(c.caller.Name+" "+method, c.start):
	default:
		return
	}
	e := s.entry(c, method)
	e.Outcome = string(c.reason)
	s.config.Audit.Write(&e)
}

const (
	denialLines = time.Minute
	maxDenials  = 4096
)

// denials are when callers were last refused a method that is not for them.
type denials struct {
	mu     sync.Mutex
	logged map[string]time.Time
}

// first tells whether it is the first of a minute.
func (d *denials) first(key string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last, ok := d.logged[key]; ok && now.Sub(last) < denialLines {
		return false
	}
	if d.logged == nil || len(d.logged) >= maxDenials {
		d.logged = make(map[string]time.Time)
	}
	d.logged[key] = now
	return true
}

// facts are what a line says of an auth, none of it secret; none: it is not there for the caller.
func (s *Server) facts(c *call, id string) audit.Facts {
	known, err := s.config.Broker.Auth(s.by(c), id, c.start)
	if err != nil {
		return nil
	}
	a := known.Auth
	names := make([]string, len(a.Headers))
	for i, h := range a.Headers {
		names[i] = h.Name
	}
	facts := audit.Facts{
		"provider": a.Provider, "label": a.Label, "kind": a.Kind.String(), "source": a.Source,
		"state": stateName(known.State), "state_reason": known.Why,
		"priority": strconv.FormatInt(known.Priority, 10), "weight": strconv.FormatUint(uint64(known.Weight), 10),
		"base_url": addressOnly(a.BaseURL), "proxy_url": proxyWithoutPassword(a), "header_names": strings.Join(names, ", "),
		"cooldowns": strconv.Itoa(len(known.Blocks)), "bound_sessions": strconv.Itoa(known.BoundSessions),
	}
	for name, value := range facts {
		if value == "" {
			delete(facts, name)
		}
	}
	return facts
}

// addressOnly is a URL without what may be secret in it: user, query and fragment.
func addressOnly(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
