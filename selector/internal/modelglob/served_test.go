package modelglob_test

import (
	"testing"

	"github.com/credbroker/credbroker/selector/internal/modelglob"
)

func TestServeLooksBehindThePrefix(t *testing.T) {
	s := modelglob.New("team", []string{"m*"}, []string{"m-old"})
	for key, want := range map[string]bool{
		"": true, "m": true, "m-1": true, "m-old": false, "team/m": true, "team/m-old": false, "n": false, "team/n": false, "other/m": false, "team/": false,
	} {
		if got := s.Serve(key); got != want {
			t.Errorf("Serve(%q) = %t, want %t", key, got, want)
		}
	}
	narrow := s.Narrow([]string{"m", "m-?", "n"})
	for key, want := range map[string]bool{
		"": false, "m": true, "m-1": true, "m-10": false, "team/m-1": true, "m-old": false, "n": false, "team/m-10": false,
	} {
		if got := narrow.Serve(key); got != want {
			t.Errorf("narrowed, Serve(%q) = %t, want %t", key, got, want)
		}
	}
	if !s.Narrow(nil).Serve("") || !s.Narrow(nil).Serve("m-10") {
		t.Error("narrowed by nothing, something is not served")
	}
	if !modelglob.New("", nil, []string{"x"}).Serve("y") || modelglob.New("", nil, []string{"x"}).Serve("x") {
		t.Error("without globs every model is served but those that are excluded")
	}
}

func TestKeysDiffer(t *testing.T) {
	keys := map[string]bool{}
	for _, globs := range [][]string{nil, {"a"}, {"a", "b"}, {"ab"}, {"a", ""}} {
		for _, except := range [][]string{nil, {"a"}, {"b"}} {
			for _, prefix := range []string{"", "a", "b"} {
				keys[modelglob.Key(prefix, globs, except)] = true
			}
		}
	}
	if len(keys) != 5*3*3 {
		t.Errorf("%d keys of 45 that differ", len(keys))
	}
}
