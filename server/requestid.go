package server

import (
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/metadata"
)

// requestIDHeader names the request in the metadata, in and out.
const requestIDHeader = "x-request-id"

// requestIDs makes ids for requests that bring none.
type requestIDs struct {
	process uint64 // random, so that no other process makes the same
	count   atomic.Uint64
}

func newRequestIDs() *requestIDs {
	var b [8]byte
	// Read never fails: it ends the process where there is no randomness.
	_, _ = rand.Read(b[:])
	return &requestIDs{process: binary.BigEndian.Uint64(b[:]) >> 16}
}

func (r *requestIDs) next() string {
	text := make([]byte, 0, 32)
	text = strconv.AppendUint(text, r.process, 36)
	text = append(text, '-')
	return string(strconv.AppendUint(text, r.count.Add(1), 36))
}

// headerPool saves the map of each call's header: gRPC copies what it is given.
type headerPool struct{ pool sync.Pool }

// sendID tells the caller the id of its request beside the answer.
func (p *headerPool) sendID(id string, set func(metadata.MD) error) {
	header, ok := p.pool.Get().(metadata.MD)
	if !ok {
		header = metadata.MD{requestIDHeader: {""}}
	}
	header[requestIDHeader][0] = id
	// It fails outside of a server only.
	_ = set(header)
	p.pool.Put(header)
}

// validRequestID accepts up to maxRequestID printable ASCII characters: the id goes into the log and back to the caller.
func validRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		if id[i] < ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}
