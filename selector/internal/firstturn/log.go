package firstturn

import "time"

const (
	// Window is how long a first turn that comes again is taken for the same request, sent once more.
	Window = 5 * time.Second
	// attempts is how many picks of one first turn within the window get the same auth. Clients send a request at most
	// three times; what comes more often is as many conversations.
	attempts = 3
	// Max bounds what is remembered. One that is forgotten early is spread early.
	Max = 1 << 16
)

// Log holds first turns by key. The zero value holds none.
type Log[K comparable] struct {
	byKey map[K]turn
	queue []end[K] // by until
}

type turn struct {
	until    int64
	attempts int
}

type end[K comparable] struct {
	key   K
	until int64
}

// Begin notes a first turn that was given an auth.
func (l *Log[K]) Begin(key K, now int64) {
	l.expire(now)
	if len(l.queue) == Max {
		l.drop()
	}
	if l.byKey == nil {
		l.byKey = make(map[K]turn)
	}
	until := now + int64(Window)
	l.byKey[key] = turn{until: until, attempts: 1}
	l.queue = append(l.queue, end[K]{key, until})
}

// Repeats reports whether a first turn is taken for the same request as the one before.
func (l *Log[K]) Repeats(key K, now int64) bool {
	known, ok := l.byKey[key]
	return ok && now < known.until && known.attempts < attempts
}

// Again counts a repetition.
func (l *Log[K]) Again(key K) {
	if known, ok := l.byKey[key]; ok {
		known.attempts++
		l.byKey[key] = known
	}
}

// Answered ends the time in which a first turn may be repeated.
func (l *Log[K]) Answered(key K) { delete(l.byKey, key) }

// expire drops what is over.
func (l *Log[K]) expire(now int64) {
	for len(l.queue) > 0 && l.queue[0].until <= now {
		l.drop()
	}
}

// drop drops the oldest.
func (l *Log[K]) drop() {
	first := l.queue[0]
	if l.queue = l.queue[1:]; l.byKey[first.key].until == first.until {
		delete(l.byKey, first.key)
	}
}
