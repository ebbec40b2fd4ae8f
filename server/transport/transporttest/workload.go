package transporttest

import (
	"crypto/x509"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
)

// WorkloadAPI hands a certificate with a SPIFFE id to whoever asks at its socket.
type WorkloadAPI struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	t testing.TB
	// Socket is where it answers, as unix:///path.
	Socket string

	mu      sync.Mutex
	answer  *workload.X509SVIDResponse
	changed chan struct{}
}

// StartWorkloadAPI answers until the test ends.
func StartWorkloadAPI(t testing.TB, a *Authority, id string) *WorkloadAPI {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.sock")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	w := &WorkloadAPI{t: t, Socket: "unix://" + path, changed: make(chan struct{})}
	w.Rotate(a, id)
	server := grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(server, w)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return w
}

// Rotate hands out another certificate, and the authority that clients are checked with, from now on.
func (w *WorkloadAPI) Rotate(a *Authority, id string) {
	w.t.Helper()
	cert := a.Issue(id, "broker.example")
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = &workload.X509SVIDResponse{Svids: []*workload.X509SVID{{
		SpiffeId: id, X509Svid: cert.Certificate[0], X509SvidKey: key, Bundle: a.cert.Raw,
	}}}
	close(w.changed)
	w.changed = make(chan struct{})
}

// FetchX509SVID is part of the Workload API.
func (w *WorkloadAPI) FetchX509SVID(_ *workload.X509SVIDRequest, stream grpc.ServerStreamingServer[workload.X509SVIDResponse]) error {
	for {
		w.mu.Lock()
		answer, changed := w.answer, w.changed
		w.mu.Unlock()
		if err := stream.Send(answer); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return errors.Join(stream.Context().Err())
		}
	}
}
