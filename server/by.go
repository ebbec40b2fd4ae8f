package server

import "github.com/credbroker/credbroker/broker"

// by is whose call it is, as the core knows callers.
func (s *Server) by(c *call) broker.Caller {
	if c.caller == nil {
		return broker.Caller{}
	}
	return s.config.Broker.Caller(c.caller.Name)
}
