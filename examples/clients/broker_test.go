package clients_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

const (
	// startLimit and stopLimit are generous: the machine may have other things to do.
	startLimit = time.Minute
	stopLimit  = 30 * time.Second
	// startAttempts: between finding a free port and listening on it somebody else may take it.
	startAttempts = 3
)

// broker is a running broker.
type broker struct {
	tcp, unix string // addresses as a client is given them
	log       string // file of its log
}

// startBroker builds the broker and runs it on a pool until the test ends.
func startBroker(t *testing.T, auths string) *broker {
	t.Helper()
	return startBrokerWith(t, "", auths)
}

// startBrokerWith is startBroker with more listeners, and with more of the configuration behind the auths.
func startBrokerWith(t *testing.T, listeners, rest string) *broker {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "credbroker")
	output(t, "go", "build", "-o", binary, "github.com/credbroker/credbroker/cmd/credbroker")
	for range startAttempts {
		if b := tryBroker(t, binary, listeners, rest); b != nil {
			return b
		}
	}
	t.Fatalf("somebody else took the free ports, %d times", startAttempts)
	return nil
}

// tryBroker returns nil if somebody else has taken a port meanwhile.
func tryBroker(t *testing.T, binary, listeners, rest string) *broker {
	t.Helper()
	dir := t.TempDir()
	b := &broker{tcp: freeAddress(t), unix: "unix://" + filepath.Join(dir, "broker.sock"), log: filepath.Join(dir, "log")}
	config := filepath.Join(dir, "broker.yaml")
	text := fmt.Sprintf("listen:\n  http: %q\n  grpc:\n    - %q\n    - %q\n%s\nauths:\n%s", freeAddress(t), b.tcp, b.unix, listeners, rest)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(b.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(binary, "serve", "--config", config)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	serving, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- waitServing(serving, b.tcp, b.unix) }()
	select {
	case err := <-ended:
		cancel()
		<-ready
		if text := b.readLog(t); !strings.Contains(text, "is taken") {
			t.Fatalf("the broker ended with %v before it served:\n%s", err, text)
		}
		return nil
	case err := <-ready:
		t.Cleanup(func() { b.stop(t, cmd.Process, ended) })
		if err != nil {
			t.Fatalf("the broker does not serve: %v", err)
		}
	}
	return b
}

// stop asks the process to end as a service manager does.
func (b *broker) stop(t *testing.T, process *os.Process, ended <-chan error) {
	t.Helper()
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop the broker: %v", err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the broker ended with: %v", err)
		}
	case <-time.After(stopLimit):
		t.Errorf("the broker did not end within %s of SIGTERM", stopLimit)
		_ = process.Kill()
		<-ended
	}
	if t.Failed() {
		t.Logf("the broker's log:\n%s", b.readLog(t))
	}
}

func (b *broker) readLog(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(b.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// waitServing returns when the broker says at each address that it serves.
func waitServing(ctx context.Context, addresses ...string) error {
	for _, address := range addresses {
		if err := waitServingAt(ctx, address); err != nil {
			return fmt.Errorf("watch the health at %s: %w", address, err)
		}
	}
	return nil
}

func waitServingAt(ctx context.Context, address string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		return err
	}
	defer conn.Close()
	watch, err := healthv1.NewHealthClient(conn).Watch(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	for {
		answer, err := watch.Recv()
		if err != nil || answer.GetStatus() == healthv1.HealthCheckResponse_SERVING {
			return err
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// output runs a program that must succeed.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, text)
	}
	return string(text)
}
