package selector

import (
	"strconv"
	"strings"
)

// The attributes that the pool itself reads.
const (
	attributePriority      = "priority"
	attributeWebSockets    = "websockets"
	attributeVirtualParent = "gemini_virtual_parent"
)

// ReadsAttribute reports whether the pool itself reads an attribute. All others are for gateways.
func ReadsAttribute(name string) bool {
	return name == attributePriority || name == attributeWebSockets || name == attributeVirtualParent
}

// PriorityOf reads the attribute `priority`: a decimal signed 64-bit number in any white space. Anything else is 0.
func PriorityOf(attribute string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(attribute), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// WebSocketsOn reads the attribute `websockets`, and where that is no boolean the metadata of the same
// name, a bool or text. Anything else is off.
func WebSocketsOn(attribute string, metadata any) bool {
	if on, ok := parseBool(attribute); ok {
		return on
	}
	switch m := metadata.(type) {
	case bool:
		return m
	case string:
		on, _ := parseBool(m)
		return on
	}
	return false
}

// parseBool reads what strconv.ParseBool does, in any white space.
func parseBool(text string) (on, ok bool) {
	on, err := strconv.ParseBool(strings.TrimSpace(text))
	return on, err == nil
}

func (a *Auth) priority() int64 {
	if a.Priority != nil {
		return *a.Priority
	}
	return PriorityOf(a.Attributes[attributePriority])
}

func (a *Auth) weight() uint32 {
	if a.Weight != nil {
		return *a.Weight
	}
	return 1
}

func (a *Auth) webSockets() bool {
	return WebSocketsOn(a.Attributes[attributeWebSockets], a.WebSockets)
}

func (a *Auth) virtualParent() string { return strings.TrimSpace(a.Attributes[attributeVirtualParent]) }

func (a *Auth) identity() string {
	if a.Identity != "" {
		return a.Identity
	}
	return a.ID
}
