package selector

import (
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

const (
	// OpeningWindow is how long an opening that comes again is taken for the same request, sent once more.
	OpeningWindow = 5 * time.Second
	// openingTries is how many picks of one opening within the window get the same auth. Clients send a request at most
	// three times; what comes more often is as many conversations.
	openingTries = 3
	// maxOpenings bounds what is remembered. One that is forgotten early is spread early.
	maxOpenings = 1 << 16
)

// openings remembers for a moment which conversations were opened. Many begin with the same words, and only the answer
// tells them apart: all but the same request sent again are spread over the pool.
type openings struct {
	byKey map[SessionKey]opening
	queue []openingEnd // by until
}

type opening struct {
	until cooldown.Instant
	tries int
}

type openingEnd struct {
	key   SessionKey
	until cooldown.Instant
}

// begin notes an opening that was given an auth.
func (o *openings) begin(key SessionKey, now cooldown.Instant) {
	o.expire(now)
	if len(o.queue) == maxOpenings {
		o.drop()
	}
	if o.byKey == nil {
		o.byKey = make(map[SessionKey]opening)
	}
	until := now.Add(OpeningWindow)
	o.byKey[key] = opening{until: until, tries: 1}
	o.queue = append(o.queue, openingEnd{key, until})
}

// repeats reports whether an opening is taken for the same request as the one before.
func (o *openings) repeats(key SessionKey, now cooldown.Instant) bool {
	known, ok := o.byKey[key]
	return ok && now < known.until && known.tries < openingTries
}

// again counts a repetition.
func (o *openings) again(key SessionKey) {
	if known, ok := o.byKey[key]; ok {
		known.tries++
		o.byKey[key] = known
	}
}

// answered ends the time in which an opening may be repeated.
func (o *openings) answered(key SessionKey) { delete(o.byKey, key) }

// expire forgets what is over.
func (o *openings) expire(now cooldown.Instant) {
	for len(o.queue) > 0 && o.queue[0].until <= now {
		o.drop()
	}
}

// drop forgets the oldest.
func (o *openings) drop() {
	first := o.queue[0]
	if o.queue = o.queue[1:]; o.byKey[first.key].until == first.until {
		delete(o.byKey, first.key)
	}
}
