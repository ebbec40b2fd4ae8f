package access

import (
	"strings"
	"sync/atomic"

	"github.com/credbroker/credbroker/internal/glob"
)

// maxNames is how many names of a certificate are looked at. One with more is nobody's.
const maxNames = 64

// Evidence is what a connection shows of who is at its other end. It must have been verified, and must not be changed.
type Evidence struct {
	// URIs and DNS are the names (SAN) of the client's certificate.
	URIs, DNS []string
	// UID is the user at the other end of a Unix socket, if HasUID.
	UID    uint32
	HasUID bool

	// found is what the last Policy made of it.
	found atomic.Pointer[finding]
}

type finding struct {
	policy *Policy
	caller *Caller // nil: nobody
	err    error
}

func (e *Evidence) isEmpty() bool { return len(e.URIs)+len(e.DNS) == 0 && !e.HasUID }

// caller is the one that the connection belongs to; nil: nobody.
func (e *Evidence) caller(p *Policy) (*Caller, error) {
	if e.isEmpty() {
		return nil, nil
	}
	f := e.found.Load()
	if f == nil || f.policy != p {
		f = &finding{policy: p}
		f.caller, f.err = p.peer(e)
		e.found.Store(f)
	}
	return f.caller, f.err
}

// peer looks at everything that is shown: a certificate that is good for two callers is good for none.
func (p *Policy) peer(e *Evidence) (*Caller, error) {
	if len(e.URIs)+len(e.DNS) > maxNames {
		return nil, ErrUnknown
	}
	var one sole
	for _, name := range e.URIs {
		p.uris.find(name, &one)
	}
	for _, name := range e.DNS {
		p.dns.find(strings.ToLower(name), &one)
	}
	if e.HasUID {
		one.add(p.uids[e.UID])
	}
	if one.several {
		return nil, ErrAmbiguous
	}
	return one.caller, nil
}

func (n *names) find(name string, to *sole) {
	to.add(n.exact[name])
	for _, g := range n.globs {
		if glob.Match(g.pattern, name) {
			to.add(g.caller)
		}
	}
}

// sole is one caller, unless several are added.
type sole struct {
	caller  *Caller
	several bool
}

func (s *sole) add(c *Caller) {
	if c == nil {
		return
	}
	s.several = s.several || s.caller != nil && s.caller != c
	s.caller = c
}
