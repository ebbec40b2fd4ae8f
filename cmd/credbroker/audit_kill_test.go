package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"

	"github.com/credbroker/credbroker/audit"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// A broker that is killed under load leaves a log that can be verified and is gone on with. Of what each client picked, nothing is
// missing but the last of each round.
func TestKillOfAnAuditedBroker(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out kills")
	}
	const rounds, clients, picks = 4, 4, 400
	l := newKillLine(t, buildProgram(t), 1)
	config := filepath.Join(l.dir, "c.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append(text, "audit: {file: audit.jsonl, max_size: 1GiB, secret: {value: a-key-of-the-test}}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	var answered [][]string // by round and client
	for range rounds {
		answered = append(answered, l.pickUntilKilled(clients, picks)...)
	}
	files := []string{filepath.Join(l.dir, "audit.jsonl")}
	report, err := audit.Verify(files, []byte("a-key-of-the-test"), audit.Point{})
	if err != nil || report.Faults > 0 || len(report.Findings) != rounds {
		t.Fatalf("Verify: %+v, %v, want a note for each kill and no fault", report, err)
	}
	logged := auditedPicks(t, files[0])
	missing := 0
	for _, ids := range answered {
		for i, id := range ids {
			if !logged[id] {
				missing++
			} else if i > 0 && !logged[ids[i-1]] {
				t.Errorf("pick %d of %d of a client is missing, and the next one is there", i, len(ids))
			}
		}
	}
	t.Logf("%d picks in the log, %d answered ones missing after %d kills", len(logged), missing, rounds)
	if len(logged) < rounds*picks/2 {
		t.Errorf("%d picks are in the log: that proves little", len(logged))
	}
}

// pickUntilKilled starts a broker, and kills it after so many picks. It returns their ids by client.
func (l *killLine) pickUntilKilled(clients int, picks int64) [][]string {
	b, err := l.start()
	if err != nil {
		l.t.Fatal(err)
	}
	defer b.kill()
	ctx, cancel := context.WithTimeout(l.t.Context(), bornWithin)
	defer cancel()
	if _, err := b.pool.GetStatus(ctx, &credbrokerv1.GetStatusRequest{}, grpc.WaitForReady(true)); err != nil {
		l.t.Fatalf("the broker does not serve: %v\n%s", err, b.log())
	}
	var (
		all   sync.WaitGroup
		count atomic.Int64
		ids   = make([][]string, clients)
	)
	enough := make(chan struct{})
	for i := range clients {
		all.Go(func() {
			for {
				got, err := b.broker.PickCredential(ctx, &credbrokerv1.PickCredentialRequest{})
				if err != nil {
					return
				}
				ids[i] = append(ids[i], got.GetPickId())
				if count.Add(1) == picks {
					close(enough)
				}
			}
		})
	}
	select {
	case <-enough:
	case <-ctx.Done():
		l.t.Fatalf("only %d picks in time; the log:\n%s", count.Load(), b.log())
	}
	b.kill()
	all.Wait()
	return ids
}

// auditedPicks are the ids of the picks in an audit log.
func auditedPicks(t *testing.T, path string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	logged := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		var e audit.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			continue // part of a line at the end
		}
		if e.PickID != "" {
			logged[e.PickID] = true
		}
	}
	return logged
}
