package server_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

// patience is how long a test waits for what should happen at once.
const patience = 20 * time.Second

const (
	overloaded   = "14" // UNAVAILABLE
	reportMethod = "/credbroker.v1.CredentialBroker/ReportResult"
	streamMethod = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
)

// narrow is a server with little room.
func narrow(t *testing.T, limits server.Limits) *servertest.Harness {
	t.Helper()
	return servertest.New(t, servertest.Options{
		Auths: []*selector.Auth{servertest.Key("a", "claude")}, Limits: limits,
	})
}

func start(t *testing.T, p *servertest.Peer, method string, data []byte) (stream uint32) {
	t.Helper()
	stream, err := p.Call(method)
	if err == nil && data != nil {
		err = p.Send(stream, data, false)
	}
	if err != nil {
		t.Fatalf("start a call: %v", err)
	}
	return stream
}

func wantEnd(t *testing.T, p *servertest.Peer, stream uint32, status, message string) {
	t.Helper()
	end, err := p.End(stream)
	if err != nil || end.Status != status || !strings.Contains(end.Message, message) {
		t.Errorf("stream %d ended with %q %q (%v), want %s with %q", stream, end.Status, end.Message, err, status, message)
	}
}

// Requests that are announced and never come take room, and only as much as there is. Small ones go on.
func TestAnnouncedRequestsAreBounded(t *testing.T) {
	h := narrow(t, server.Limits{Message: 4 << 20, ReceiveBytes: 32 << 20})
	p := h.Peer(t)
	// Of 16 MiB for large requests a connection has a third, so one of four is received.
	first := start(t, p, pickMethod, servertest.Message(4<<20, 1000))
	waitFor(t, func() bool { return h.Server.Held() > 4<<20 })
	for range 20 {
		wantEnd(t, p, start(t, p, pickMethod, servertest.Message(4<<20, 1000)), overloaded, "no room")
	}
	if _, err := h.Broker.PickCredential(t.Context(), &pickRequest{Provider: "claude"}); err != nil {
		t.Errorf("a small pick: %v", err)
	}
	if _, err := h.Broker.PickCredential(t.Context(), &pickRequest{Provider: "claude", Body: make([]byte, 3<<20)}); err != nil {
		t.Errorf("a large pick of another connection: %v", err)
	}
	// A reset gives the room back.
	if err := p.Reset(first); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return h.Server.Held() == 0 })
	body, err := proto.Marshal(&pickRequest{Provider: "claude", Body: make([]byte, 3<<20)})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := p.Call(pickMethod)
	if err == nil {
		err = p.Send(stream, append(servertest.Message(len(body), 0), body...), true)
	}
	if err != nil {
		t.Fatal(err)
	}
	wantEnd(t, p, stream, "0", "")
}

// waitFor waits for something that follows from what the test did.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatal("it did not happen")
		}
	}
}

// What does not come in time is ended with a reason, logged and counted.
func TestSlowRequestsEnd(t *testing.T) {
	h := narrow(t, server.Limits{Message: 4 << 20, ReceiveBytes: 32 << 20, ReceiveTimeout: 50 * time.Millisecond})
	p := h.Peer(t)
	for name, stream := range map[string]uint32{
		"a call that sends nothing":                 start(t, p, pickMethod, nil),
		"half a head":                               start(t, p, pickMethod, []byte{0, 0, 0}),
		"half a small request":                      start(t, p, pickMethod, servertest.Message(100, 50)),
		"a request without its end":                 start(t, p, pickMethod, servertest.Message(0, 0)),
		"half a large one":                          start(t, p, reportMethod, servertest.Message(2<<20, 100)),
		"half of one of a stream":                   start(t, p, streamMethod, servertest.Message(100, 1)),
		"half of a large one of a stream":           start(t, p, streamMethod, servertest.Message(1<<20, 1)),
		"health, and nothing":                       start(t, p, "/grpc.health.v1.Health/Check", nil),
		"the single request of a stream of changes": start(t, p, "/credbroker.v1.AuthPool/WatchAuths", nil),
	} {
		t.Run(name, func(t *testing.T) { wantEnd(t, p, stream, overloaded, "in time") })
	}
	idle := start(t, p, streamMethod, nil)
	waitFor(t, func() bool { return strings.Count(h.Log.String(), `"reason":"OVERLOADED"`) >= 9 })
	if got := refusals(t, h, "slow"); got != 9 {
		t.Errorf("refused_total of slow requests = %v, want 9", got)
	}
	if !strings.Contains(h.Log.String(), "peers are refused") {
		t.Errorf("the log does not say that peers are refused:\n%s", h.Log)
	}
	// A stream may be silent for as long as it likes.
	if err := p.Reset(idle); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return h.Server.Held() == 0 })
	if _, early := p.Ended(idle); early {
		t.Error("a stream that sends nothing was ended")
	}
}

// Calls take room before anything of them comes.
func TestSilentCallsAreBounded(t *testing.T) {
	h := narrow(t, server.Limits{Message: 1 << 20, ReceiveBytes: 8 << 20, Connections: 16})
	for range 15 {
		p := h.Peer(t)
		for range 100 {
			start(t, p, pickMethod, nil)
		}
	}
	waitFor(t, func() bool { return refusals(t, h, "call") > 1000 })
	if held := h.Server.Held(); held > 4<<20 {
		t.Errorf("calls take %d bytes, want at most the half of 8 MiB that is for them", held)
	}
	for range 10 {
		if _, err := h.Broker.PickCredential(t.Context(), &pickRequest{Provider: "claude"}); err != nil {
			t.Fatalf("a pick of another connection: %v", err)
		}
	}
}

func TestCallsOfAConnectionAreBounded(t *testing.T) {
	h := narrow(t, server.Limits{CallsPerConnection: 5})
	p := h.Peer(t)
	var last uint32
	for range 6 {
		last = start(t, p, pickMethod, nil)
	}
	wantEnd(t, p, last, "", "")
}

// Pieces of a byte take a hundred times their size: their connection is closed.
func TestTinyPieces(t *testing.T) {
	h := narrow(t, server.Limits{})
	p := h.Peer(t)
	stream := start(t, p, pickMethod, servertest.Message(60_000, 0))
	for range 1000 {
		if p.Send(stream, []byte{1}, false) != nil {
			break
		}
	}
	if err := p.Closed(); err == nil {
		t.Error("the connection is open")
	}
	if got := refusals(t, h, "frames"); got != 1 {
		t.Errorf("refused_total of frames = %v, want 1", got)
	}
}

// Floods of calls that end at once leave nothing behind.
func TestFloods(t *testing.T) {
	h := narrow(t, server.Limits{CallRate: 1_000_000})
	p := h.Peer(t)
	for range 20 {
		if err := p.Flood(pickMethod, 200); err != nil {
			t.Fatal(err)
		}
	}
	for range 500 {
		stream, err := p.Call(pickMethod, hpack.HeaderField{Name: "grpc-timeout", Value: "0n"})
		if err != nil {
			t.Fatal(err)
		}
		wantEnd(t, p, stream, "4", "")
	}
	waitFor(t, func() bool { return h.Server.Held() == 0 })
	wantEnd(t, p, finish(t, p, start(t, p, pickMethod, servertest.Message(0, 0))), "0", "")
}

// finish ends what a call sends.
func finish(t *testing.T, p *servertest.Peer, stream uint32) uint32 {
	t.Helper()
	if err := p.Send(stream, nil, true); err != nil {
		t.Fatal(err)
	}
	return stream
}

// Many connections at once, each with what the others do to it: none is answered wrongly, and nothing stays taken.
func TestLegalTrafficWithLittleRoom(t *testing.T) {
	h := narrow(t, server.Limits{Message: 1 << 20, ReceiveBytes: 4 << 20, Connections: 8})
	var clients sync.WaitGroup
	for i := range 8 {
		client := credbrokerv1.NewCredentialBrokerClient(h.Dial(t))
		for range 4 {
			clients.Go(func() {
				for n := range 50 {
					size := []int{0, 1000, 40_000, 70_000, 600_000}[(i+n)%5]
					_, err := client.PickCredential(t.Context(), &pickRequest{Provider: "claude", Body: make([]byte, size)})
					switch {
					case err == nil:
					case size > 30_000:
						wantError(t, err, codes.Unavailable, server.ReasonOverloaded)
					default:
						t.Errorf("pick with %d bytes: %v", size, err)
					}
				}
			})
		}
	}
	clients.Wait()
	waitFor(t, func() bool { return h.Server.Held() == 0 })
}

func TestConnectionsAreBounded(t *testing.T) {
	h := narrow(t, server.Limits{Connections: 4})
	check := func() error {
		_, err := healthv1.NewHealthClient(h.Dial(t)).Check(t.Context(), &healthv1.HealthCheckRequest{})
		return err
	}
	// Idle ones make room.
	for range 10 {
		if err := check(); err != nil {
			t.Fatalf("with idle connections: %v", err)
		}
	}
	// Those with calls do not.
	var peers []*servertest.Peer
	for range 4 {
		p := h.Peer(t)
		start(t, p, streamMethod, nil)
		peers = append(peers, p)
	}
	waitFor(t, func() bool { return h.Server.Held() >= int64(4*256<<10) })
	if err := h.Peer(t).Closed(); err == nil {
		t.Error("a fifth connection is served")
	}
	for i, p := range peers {
		if p.Ends() != 0 {
			t.Errorf("a call of connection %d was ended", i)
		}
	}
}

// refusals is how often something was refused.
func refusals(t *testing.T, h *servertest.Harness, what string) (count float64) {
	t.Helper()
	families, err := h.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "credbroker_refused_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetLabel()[0].GetValue() == what {
				count += m.GetCounter().GetValue()
			}
		}
	}
	return count
}

// A connection that is too old takes no new call and ends; clients go on with another one.
func TestOldConnectionsEnd(t *testing.T) {
	h := narrow(t, server.Limits{ConnectionAge: 50 * time.Millisecond})
	p := h.Peer(t)
	waitFor(t, func() bool { return p.Read(0, 1) != nil })
	for range 3 {
		if _, err := h.Broker.PickCredential(t.Context(), &pickRequest{Provider: "claude"}); err != nil {
			t.Errorf("a pick: %v", err)
		}
	}
}
