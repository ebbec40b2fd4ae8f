package selector

import (
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Slot stands for one identity of the pool in Bindings. The pool hands slots out, and again once an identity is gone and
// Release was called for it.
type Slot uint32

// SessionKey stands for one session id of a caller under one provider and model key: a keyed hash of them all, so that the
// pool neither sees nor keeps session ids.
type SessionKey struct{ Hi, Lo uint64 }

// String is 32 lower-case hex digits.
func (k SessionKey) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.Hi)
	binary.BigEndian.PutUint64(b[8:], k.Lo)
	return hex.EncodeToString(b[:])
}

// ParseSessionKey reads what String gives.
func ParseSessionKey(text string) (SessionKey, bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 16 {
		return SessionKey{}, false
	}
	return SessionKey{Hi: binary.BigEndian.Uint64(b[:8]), Lo: binary.BigEndian.Uint64(b[8:])}, true
}

// Session is one id of a conversation.
type Session struct {
	Key SessionKey
	// Caller whose session it is; empty: there are no callers. Its key is of that caller.
	Caller string
	// Source is kept beside the binding for listings; its values belong to the one who derived the key.
	Source uint8
	// Role is the same for all ids of a conversation, but that prefixes may be past.
	Role Role
}

// Role is what a session id stands for.
type Role uint8

// The roles.
const (
	// RoleName names the conversation: its ids are aliases of one binding.
	RoleName Role = iota
	// RolePrefix stands for messages that the conversation begins with. Other conversations may begin with them too, so
	// such an id is bound for itself and never becomes an alias.
	RolePrefix
	// RolePast is a prefix that the conversation has grown beyond. It is looked up like others, and not bound any more
	// once a longer one is.
	RolePast
)

// Bindings remember which identity a session is bound to, each binding for a sliding time to live that the
// implementation knows. The pool calls it under its own lock, so it must not wait and must not call back.
type Bindings interface {
	// Find reports the slot that the session is bound to, if the binding is alive. It changes nothing.
	Find(key SessionKey, now time.Time) (Slot, bool)
	// Renew starts the time to live of a live binding anew, for all its aliases, and returns its new end.
	Renew(key SessionKey, now time.Time) time.Time
	// Join makes primary one more alias of the live binding of fallback, and does what Renew does.
	Join(primary Session, fallback SessionKey, now time.Time) time.Time
	// Bind binds sessions, primary first, to slot, and returns the end. The live binding of the primary moves with all
	// its aliases, and takes in the further sessions; without one, all of them form a new binding. Prefixes are different:
	// only the first is bound, and those of the others that are past and bound to slot are bound to nothing afterwards.
	Bind(sessions []Session, slot Slot, now time.Time) time.Time
	// Release ends every binding to slot and returns how many there were. Its cost does not depend on their number.
	Release(slot Slot) int
}
