package doubt_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector/internal/doubt"
)

type (
	log     = doubt.Log[string, string, int]
	failure = doubt.Failure[string, string, int]
)

// auths of failures.
func auths(failures []failure) (list []string) {
	for _, f := range failures {
		list = append(list, f.Auth)
	}
	return list
}

func TestRequestsAreForgottenAfterTheSpan(t *testing.T) {
	l := log{Span: 10 * time.Minute}
	l.Note(7, 0, failure{Auth: "a"})
	l.Note(7, int64(time.Minute), failure{Auth: "b"})
	l.Blame(7, int64(time.Minute))
	if r := l.Find(7, int64(11*time.Minute)); r == nil || !r.Suspect || !slices.Equal(auths(r.Failures), []string{"a", "b"}) {
		t.Errorf("Find = %+v, want a suspect that failed twice", r)
	}
	if r := l.Find(7, int64(11*time.Minute)+1); r != nil {
		t.Errorf("Find = %+v, want nothing any more", r)
	}
	l.Note(7, int64(12*time.Minute), failure{Auth: "c"})
	if r := l.Find(7, int64(12*time.Minute)); r.Suspect || !slices.Equal(auths(r.Failures), []string{"c"}) {
		t.Errorf("Find = %+v, want one new failure", r)
	}
}

func TestALogIsBounded(t *testing.T) {
	const most, failures = 4096, 8
	l := log{Span: 10 * time.Minute}
	for tag := uint64(1); tag <= 3*most; tag++ {
		for range 2 * failures {
			l.Note(tag, 0, failure{Auth: fmt.Sprint(tag)})
		}
	}
	for _, tag := range []uint64{1, 2 * most} {
		if r := l.Find(tag, 0); r != nil {
			t.Errorf("request %d is still known", tag)
		}
	}
	if r := l.Find(2*most+1, 0); r == nil || len(r.Failures) != failures {
		t.Errorf("Find = %+v, want %d failures", r, failures)
	}
}
