package server_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

// How the bytes of FuzzEveryMethod become a request.
const (
	fuzzRaw        = iota // as they are
	fuzzStructured        // they choose fields and values
	fuzzSpliced           // they overwrite part of what was chosen
	fuzzModes
)

// maxFuzzHeap is far more than a server with three auths needs after any number of calls.
const maxFuzzHeap = 512 << 20

// FuzzEveryMethod calls every method of the service descriptors, over a connection, with random bytes, with messages that bytes are
// made of, and with such messages that are damaged. Nothing panics, no call ends as INTERNAL or UNKNOWN unless
// its bytes are no message, the next pick is a good one, and memory does not grow.
func FuzzEveryMethod(f *testing.F) {
	methods := methodsOf(f)
	for i := range methods {
		for mode := range fuzzModes {
			f.Add(uint8(i), uint8(mode), []byte{})
			f.Add(uint8(i), uint8(mode), []byte("\x0a\x01a\x12\x06claude\xff\xff\xff\xff\x07\x03\x00\x80\x01 and more bytes to choose from \u202e"))
		}
	}
	pool := []*selector.Auth{servertest.Key("a", "claude"), servertest.Key("b", "codex"), servertest.Key("good", "good")}
	h := servertest.New(f, servertest.Options{Auths: pool})
	h.Server.Configure(server.Settings{})
	runs := 0
	f.Fuzz(func(t *testing.T, which, mode uint8, data []byte) {
		m := methods[int(which)%len(methods)]
		request := fuzzRequest(m.desc.Input(), mode%fuzzModes, data)
		s := m.send(t.Context(), h.Conn, request)
		if log := h.Log.Take(); strings.Contains(log, "panic in a handler") {
			t.Fatalf("%s of %x panics:\n%s", m.name, request, log)
		}
		switch s.Code() {
		case codes.Internal, codes.Unknown, codes.DataLoss:
			// gRPC itself answers bytes that are no message, before anybody else can.
			if proto.Unmarshal(request, dynamicpb.NewMessage(m.desc.Input())) == nil || !strings.HasPrefix(s.Message(), "grpc: failed to unmarshal") {
				t.Fatalf("%s of %x: %v", m.name, request, s)
			}
		}
		h.Core.Update(pool, nil, h.Clock.Now()) // what was deleted is there again
		if _, err := h.Auths.EnableAuth(t.Context(), &credbrokerv1.EnableAuthRequest{AuthId: "good"}); err != nil {
			t.Fatalf("EnableAuth after %s of %x: %v", m.name, request, err)
		}
		if _, err := h.Auths.ClearCooldown(t.Context(), &credbrokerv1.ClearCooldownRequest{AuthId: "good"}); err != nil {
			t.Fatalf("ClearCooldown after %s of %x: %v", m.name, request, err)
		}
		if got, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "good"}); err != nil {
			t.Fatalf("PickCredential after %s of %x: %v, %v", m.name, request, got, err)
		}
		if runs++; runs%5000 == 0 {
			var memory runtime.MemStats
			runtime.GC()
			if runtime.ReadMemStats(&memory); memory.HeapAlloc > maxFuzzHeap {
				t.Fatalf("%d bytes are in use after %d calls", memory.HeapAlloc, runs)
			}
		}
	})
}

// fuzzRequest are the bytes of a request.
func fuzzRequest(desc protoreflect.MessageDescriptor, mode uint8, data []byte) []byte {
	if mode == fuzzRaw {
		return data
	}
	values := fuzzValues{data}
	message := dynamicpb.NewMessage(desc)
	values.fill(message, 4)
	request, err := proto.Marshal(message)
	if err != nil {
		return data // a text that is no UTF-8
	}
	if mode == fuzzSpliced && len(request) > 0 {
		at := int(values.number()) % len(request)
		request = append(request[:at], values.data...)
	}
	return request
}

// fuzzValues takes values from bytes; zeros when there are no more.
type fuzzValues struct{ data []byte }

func (v *fuzzValues) byte() byte {
	if len(v.data) == 0 {
		return 0
	}
	b := v.data[0]
	v.data = v.data[1:]
	return b
}

func (v *fuzzValues) number() uint32 {
	return binary.LittleEndian.Uint32([]byte{v.byte(), v.byte(), v.byte(), v.byte()})
}

// fill sets fields of a message that the bytes choose.
func (v *fuzzValues) fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for range fields.Len() {
		if len(v.data) == 0 {
			return
		}
		field := fields.Get(int(v.byte()) % fields.Len())
		switch {
		case field.IsMap():
			entries := m.Mutable(field).Map()
			key := v.scalar(field.MapKey()).MapKey()
			if field.MapValue().Message() != nil {
				continue
			}
			entries.Set(key, v.scalar(field.MapValue()))
		case field.IsList() && field.Message() == nil:
			m.Mutable(field).List().Append(v.scalar(field))
		case field.IsList():
			if depth > 0 {
				v.fill(m.Mutable(field).List().AppendMutable().Message(), depth-1)
			}
		case field.Message() != nil:
			if depth > 0 {
				v.fill(m.Mutable(field).Message(), depth-1)
			}
		default:
			m.Set(field, v.scalar(field))
		}
	}
}

// scalar is a value of a field: often one at the end of its range, or a name that the pool has.
func (v *fuzzValues) scalar(field protoreflect.FieldDescriptor) protoreflect.Value {
	integers := [...]int64{0, 1, -1, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, int64(v.number())}
	n := integers[int(v.byte())%len(integers)]
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(n&1 == 1)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(n)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(n))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(math.Float32frombits(uint32(n)))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(math.Float64frombits(uint64(n)))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(v.text()))
	}
	return protoreflect.ValueOfString(v.text())
}

func (v *fuzzValues) text() string {
	known := [...]string{
		"", "a", "b", "claude", "codex", "mixed", "\u202e\u0000\u009b", strings.Repeat("x", 300), "https://u:p@h", "*?[", `{"messages":[{"role":"user","content":"hi"}]}`,
	}
	if i := int(v.byte()) % (len(known) + 2); i < len(known) {
		return known[i]
	}
	n := min(int(v.byte()), len(v.data))
	text := string(v.data[:n])
	v.data = v.data[n:]
	return text
}

// send makes a call with these bytes, reads its first answer, and returns its status.
func (m *method) send(ctx context.Context, conn *grpc.ClientConn, request []byte) *status.Status {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var answer []byte
	if !m.stream {
		return status.Convert(conn.Invoke(ctx, m.name, &request, &answer, grpc.ForceCodec(asBytes{})))
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, m.name, grpc.ForceCodec(asBytes{}))
	if err != nil {
		return status.Convert(err)
	}
	_ = stream.SendMsg(&request)
	_ = stream.CloseSend()
	if err = stream.RecvMsg(&answer); errors.Is(err, io.EOF) {
		err = nil
	}
	return status.Convert(err)
}

// asBytes sends and receives messages as they are on the wire.
type asBytes struct{}

func (asBytes) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (asBytes) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = data
	return nil
}

func (asBytes) Name() string { return "proto" }
