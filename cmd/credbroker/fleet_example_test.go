package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// TestFleetExample does what examples/fleet.sh tells people to do: it watches a cooldown travel.
func TestFleetExample(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out fleets of processes")
	}
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("CI") == "" {
		t.Skip("no redis-server on the PATH: tools/setup.sh test installs it")
	}
	port := freePorts(t)
	script := exec.Command(filepath.Join("..", "..", "examples", "fleet.sh"), fmt.Sprint(port))
	log := newLogLines()
	script.Stdout, script.Stderr = log, log
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- script.Wait() }()
	t.Cleanup(func() {
		_ = script.Process.Signal(os.Interrupt)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("fleet.sh: %v\n%s", err, log)
			}
		case <-time.After(patience):
			t.Errorf("fleet.sh does not stop:\n%s", log)
		}
		if free := isFree(t, port); !free {
			t.Error("Redis still runs")
		}
	})
	log.contains(t, "Three brokers serve")
	first, third := fleetClient(t, port+1), fleetClient(t, port+3)
	began := time.Now()
	_, err := first.picks.ReportResult(t.Context(), &credbrokerv1.ReportResultRequest{
		AuthId: "claude-team-1", HttpStatus: 429, Headers: map[string]string{"retry-after": "60"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		cooling, err := third.cooling(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if cooling["claude-team-1"] {
			break
		}
		if time.Since(began) > patience {
			t.Fatal("the third broker does not know what the first was told")
		}
	}
	t.Logf("the third broker knew it %v after the first was told", time.Since(began))
}

func fleetClient(t *testing.T, port int) *member {
	t.Helper()
	conn, err := grpc.NewClient(fmt.Sprint("127.0.0.1:", port), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &member{picks: credbrokerv1.NewCredentialBrokerClient(conn), pool: credbrokerv1.NewAuthPoolClient(conn)}
}

// freePorts finds a port that is free with those after it that the script takes.
func freePorts(t *testing.T) int {
	t.Helper()
	for port := 20_000; port < 30_000; port += 20 {
		all := true
		for _, p := range []int{0, 1, 2, 3, 11, 12, 13} {
			all = all && isFree(t, port+p)
		}
		if all {
			return port
		}
	}
	t.Fatal("no ports are free")
	return 0
}

func isFree(t *testing.T, port int) bool {
	t.Helper()
	lis, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
	if err != nil {
		return false
	}
	_ = lis.Close()
	return true
}

// contains waits until a text was written.
func (l *logLines) contains(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		l.mu.Lock()
		change := l.change
		l.mu.Unlock()
		if strings.Contains(l.String(), text) {
			return
		}
		select {
		case <-change:
		case <-deadline:
			t.Fatalf("no %q; what there is:\n%s", text, l)
		}
	}
}
