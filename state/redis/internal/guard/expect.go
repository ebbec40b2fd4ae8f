package guard

import (
	"bytes"
	"strings"
	"sync"
)

// kind is what may answer a request. The library relies on it.
type kind uint8

const (
	anything kind = iota
	// subscribed, unsubscribed: one push for each channel, or an error.
	subscribed
	unsubscribed
	// pong: what follows the requests for pushes to end.
	pong
	// role: a list of one at least. master: of two. sentinel: as anything.
	role
	master
	sentinel
)

// request is one that was not answered yet.
type request struct {
	kind kind
	// pushes that are still to come.
	pushes int64
}

// requests are those under way on a connection, the oldest first.
type requests struct {
	mu         sync.Mutex
	queue      []request
	last       kind
	subscribed bool
}

func (r *requests) add(q request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, q)
	r.last = q.kind
	r.subscribed = r.subscribed || q.kind == subscribed
}

// commands are told of the requests that the library writes, which are arrays of texts.
type commands struct {
	requests *requests
	size     int64
	seen     int
	kind     kind
}

func (c *commands) begin(h header, _ []byte) error {
	if h.depth == 0 {
		c.size, c.seen, c.kind = h.size, 0, anything
	}
	return nil
}

func (c *commands) text(_ int, text []byte) error {
	switch c.seen++; {
	case c.seen == 1:
		c.kind = c.kindOf(text)
	case c.seen == 2 && c.kind == sentinel && string(text) == "GET-MASTER-ADDR-BY-NAME":
		c.kind = master
	}
	return nil
}

func (c *commands) kindOf(name []byte) kind {
	switch string(name) {
	case "SUBSCRIBE":
		return subscribed
	case "UNSUBSCRIBE":
		return unsubscribed
	case "PING":
		if c.requests.last == unsubscribed { // only who writes changes it
			return pong
		}
	case "ROLE":
		return role
	case "SENTINEL":
		return sentinel
	}
	return anything
}

func (c *commands) end() error {
	c.requests.add(request{kind: c.kind, pushes: max(1, c.size-1)})
	return nil
}

// replies are told of what the server answers.
type replies struct {
	requests *requests
	// Of a push: how many elements it has, and the first of them.
	push  int64
	parts [3]string
	seen  int
	// failed: the text that is being read is an error.
	failed bool
}

func (r *replies) begin(h header, text []byte) error {
	r.failed = h.typ == blobError
	if h.typ == failure {
		if err := checkRedirection(text); err != nil {
			return err
		}
	}
	switch {
	case h.depth == 0 && h.typ == push:
		r.push, r.seen, r.parts = h.size, 0, [3]string{}
		return nil
	case h.typ == push, r.push > 0 && isAggregate(h.typ):
		return refuse("it has a push or a list inside of another")
	case h.depth == 0:
		return r.requests.answered(h, text)
	case r.push > 0 && h.size < 0:
		r.part(text)
	}
	return nil
}

func isAggregate(typ byte) bool {
	return typ == array || typ == mapping || typ == set || typ == attribute
}

func (r *replies) text(_ int, text []byte) error {
	if r.failed {
		if err := checkRedirection(text); err != nil {
			return err
		}
	}
	r.part(text)
	return nil
}

func (r *replies) part(text []byte) {
	if r.push > 0 && r.seen < len(r.parts) {
		r.parts[r.seen] = string(text)
		r.seen++
	}
}

func (r *replies) end() error {
	size := r.push
	r.push = 0
	if size == 0 {
		return nil
	}
	return r.requests.pushed(size, r.parts)
}

// checkRedirection refuses an error that sends on to another server and does not say to which.
func checkRedirection(text []byte) error {
	words := bytes.Count(text, []byte(" ")) + 1
	switch {
	case bytes.HasPrefix(text, []byte("MOVED")) && words < 3,
		bytes.HasPrefix(text, []byte("ASK")) && words < 3,
		bytes.HasPrefix(text, []byte("REDIRECT")) && words < 2:
		return refuse("it sends on to nowhere")
	}
	return nil
}

// answered takes in the begin of a reply that is no push.
func (r *requests) answered(h header, text []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return refuse("nothing was asked")
	}
	q := r.queue[0]
	isList := h.typ == array || h.typ == set
	switch {
	case q.kind == subscribed && h.typ != failure,
		q.kind == unsubscribed && (h.typ != failure || isPong(h.typ, text)),
		q.kind == pong && !isPong(h.typ, text),
		q.kind == role && isList && h.size == 0,
		q.kind == master && isList && h.size >= 0 && h.size < 2:
		return refuse("it is no answer to what was asked")
	}
	r.pop()
	return nil
}

func (r *requests) pop() {
	r.queue = r.queue[:copy(r.queue, r.queue[1:])]
}

// isPong is what the library takes for the answer to PING.
func isPong(typ byte, text []byte) bool {
	s := string(text)
	if typ == failure {
		return strings.HasPrefix(s, "LOADING") || strings.HasPrefix(s, "BUSY") || strings.Contains(s, "'ping'")
	}
	return typ == simple && s == "PONG"
}

// pushed takes in a push that is whole.
func (r *requests) pushed(size int64, parts [3]string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	due := request{}
	if len(r.queue) > 0 {
		due = r.queue[0]
	}
	switch {
	case size != int64(len(parts)):
	case parts[0] == "message" && r.subscribed && enough(parts[1], parts[2]):
		return nil
	case parts[0] == "subscribe" && due.kind == subscribed, parts[0] == "unsubscribe" && due.kind == unsubscribed:
		if r.queue[0].pushes--; r.queue[0].pushes == 0 {
			r.pop()
		}
		return nil
	}
	return refuse("it is a push that was not asked for: %.32q", parts[0])
}

// enough reports whether a sentinel's event has the words that the library takes out of it.
func enough(channel, event string) bool {
	words := strings.Count(event, " ") + 1
	switch channel {
	case "+switch-master":
		return words >= 5
	case "+sentinel", "+reboot":
		return words >= 4
	}
	return true
}
