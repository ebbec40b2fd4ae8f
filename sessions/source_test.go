package sessions

import "testing"

func TestSourceNamesAndPrefixes(t *testing.T) {
	seen := map[string]bool{}
	for s := SourceNone; s <= SourceChain; s++ {
		if s.String() == "" || seen[s.String()] {
			t.Errorf("source %d is named %q", s, s)
		}
		seen[s.String()] = true
		if want := s.String() + ":"; s != SourceNone && s.Prefix() != want {
			t.Errorf("prefix of source %d = %q, want %q", s, s.Prefix(), want)
		}
	}
	if SourceChain != 12 {
		t.Errorf("SourceChain = %d, the wire contract has 12", SourceChain)
	}
	if none := SourceChain + 1; SourceNone.Prefix() != "" || none.Prefix() != "" || none.String() != "" {
		t.Errorf("no source has prefix %q, %q, name %q", SourceNone.Prefix(), none.Prefix(), none.String())
	}
}
