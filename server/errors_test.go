package server

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server/internal/admission"
	"github.com/credbroker/credbroker/server/internal/clientanswer"
	"github.com/credbroker/credbroker/sessions"
)

// answered is the ready answer in the format that nobody named.
func answered(problem broker.Problem, model, provider string, wait time.Duration) *credbrokerv1.HttpError {
	return clientanswer.Write(&broker.Answer{Problem: problem, Model: model, Provider: provider, Wait: wait})
}

func TestTranslate(t *testing.T) {
	counts := selector.Counts{selector.ReasonCoolingModel: 2, selector.ReasonDisabled: 1}
	invalid := &violations{}
	invalid.add("model", "is wrong")
	for _, tt := range []struct {
		name   string
		err    error
		code   codes.Code
		reason Reason
		// message is part of what the caller reads.
		message  string
		metadata map[string]string
		details  []proto.Message
	}{
		{
			name: "ErrAuthNotFound",
			err:  &broker.AuthNotFoundError{Provider: "p", Model: "m", Err: fmt.Errorf("%w; there are: claude", selector.ErrAuthNotFound)},
			code: codes.NotFound, reason: ReasonAuthNotFound, message: "no auth of that provider is in the pool; there are: claude",
			details: []proto.Message{answered(broker.ProblemUnavailable, "m", "p", 0)},
		},
		{
			name: "ErrUnknownAuth", err: fmt.Errorf("look: %w", selector.ErrUnknownAuth),
			code: codes.NotFound, reason: ReasonUnknownAuth, message: "no auth of that id",
		},
		{
			name: "ErrFull", err: admission.ErrFull, code: codes.Unavailable, reason: ReasonOverloaded,
			message: "the broker is overloaded: there is no room for the call", details: []proto.Message{retryInfo(time.Second)},
		},
		{
			name: "ErrSlow", err: admission.ErrSlow, code: codes.Unavailable, reason: ReasonOverloaded,
			message: "did not arrive in time", details: []proto.Message{retryInfo(time.Second)},
		},
		{
			name: "TooLargeError", err: &admission.TooLargeError{Size: 9, Limit: 8}, code: codes.InvalidArgument, reason: ReasonInvalidRequest,
			message: "message: has 9 bytes", details: []proto.Message{&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
				{Field: "message", Description: "has 9 bytes; at most 8 are allowed"},
			}}},
		},
		{
			name: "ErrManagedByConfig", err: selector.ErrManagedByConfig,
			code: codes.FailedPrecondition, reason: ReasonManagedByConfig, message: "configuration",
		},
		{
			name: "CooldownError",
			err:  &selector.CooldownError{Model: "m(high)", Provider: "p", Wait: 1500 * time.Millisecond, Counts: counts},
			code: codes.ResourceExhausted, reason: ReasonModelCooldown, message: "All credentials for model m(high) are cooling down",
			metadata: map[string]string{
				"model": "m(high)", "provider": "p", "reset_seconds": "2", "COOLING_MODEL": "2", "DISABLED": "1",
			},
			details: []proto.Message{retryInfo(1500 * time.Millisecond), answered(broker.ProblemLimited, "m(high)", "p", 1500*time.Millisecond)},
		},
		{
			name: "UnavailableError with a time",
			err:  &selector.UnavailableError{Model: "m", Provider: "", Wait: time.Minute, Counts: counts},
			code: codes.FailedPrecondition, reason: ReasonAuthUnavailable, message: "No credential for model m can be used",
			metadata: map[string]string{"model": "m", "provider": "", "COOLING_MODEL": "2", "DISABLED": "1"},
			details:  []proto.Message{retryInfo(time.Minute), answered(broker.ProblemUnavailable, "m", "", time.Minute)},
		},
		{
			name: "UnavailableError without a time",
			err:  &selector.UnavailableError{Model: "m", Provider: "p"},
			code: codes.FailedPrecondition, reason: ReasonAuthUnavailable,
			metadata: map[string]string{"model": "m", "provider": "p"},
			details:  []proto.Message{answered(broker.ProblemUnavailable, "m", "p", 0)},
		},
		{
			name: "PinnedError with a time",
			err: &broker.PinnedError{Reference: "resp:r1", PinnedError: &selector.PinnedError{
				AuthID: "a", Reason: selector.ReasonCoolingModel, Wait: 1500 * time.Millisecond, Model: "m", Provider: "p",
			}},
			code: codes.FailedPrecondition, reason: ReasonSessionPinned, message: "cannot be used now",
			metadata: map[string]string{
				"model": "m", "provider": "p", "reference": "resp:r1", "auth_id": "a", "advice": "WAIT",
				"cause": "COOLING_MODEL", "reset_seconds": "2",
			},
			details: []proto.Message{
				retryInfo(1500 * time.Millisecond),
				answered(broker.ProblemPinned, "m", "p", 1500*time.Millisecond),
			},
		},
		{
			name: "PinnedError without a time",
			err:  &broker.PinnedError{Reference: "conv:c1", PinnedError: &selector.PinnedError{AuthID: "a", Reason: selector.ReasonHalfOpen}},
			code: codes.FailedPrecondition, reason: ReasonSessionPinned, message: "cannot be used now",
			metadata: map[string]string{
				"model": "", "provider": "", "reference": "conv:c1", "auth_id": "a", "advice": "WAIT", "cause": "HALF_OPEN",
			},
			details: []proto.Message{answered(broker.ProblemPinned, "", "", 0)},
		},
		{
			name: "PinnedError of an auth that is gone",
			err:  &broker.PinnedError{PinnedError: &selector.PinnedError{Lost: true, Model: "m", Provider: "p"}},
			code: codes.FailedPrecondition, reason: ReasonSessionPinned, message: "without the reference",
			metadata: map[string]string{"model": "m", "provider": "p", "reference": "", "auth_id": "", "advice": "STRIP"},
			details:  []proto.Message{answered(broker.ProblemReference, "m", "p", 0)},
		},
		{
			name: "FieldError", err: &selector.FieldError{Field: "until", Problem: "must be in the future"},
			code: codes.InvalidArgument, reason: ReasonInvalidRequest, message: "until: must be in the future",
			details: []proto.Message{&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
				{Field: "until", Description: "must be in the future"},
			}}},
		},
		{
			name: "invalidRequest", err: invalid.err(),
			code: codes.InvalidArgument, reason: ReasonInvalidRequest, message: "model: is wrong",
			details: []proto.Message{&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
				{Field: "model", Description: "is wrong"},
			}}},
		},
		{
			name: "broker.ErrUnknownSession", err: broker.ErrUnknownSession,
			code: codes.NotFound, reason: ReasonUnknownSession,
		},
		{
			name: "broker.ErrNotWritten", err: fmt.Errorf("%w: disk full at /secret/path", broker.ErrNotWritten),
			code: codes.Unavailable, reason: ReasonStateUnavailable, message: "could not be written",
		},
		{
			name: "broker.ErrNotDurable", err: fmt.Errorf("%w: disk full at /secret/path", broker.ErrNotDurable),
			code: codes.Unavailable, reason: ReasonStateUnavailable, message: "could not be kept",
		},
		{
			name: "a caller that is not known", err: errUnauthenticated,
			code: codes.Unauthenticated, reason: ReasonUnauthenticated, message: "does not show who makes it",
		},
		{
			name: "a caller without the role", err: &deniedError{caller: "gateway", roles: access.Operate},
			code: codes.PermissionDenied, reason: ReasonPermissionDenied, message: "the caller gateway may not do this: it takes the role operate",
			metadata: map[string]string{"role": "operate"},
		},
		{
			name: "a caller over its limit", err: &limitedError{what: "picks", metadata: limitPicks, wait: time.Second},
			code: codes.ResourceExhausted, reason: ReasonRateLimited, message: "too many picks",
			metadata: map[string]string{"limit": "picks_per_second"}, details: []proto.Message{retryInfo(time.Second)},
		},
		{
			name: "errPanic", err: errPanic,
			code: codes.Internal, reason: ReasonInternal, message: "internal error",
		},
		{
			name: "unknown errors get fixed words", err: errors.New("password=hunter2"),
			code: codes.Internal, reason: ReasonInternal, message: "internal error",
		},
		{name: "cancelled", err: fmt.Errorf("put: %w", context.Canceled), code: codes.Canceled},
		{name: "deadline", err: fmt.Errorf("put: %w", context.DeadlineExceeded), code: codes.DeadlineExceeded},
		{name: "a status stays", err: status.Error(codes.Unimplemented, "later"), code: codes.Unimplemented, message: "later"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, reason := translate(tt.err, sessions.FormatUnknown, false)
			if got.Code() != tt.code || reason != tt.reason {
				t.Errorf("translate = %v, %q, want %v, %q", got.Code(), reason, tt.code, tt.reason)
			}
			if !strings.Contains(got.Message(), tt.message) || strings.Contains(got.Message(), "hunter2") ||
				strings.Contains(got.Message(), "/secret/path") {
				t.Errorf("message = %q, want %q in it", got.Message(), tt.message)
			}
			var want []proto.Message
			if tt.reason != "" {
				info := &errdetails.ErrorInfo{Domain: "credbroker", Reason: string(tt.reason), Metadata: tt.metadata}
				want = append([]proto.Message{info}, tt.details...)
			}
			if diff := cmp.Diff(want, details(got), protocmp.Transform()); diff != "" {
				t.Errorf("details (-want +got):\n%s", diff)
			}
		})
	}
}

func details(s *status.Status) []proto.Message {
	var list []proto.Message
	for _, d := range s.Details() {
		list = append(list, d.(proto.Message))
	}
	return list
}

// TestTranslateKnowsEveryError keeps TestTranslate complete: it looks up the errors that the core exports in its source.
func TestTranslateKnowsEveryError(t *testing.T) {
	test, err := os.ReadFile("errors_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"../broker", "../selector", "../sessions", "../sessions/bindings"} {
		for _, name := range exportedErrors(t, folder) {
			if !regexp.MustCompile(`\b(broker|selector|sessions)\.` + name + `\b`).Match(test) {
				t.Errorf("%s of %s is not in TestTranslate", name, folder)
			}
		}
	}
}

// exportedErrors are the variables Err... and the types ...Error of a package.
func exportedErrors(t *testing.T, folder string) (names []string) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range tree.Decls {
			generic, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range generic.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if spec.Name.IsExported() && strings.HasSuffix(spec.Name.Name, "Error") {
						names = append(names, spec.Name.Name)
					}
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						if strings.HasPrefix(name.Name, "Err") {
							names = append(names, name.Name)
						}
					}
				}
			}
		}
	}
	return names
}

func TestExplanationOfAFailureIsCapped(t *testing.T) {
	e := &selector.Explanation{Counts: selector.Counts{selector.ReasonCoolingAuth: 100_000}}
	for i := range selector.MaxExplained {
		e.Candidates = append(e.Candidates, selector.Candidate{
			Auth:   &selector.Auth{ID: fmt.Sprintf("auth-%03d-%s", i, strings.Repeat("x", 200)), Provider: "p"},
			Reason: selector.ReasonCoolingAuth, Until: time.Unix(1_800_000_000, 1), Detail: strings.Repeat("y", 300),
		})
	}
	s, _ := translate(&selector.CooldownError{Model: "m", Provider: "p", Wait: time.Minute, Explanation: e}, sessions.FormatGemini, false)
	got := details(s)
	size := 0
	for _, d := range got {
		size += proto.Size(d)
	}
	explanation, ok := got[len(got)-1].(*credbrokerv1.Explanation)
	if !ok || size > maxDetails {
		t.Fatalf("details of %d bytes, want at most %d, an explanation last", size, maxDetails)
	}
	n := len(explanation.GetCandidates())
	if n < 3 || n == len(e.Candidates) || explanation.GetCandidates()[0].GetAuthId() != e.Candidates[0].Auth.ID {
		t.Errorf("%d candidates are left, want the first few", n)
	}
	if explanation.GetCounts()[0].GetCount() != 100_000 {
		t.Errorf("counts = %v, want all of them", explanation.GetCounts())
	}
}

func TestWorstFailureFitsTrailers(t *testing.T) {
	counts := selector.Counts{}
	for i := range counts {
		counts[i] = 1_000_000
	}
	s, _ := translate(&selector.CooldownError{
		Model: strings.Repeat("<", maxModel), Provider: strings.Repeat("<", maxProvider), Wait: 366 * 24 * time.Hour,
		Counts: counts, Explanation: &selector.Explanation{Counts: counts},
	}, sessions.FormatOpenAIChat, true)
	// In base64, as grpc-status-details-bin carries it, beside the message.
	if size := proto.Size(s.Proto())*4/3 + len(s.Message()); size > 8<<10 {
		t.Errorf("the error takes %d bytes of trailers, want at most 8 KiB", size)
	}
}

// A gateway never makes up a body, not even where nothing of its pick was looked at.
func TestEveryRefusedPickHasAReadyAnswer(t *testing.T) {
	for _, tt := range []struct {
		err   error
		after string
	}{
		{errUnauthenticated, ""},
		{&deniedError{caller: "a", roles: access.Pick}, ""},
		{&limitedError{what: "picks", wait: 1500 * time.Millisecond}, "2"},
		{admission.ErrFull, "1"},
	} {
		s, _ := translate(tt.err, sessions.FormatUnknown, true)
		all := details(s)
		answer, ok := all[len(all)-1].(*credbrokerv1.HttpError)
		if !ok || answer.GetStatus() != 503 || answer.GetHeaders()["Retry-After"] != tt.after {
			t.Errorf("%v is answered %v, want a status 503, Retry-After %q", tt.err, all[len(all)-1], tt.after)
		}
		s, _ = translate(tt.err, sessions.FormatUnknown, false)
		for _, d := range details(s) {
			if _, ok := d.(*credbrokerv1.HttpError); ok {
				t.Errorf("%v of a call that is no pick has a ready answer", tt.err)
			}
		}
	}
}

func TestViolationsAreBounded(t *testing.T) {
	var v violations
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = strings.Repeat("x", maxAuthID+1)
	}
	v.list("exclude_auth_ids", ids, maxExclude)
	s, _ := translate(v.err(), sessions.FormatUnknown, false)
	got := details(s)[1].(*errdetails.BadRequest).GetFieldViolations()
	if len(got) != maxViolations || got[0].GetField() != "exclude_auth_ids[0]" {
		t.Errorf("%d violations, the first of %s, want %d", len(got), got[0].GetField(), maxViolations)
	}
	if !strings.Contains(s.Message(), "(and 999 more)") {
		t.Errorf("message = %q, want the number of the others", s.Message())
	}
}
