package sessions_test

import (
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

func TestSourceNamesAndPrefixes(t *testing.T) {
	seen := map[string]bool{}
	for s := sessions.SourceNone; s <= sessions.SourceChain; s++ {
		if s.String() == "" || seen[s.String()] {
			t.Errorf("source %d is named %q", s, s)
		}
		seen[s.String()] = true
		if want := s.String() + ":"; s != sessions.SourceNone && s.Prefix() != want {
			t.Errorf("prefix of source %d = %q, want %q", s, s.Prefix(), want)
		}
	}
	if sessions.SourceChain != 12 {
		t.Errorf("SourceChain = %d, the wire contract has 12", sessions.SourceChain)
	}
	if none := sessions.SourceChain + 1; sessions.SourceNone.Prefix() != "" || none.Prefix() != "" || none.String() != "" {
		t.Errorf("no source has prefix %q, %q, name %q", sessions.SourceNone.Prefix(), none.Prefix(), none.String())
	}
}
