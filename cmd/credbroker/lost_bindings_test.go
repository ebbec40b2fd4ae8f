package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/journal"
)

// lostSessions are more than are saved at once.
const lostSessions = 5000

// Sessions that were bound before a file was lost are in the one that is written anew, without being used again.
func TestBindingsOutliveTheLossOfAStateFile(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out lost state files")
	}
	l := newLossLine(t, buildProgram(t))
	path := filepath.Join(l.dir, "credbroker.db")
	auths := make([]string, lostSessions)
	for i := range auths {
		answer := l.pickSession(i)
		auths[i] = answer.GetCredential().GetAuthId()
		if got := answer.GetSession().GetBinding(); got != credbrokerv1.Binding_BINDING_NEW {
			t.Fatalf("session %d is %v", i, got)
		}
	}
	l.waitUntil("bindings", func() bool { return countBindings(t, path) == lostSessions })
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l.waitUntil("bindings after the loss", func() bool { return countBindings(t, path) == lostSessions })
	l.broker.kill()
	l.launch()
	for i, want := range auths {
		answer := l.pickSession(i)
		if got := answer.GetCredential().GetAuthId(); got != want || answer.GetSession().GetBinding() != credbrokerv1.Binding_BINDING_HIT {
			t.Fatalf("session %d is a %v with %s, want a hit with %s", i, answer.GetSession().GetBinding(), got, want)
		}
	}
}

func (l *lossLine) pickSession(session int) *credbrokerv1.PickCredentialResponse {
	l.t.Helper()
	answer, err := l.broker.broker.PickCredential(l.t.Context(), &credbrokerv1.PickCredentialRequest{SessionId: fmt.Sprint("session-", session)})
	if err != nil {
		l.t.Fatalf("%v; the broker's log:\n%s", err, l.broker.log())
	}
	return answer
}

// countBindings counts what a start after a kill would find now; -1: nothing that is whole, as a copy may be that is made
// while the broker writes.
func countBindings(t *testing.T, path string) int {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		return -1
	}
	after := filepath.Join(t.TempDir(), "after.db")
	if err := os.WriteFile(after, content, 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(journal.Config{Path: after})
	if err != nil {
		return -1
	}
	defer j.Close()
	var counted bindingCounter
	if err := j.Load(context.WithoutCancel(t.Context()), &counted); err != nil {
		return -1
	}
	return int(counted)
}

// bindingCounter is a sink that counts bindings.
type bindingCounter int

func (*bindingCounter) Records([]cooldown.Record) {}

func (c *bindingCounter) Bindings(bindings []state.BoundSession) { *c += bindingCounter(len(bindings)) }
