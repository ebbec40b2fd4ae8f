package verdict_test

import (
	"strings"
	"testing"

	"github.com/credbroker/credbroker/verdict"
)

func TestRulesSayWhenTheyLeaveDoubt(t *testing.T) {
	rules, err := verdict.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    verdict.Outcome
		want bool
	}{
		{"a 403 without a cause", verdict.Outcome{Status: 403}, true},
		{"a class that says no more", verdict.Outcome{Class: "auth"}, true},
		{"a 500", verdict.Outcome{Status: 500}, true},
		{"a 500 inside a stream", verdict.Outcome{Status: 200, Body: []byte("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"Internal server error\"}}\n\n")}, true},
		{"cut", verdict.Outcome{TransportError: "read tcp: connection reset by peer"}, true},
		{"broken off", verdict.Outcome{TransportError: "unexpected EOF", Ending: verdict.EndingStreamBroken}, true},
		{"not reached, as the caller says", verdict.Outcome{TransportError: "EOF", Ending: verdict.EndingConnectFailed}, false},
		{"refused", verdict.Outcome{TransportError: "dial tcp 10.0.0.1:443: connect: connection refused"}, false},
		{"unreachable", verdict.Outcome{TransportError: "dial tcp: network is unreachable"}, false},
		{"no such host", verdict.Outcome{TransportError: "lookup api.example: no such host"}, false},
		{"a certificate", verdict.Outcome{TransportError: "tls: failed to verify certificate"}, false},
		{"a handshake", verdict.Outcome{TransportError: "tls: handshake failure"}, false},
		{"a login page", verdict.Outcome{Status: 302, Headers: map[string]string{"location": "https://idp.example/login"}}, true},
		{"a timeout", verdict.Outcome{TransportError: "i/o timeout"}, false},
		{"a 502", verdict.Outcome{Status: 502}, false},
		{"a 503", verdict.Outcome{Status: 503}, false},
		{"a 529", verdict.Outcome{Status: 529}, false},
		{"a limit", verdict.Outcome{Status: 429, Headers: map[string]string{"retry-after": "5"}}, false},
		{"a refused secret", verdict.Outcome{Status: 401}, false},
		{"a model that is named", verdict.Outcome{Status: 404, Body: []byte(`{"error":{"message":"model: m-1 not found"}}`)}, false},
		{"served", verdict.Outcome{Status: 200}, false},
	} {
		if got := rules.Judge(c.o); got.Doubt != c.want {
			t.Errorf("%s: Judge = %+v, want doubt %t", c.name, got, c.want)
		}
	}
}

func TestWhatCannotBeTakenBackIsNotInDoubt(t *testing.T) {
	row := "rules:\n  - {id: x, stage: forbidden, when: {status: 403}, doubt: {status: 403}, fault: credential, action: ACTION, reason: forbidden, source: x}\n"
	for _, action := range []string{"invalidate", "disable"} {
		_, err := verdict.Load(verdict.File{Name: "own.yaml", Text: []byte(strings.Replace(row, "ACTION", action, 1))})
		if err == nil || !strings.Contains(err.Error(), "doubt") {
			t.Errorf("Load of a doubtful row with action %s: %v", action, err)
		}
	}
}
