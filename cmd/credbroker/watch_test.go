package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

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
	if got.code != exitUnreachable || !strings.Contains(got.stderr, address+": it ended the watch") {
		t.Errorf("watch of a broker that ends it = %d %q, want %d", got.code, got.stderr, exitUnreachable)
	}
	golden(t, got.stdout, `
		ID      PROVIDER  PRIORITY  STATE    LEFT   COOLING MODELS                 SESSIONS  PICKS  WHY
		team-1  claude    10        COOLING  4m10s  claude-opus-4,claude-sonnet-*  7         120    weekly limit
		team-2  claude    10        READY    -      -                              0         0      -
		12:00:00    team-1      claude      10          COOLING     4m10s       claude-opus-4,claude-sonnet-*  7           120         weekly limit
		12:00:00    team-2      removed
		`)
}

func TestWatchAsJSONIsOneEventALine(t *testing.T) {
	fake, address := startFake(t)
	snapshotThenChanges(fake)
	close(fake.changes)
	got := command(t, nil, "auths", "list", "--watch", "--address", address, "-o", "json")
	lines := strings.SplitN(got.stdout, "\n", 6)
	if len(lines) != 6 || lines[2] != `{"snapshotSize":"2"}` || lines[4] != `{"removedAuthId":"team-2"}` {
		t.Errorf("watch as JSON = %q, want one event a line", lines)
	}
}

func TestWatchEndsInGoodOrderWhenInterrupted(t *testing.T) {
	fake, address := startFake(t)
	defer close(fake.changes)
	snapshotThenChanges(fake)
	ctx, interrupt := context.WithCancel(t.Context())
	reader, done := background(ctx, "auths", "list", "--watch", "--address", address)
	waitFor(t, reader, "removed")
	interrupt()
	rest, _ := io.ReadAll(reader)
	if code := <-done; code != exitOK || strings.TrimSpace(string(rest)) != "" {
		t.Errorf("interrupted watch = %d %q, want 0 and silence", code, rest)
	}
}

// background runs one command line. The reader gives what it prints on either stream, and must be read to its end.
func background(ctx context.Context, args ...string) (output io.Reader, code <-chan int) {
	reader, writer := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, args, process{
			stdin: strings.NewReader(""), stdout: writer, stderr: writer, getenv: lookup(nil), now: testNow, hangup: noHangups,
		})
		_ = writer.Close()
	}()
	return reader, done
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
