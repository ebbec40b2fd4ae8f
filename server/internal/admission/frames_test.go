package admission

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
)

// wire writes what a client sends, with the framer of x/net.
type wire struct {
	*testing.T
	bytes.Buffer
	framer *http2.Framer
}

func newWire(t *testing.T) *wire {
	w := &wire{T: t}
	w.WriteString(http2.ClientPreface)
	w.framer = http2.NewFramer(&w.Buffer, nil)
	return w
}

func (w *wire) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// message is the head of a message of that length, and as much of the message.
func message(length, sent int) []byte {
	head := binary.BigEndian.AppendUint32([]byte{0}, uint32(length))
	return append(head, make([]byte, sent)...)
}

// walked feeds data in pieces of random sizes to a walker that knows some streams, and returns how far each came.
func walked(data []byte, r *rand.Rand, ids ...uint32) (map[uint32]progress, error) {
	all := make(map[uint32]*Stream, len(ids))
	f := frames{streams: make(map[uint32]*Stream), preface: prefaceSize, started: func() {}}
	for _, id := range ids {
		all[id] = &Stream{}
		f.streams[id] = all[id]
	}
	var err error
	for len(data) > 0 && err == nil {
		n := len(data)
		if r != nil {
			n = min(n, 1+r.IntN(40))
		}
		err = f.walk(data[:n])
		data = data[n:]
	}
	f.tell()
	far := make(map[uint32]progress, len(ids))
	for id, s := range all {
		far[id] = s.progress
	}
	return far, err
}

func TestWalk(t *testing.T) {
	w := newWire(t)
	w.check(w.framer.WriteSettings())
	w.check(w.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte("abc"), EndHeaders: true}))
	w.check(w.framer.WriteData(1, true, message(3, 3)))
	// A message whose head is cut, after that of another; padding looks like a head and is none.
	w.check(w.framer.WriteDataPadded(3, false, append(message(2, 2), 0, 0), make([]byte, 7)))
	w.check(w.framer.WriteData(5, false, message(1<<20, 100)))
	w.check(w.framer.WriteData(3, false, []byte{0x01, 0, 0}))
	w.check(w.framer.WriteData(7, false, append(message(0, 0), message(4, 4)...)))
	w.check(w.framer.WriteData(9, false, message(9, 1)))
	w.check(w.framer.WriteRSTStream(9, http2.ErrCodeCancel))
	w.check(w.framer.WriteData(9, false, message(0, 9))) // after the end: nobody looks
	w.check(w.framer.WriteData(11, true, nil))

	want := map[uint32]progress{
		1:  {begun: 1, whole: 1, length: 3, closed: true},
		3:  {begun: 2, whole: 1, length: 1 << 16},
		5:  {begun: 1, length: 1 << 20},
		7:  {begun: 2, whole: 2, length: 4},
		9:  {begun: 1, length: 9},
		11: {closed: true},
	}
	for seed := range uint64(200) {
		var r *rand.Rand
		if seed > 0 {
			r = rand.New(rand.NewPCG(seed, 0))
		}
		got, err := walked(w.Bytes(), r, 1, 3, 5, 7, 9, 11)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(progress{})); diff != "" {
			t.Fatalf("seed %d: progress (-want +got):\n%s", seed, diff)
		}
	}
}

func TestWalkRefusesWhatIsCutTooSmall(t *testing.T) {
	for name, tt := range map[string]struct {
		write func(w *wire)
		want  error
	}{
		"single bytes of one message": {func(w *wire) {
			w.check(w.framer.WriteData(1, false, message(1<<20, 0)))
			for range freeFrames + 10 {
				w.check(w.framer.WriteData(1, false, []byte{1}))
			}
		}, errTinyFrames},
		"frames that are empty": {func(w *wire) {
			for range freeFrames + 10 {
				w.check(w.framer.WriteData(1, false, nil))
			}
		}, errTinyFrames},
		"frames of a usual size": {func(w *wire) {
			w.check(w.framer.WriteData(1, false, message(1<<20, 0)))
			for range freeFrames + 10 {
				w.check(w.framer.WriteData(1, false, make([]byte, 1000)))
			}
		}, nil},
		"small messages that are received": {func(w *wire) {
			for range maxUnread {
				w.check(w.framer.WriteData(1, false, message(1, 1)))
			}
		}, nil},
		"more small messages than are received": {func(w *wire) {
			for range maxUnread + 1 {
				w.check(w.framer.WriteData(1, false, message(1, 1)))
			}
		}, errUnread},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t)
			tt.write(w)
			if _, err := walked(w.Bytes(), nil, 1); !errors.Is(err, tt.want) {
				t.Errorf("walk: %v, want %v", err, tt.want)
			}
		})
	}
}

// FuzzWalk: whatever comes, and in whatever pieces, the walk does not panic and comes to the same end.
func FuzzWalk(f *testing.F) {
	f.Add([]byte{0, 0, 6, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 9}, uint64(1))
	f.Add([]byte{0, 0, 7, 0, 8, 0, 0, 0, 3, 1, 0, 0, 0, 1, 0, 9}, uint64(2))
	f.Add([]byte{0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0, 0, 0, 1}, uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		data = append([]byte(http2.ClientPreface), data...)
		want, wantErr := walked(data, nil, 1, 3)
		got, err := walked(data, rand.New(rand.NewPCG(seed, 0)), 1, 3)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(progress{})); diff != "" || !errors.Is(err, wantErr) {
			t.Errorf("in pieces: %v (-whole +pieces):\n%s", err, diff)
		}
		for id, p := range got {
			if p.whole > p.begun || p.begun > p.whole+1 {
				t.Errorf("stream %d: %d messages are whole of %d", id, p.whole, p.begun)
			}
		}
	})
}
