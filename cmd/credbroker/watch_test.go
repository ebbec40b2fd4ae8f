package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// snapshotThenChanges is a stream with two auths, of which one then changes and one goes away.
func snapshotThenChanges(fake *fakeBroker) {
	one, _ := fake.auth("team-1")
	two, _ := fake.auth("team-2")
	for _, event := range []*credbrokerv1.WatchAuthsResponse{
		{Event: &credbrokerv1.WatchAuthsResponse_Auth{Auth: one}},
		{Event: &credbrokerv1.WatchAuthsResponse_Auth{Auth: two}},
		{Event: &credbrokerv1.WatchAuthsResponse_SnapshotSize{SnapshotSize: 2}},
		{Event: &credbrokerv1.WatchAuthsResponse_Auth{Auth: one}},
		{Event: &credbrokerv1.WatchAuthsResponse_RemovedAuthId{RemovedAuthId: "team-2"}},
	} {
		fake.changes <- event
	}
}

func TestWatchPrintsASnapshotAndThenALineForEachChange(t *testing.T) {
	fake, address := startFake(t)
	snapshotThenChanges(fake)
	close(fake.changes)
	got := command(t, nil, "auths", "list", "--watch", "--address", address)
	if got.code != exitOK {
		t.Errorf("watch of a stream that ends = %d %q, want 0", got.code, got.stderr)
	}
	golden(t, got.stdout, `
		ID      PROVIDER  PRIORITY  STATE    LEFT   RESTING MODELS  SESSIONS  PICKS  WHY
		team-1  claude    10        COOLING  4m10s  claude-opus-4   7         120    weekly limit
		team-2  claude    10        READY    -      -               0         0      -
		12:00:00    team-1      claude      10          COOLING     4m10s       claude-opus-4  7           120         weekly limit
		12:00:00    team-2      removed
		`)
}

func TestWatchAsJSONIsOneEventALine(t *testing.T) {
	fake, address := startFake(t)
	snapshotThenChanges(fake)
	close(fake.changes)
	got := command(t, nil, "auths", "list", "--watch", "--address", address, "-o", "json")
	lines := strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
	if len(lines) != 5 || lines[2] != `{"snapshotSize":"2"}` || lines[4] != `{"removedAuthId":"team-2"}` {
		t.Errorf("watch as JSON = %q, want one event a line", lines)
	}
}

func TestWatchEndsInGoodOrderWhenInterrupted(t *testing.T) {
	fake, address := startFake(t)
	defer close(fake.changes)
	snapshotThenChanges(fake)
	ctx, interrupt := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		done <- run(ctx, []string{"auths", "list", "--watch", "--address", address}, process{
			stdin: strings.NewReader(""), stdout: writer, stderr: &stderr, getenv: lookup(nil), now: testNow, hangup: noHangups,
		})
		_ = writer.Close()
	}()
	waitFor(t, reader, "removed")
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	interrupt()
	select {
	case code := <-done:
		if code != exitOK || stderr.Len() > 0 {
			t.Errorf("interrupted watch = %d %q, want 0 and silence", code, stderr.String())
		}
	case <-time.After(10 * time.Second):
		t.Fatal("an interrupted watch goes on")
	}
}

// waitFor reads until text has been read, or fails when the reader ends before.
func waitFor(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var seen bytes.Buffer
	buffer := make([]byte, 4096)
	for !strings.Contains(seen.String(), text) {
		n, err := r.Read(buffer)
		seen.Write(buffer[:n])
		if err != nil {
			t.Fatalf("read %q, want %q in it: %v", seen.String(), text, err)
		}
	}
	return seen.String()
}
