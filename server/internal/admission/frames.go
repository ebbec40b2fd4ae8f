package admission

import (
	"encoding/binary"
	"errors"
)

// Of HTTP/2 (RFC 9113) and gRPC over it.
const (
	prefaceSize     = 24
	frameHeaderSize = 9
	messageHeadSize = 5

	frameData    = 0
	frameHeaders = 1
	frameReset   = 3

	flagEndStream = 1
	flagPadded    = 8
	reservedBit   = 1 << 31
)

// What a message may be cut into: each frame takes memory of its own until it is read, beside its bytes.
const (
	freeFrames    = 256
	leastPerFrame = 64
	// maxUnread is how many messages of a stream may wait to be received.
	maxUnread = 2048
)

var (
	errTinyFrames = errors.New("a message was cut into too many frames")
	errUnread     = errors.New("too many messages of a stream wait to be received")
)

// frames walks over what a client sends, in whatever pieces it comes, and keeps nothing of it but a frame's header.
type frames struct {
	streams map[uint32]*Stream // that more may come for

	preface int // bytes of it that are still to come
	header  [frameHeaderSize]byte
	have    int // bytes of header
	rest    int // bytes of the payload that are still to come

	kind, flags byte
	id          uint32
	stream      *Stream // that a DATA frame is for; nil: nobody wants to know
	untold      *Stream // whose call is to be told what the last frame brought
	pad         int     // bytes at the end of a DATA frame that are no data; -1: the next byte says it

	// opened is the stream of the last HEADERS frame.
	opened     uint32
	openedEnds bool
	started    func() // a frame begins
}

// walk takes the next bytes.
func (f *frames) walk(p []byte) error {
	for len(p) > 0 {
		var n int
		switch {
		case f.preface > 0:
			n = min(f.preface, len(p))
			f.preface -= n
		case f.rest == 0:
			n = copy(f.header[f.have:], p)
			if f.have += n; f.have == frameHeaderSize {
				f.have = 0
				f.begin()
				if f.rest == 0 {
					if err := f.end(); err != nil {
						return err
					}
				}
			}
		default:
			n = min(f.rest, len(p))
			f.payload(p[:n])
			if f.rest -= n; f.rest == 0 {
				if err := f.end(); err != nil {
					return err
				}
			}
		}
		p = p[n:]
	}
	return nil
}

// begin reads a frame's header.
func (f *frames) begin() {
	f.rest = payloadSize(f.header[:])
	f.kind, f.flags = f.header[3], f.header[4]
	f.id = binary.BigEndian.Uint32(f.header[5:]) &^ reservedBit
	f.stream, f.pad = nil, 0
	switch f.kind {
	case frameData:
		f.stream = f.streams[f.id]
		if f.flags&flagPadded != 0 {
			f.pad = -1
		}
		if f.stream != nil {
			f.stream.count(f.rest)
		}
	case frameHeaders:
		f.opened, f.openedEnds = f.id, f.flags&flagEndStream != 0
	}
	f.started()
}

func payloadSize(header []byte) int {
	return int(header[0])<<16 | int(header[1])<<8 | int(header[2])
}

// payload takes bytes of the frame's payload, no more than the rest of it.
func (f *frames) payload(p []byte) {
	if f.stream == nil {
		return
	}
	rest := f.rest
	if f.pad < 0 {
		f.pad = int(p[0])
		p, rest = p[1:], rest-1
	}
	f.stream.data(p[:min(len(p), max(0, rest-f.pad))])
}

func (f *frames) end() error {
	ends := f.kind == frameReset || f.kind == frameData && f.flags&flagEndStream != 0
	if ends {
		defer delete(f.streams, f.id)
	}
	if f.stream == nil {
		return nil
	}
	f.tell()
	f.stream.seen.closed = ends
	f.untold = f.stream
	return f.stream.wrong()
}

// tell publishes what the last frame brought. It is called when gRPC asks for the next one: a call that learns of it earlier
// would wait once more, for gRPC to hand the message over.
func (f *frames) tell() {
	if f.untold != nil {
		f.untold.publish()
		f.untold = nil
	}
}
