package servertest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Peer speaks HTTP/2 to a server frame by frame, as no client does: it starts calls and leaves them. What the server
// answers is read all the time. Its methods may be used by several goroutines.
type Peer struct {
	conn net.Conn

	writing sync.Mutex // and what it guards
	framer  *http2.Framer
	block   bytes.Buffer
	encoder *hpack.Encoder
	next    uint32
	method  string
	head    []byte

	mu      sync.Mutex
	data    int // bytes of answers that came
	changed *sync.Cond
	windows map[uint32]int64 // what may be sent yet: on a stream beside its first window, on all with id 0
	ended   map[uint32]Ended
	err     error // the connection is over
}

// Ended is how a stream ended.
type Ended struct {
	// Status is the grpc-status; empty: it was reset.
	Status string
	// Message is the grpc-message.
	Message string
}

const firstWindow = 64<<10 - 1

var errPeerClosed = errors.New("the connection is closed")

// NewPeer begins a connection, which it closes when ctx ends.
func NewPeer(ctx context.Context, conn net.Conn) (*Peer, error) {
	p := &Peer{
		conn: conn, framer: http2.NewFramer(conn, conn), next: 1,
		windows: map[uint32]int64{0: firstWindow}, ended: make(map[uint32]Ended),
	}
	p.changed = sync.NewCond(&p.mu)
	p.encoder = hpack.NewEncoder(&p.block)
	p.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		return nil, err
	}
	if err := p.framer.WriteSettings(); err != nil {
		return nil, err
	}
	go p.read()
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	return p, nil
}

// read notes what the server sends.
func (p *Peer) read() {
	for {
		frame, err := p.framer.ReadFrame()
		if err == nil {
			err = p.note(frame)
		}
		if err != nil {
			p.mu.Lock()
			p.err = errors.Join(errPeerClosed, err)
			p.changed.Broadcast()
			p.mu.Unlock()
			return
		}
	}
}

func (p *Peer) note(frame http2.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := frame.Header().StreamID
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			go func() { _ = p.write(func() error { return p.framer.WriteSettingsAck() }) }()
		}
	case *http2.PingFrame:
		if data := f.Data; !f.IsAck() {
			go func() { _ = p.write(func() error { return p.framer.WritePing(true, data) }) }()
		}
	case *http2.DataFrame:
		p.data += len(f.Data())
	case *http2.WindowUpdateFrame:
		p.windows[id] += int64(f.Increment)
	case *http2.RSTStreamFrame:
		if _, known := p.ended[id]; !known {
			p.ended[id] = Ended{}
		}
	case *http2.MetaHeadersFrame:
		if f.StreamEnded() {
			var e Ended
			for _, field := range f.Fields {
				switch field.Name {
				case "grpc-status":
					e.Status = field.Value
				case "grpc-message":
					e.Message = field.Value
				}
			}
			p.ended[id] = e
		}
	}
	p.changed.Broadcast()
	return nil
}

func (p *Peer) write(frames func() error) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	return frames()
}

// Call starts a call and sends nothing more.
func (p *Peer) Call(method string, more ...hpack.HeaderField) (stream uint32, err error) {
	err = p.write(func() error {
		stream = p.next
		p.next += 2
		return p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: p.headers(method, more), EndHeaders: true})
	})
	return stream, err
}

// headers encodes a call, from memory where it is the same as the last.
func (p *Peer) headers(method string, more []hpack.HeaderField) []byte {
	if method == p.method && len(more) == 0 {
		return p.head
	}
	encode := func() {
		p.block.Reset()
		for _, f := range append([]hpack.HeaderField{
			{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":path", Value: method},
			{Name: ":authority", Value: "broker"}, {Name: "content-type", Value: "application/grpc"}, {Name: "te", Value: "trailers"},
		}, more...) {
			_ = p.encoder.WriteField(f) // to memory
		}
	}
	encode()
	if len(more) > 0 {
		p.method = ""
		return p.block.Bytes()
	}
	// The first time fills the table; from then on a call is a few bytes of indexes.
	first := bytes.Clone(p.block.Bytes())
	encode()
	p.method, p.head = method, bytes.Clone(p.block.Bytes())
	return first
}

// Flood starts calls and resets each at once, n of them, in one write.
func (p *Peer) Flood(method string, n int) error {
	return p.write(func() error {
		var out bytes.Buffer
		to := http2.NewFramer(&out, nil)
		for range n {
			stream := p.next
			p.next += 2
			if err := to.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: p.headers(method, nil), EndHeaders: true}); err != nil {
				return err
			}
			if err := to.WriteRSTStream(stream, http2.ErrCodeCancel); err != nil {
				return err
			}
		}
		_, err := p.conn.Write(out.Bytes())
		return err
	})
}

// Message is the head of a message of that length, and as much of it.
func Message(length, sent int) []byte {
	head := binary.BigEndian.AppendUint32([]byte{0}, uint32(length)) //nolint:gosec // tests know what they ask for
	return append(head, make([]byte, sent)...)
}

// Send sends data on a stream, as fast as the server's windows allow, until the stream or the connection ends.
func (p *Peer) Send(stream uint32, data []byte, end bool) error {
	for first := true; first || len(data) > 0; first = false {
		n, err := p.room(stream, min(len(data), 16<<10))
		if err != nil {
			return err
		}
		part := data[:n]
		data = data[n:]
		if err := p.write(func() error { return p.framer.WriteData(stream, end && len(data) == 0, part) }); err != nil {
			return err
		}
	}
	return nil
}

// room waits until some of n bytes may be sent.
func (p *Peer) room(stream uint32, n int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if p.err != nil {
			return 0, p.err
		}
		if e, over := p.ended[stream]; over {
			return 0, errors.New("the stream ended: " + e.Status + " " + e.Message)
		}
		room := min(p.windows[0], p.windows[stream]+firstWindow)
		if n == 0 || room > 0 {
			n = int(min(int64(n), room))
			p.windows[0] -= int64(n)
			p.windows[stream] -= int64(n)
			return n, nil
		}
		p.changed.Wait()
	}
}

// End waits for the end of a stream.
func (p *Peer) End(stream uint32) (Ended, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if e, over := p.ended[stream]; over {
			return e, nil
		}
		if p.err != nil {
			return Ended{}, p.err
		}
		p.changed.Wait()
	}
}

// Closed waits for the end of the connection.
func (p *Peer) Closed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.err == nil {
		p.changed.Wait()
	}
	return p.err
}

// Ends is how many streams have ended.
func (p *Peer) Ends() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ended)
}

// Reset ends a stream as a client does that wants no answer.
func (p *Peer) Reset(stream uint32) error {
	return p.write(func() error { return p.framer.WriteRSTStream(stream, http2.ErrCodeCancel) })
}

// Ended is how a stream ended, if it has.
func (p *Peer) Ended(stream uint32) (end Ended, over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	end, over = p.ended[stream]
	return end, over
}

// Read opens the windows of a stream for n more bytes of answers. Without it the first 65,535 of all streams come, and no more.
func (p *Peer) Read(stream uint32, n uint32) error {
	return p.write(func() error {
		if err := p.framer.WriteWindowUpdate(0, n); err != nil {
			return err
		}
		return p.framer.WriteWindowUpdate(stream, n)
	})
}

// Data is how many bytes of answers came on all streams.
func (p *Peer) Data() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.data
}
