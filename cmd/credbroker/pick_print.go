package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// printPick writes one answer, human-readable: a column of facts, and the candidates if the answer explains itself.
func (s *session) printPick(resp *credbrokerv1.PickCredentialResponse) error {
	c := resp.GetCredential()
	w := newTable(s.stdout)
	row(w, "AUTH", cell(c.GetAuthId()))
	row(w, "LABEL", cell(c.GetLabel()))
	row(w, "PROVIDER", cell(c.GetProvider()))
	row(w, "MODEL", cell(c.GetModel()))
	row(w, "BASE URL", cell(c.GetBaseUrl()))
	row(w, "PROXY URL", cell(c.GetProxyUrl()))
	printMap(w, "HEADER", c.GetRequestHeaders(), ": ")
	printMap(w, "ATTRIBUTE", c.GetAttributes(), "=")
	row(w, "EXPIRES IN", s.timeLeft(c.GetExpiresAt()))
	row(w, "SESSION", cell(resp.GetSession().GetId()))
	row(w, "SOURCE", enumName(resp.GetSession().GetSource(), prefixSource))
	row(w, "BINDING", enumName(resp.GetSession().GetBinding(), prefixBinding))
	row(w, "BOUND FOR", s.timeLeft(resp.GetSession().GetExpiresAt()))
	row(w, "ATTEMPT", strconv.Itoa(int(resp.GetAttempt())))
	row(w, "PICK ID", cell(resp.GetPickId()))
	if err := w.Flush(); err != nil || resp.GetExplanation() == nil {
		return err
	}
	_, _ = fmt.Fprintln(s.stdout)
	return s.printExplanation(resp.GetExplanation())
}

// printMap writes one line for each entry. Values are whole, because a cut header is of no use to anybody.
func printMap(w io.Writer, title string, m map[string]string, separator string) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		row(w, title, clean(name)+separator+clean(m[name]))
	}
	if len(m) == 0 {
		row(w, title, "-")
	}
}

// printExplanation writes how the choice was made and what became of each candidate.
func (s *session) printExplanation(e *credbrokerv1.Explanation) error {
	counts := make([]string, 0, len(e.GetCounts()))
	for _, c := range e.GetCounts() {
		counts = append(counts, fmt.Sprintf("%s=%d", enumName(c.GetReason(), prefixReason), c.GetCount()))
	}
	_, _ = fmt.Fprintf(s.stdout, "strategy %s, position %d; auths by reason: %s\n\n",
		strategyName(e.GetStrategy()), e.GetPosition(), cell(strings.Join(counts, " ")))
	w := newTable(s.stdout)
	row(w, "CANDIDATE", "PROVIDER", "PRIORITY", "REASON", "UNTIL", "LEFT", "BOUND", "DETAIL")
	for _, c := range e.GetCandidates() {
		row(w, cell(c.GetAuthId()), cell(c.GetProvider()), strconv.FormatInt(c.GetPriority(), 10),
			enumName(c.GetReason(), prefixReason), clock(c.GetUntil()), s.timeLeft(c.GetUntil()), yes(c.GetBound()), cell(c.GetDetail()))
	}
	return w.Flush()
}

// strategyName writes a strategy as the configuration does.
func strategyName(s credbrokerv1.Strategy) string {
	return strings.ToLower(strings.ReplaceAll(enumName(s, prefixStrategy), "_", "-"))
}

// printRefusal shows the candidates of a pick that failed, if it was asked to explain itself. In JSON they are among the
// details of the error.
func (s *session) printRefusal(err error) {
	if s.output == formatJSON {
		return
	}
	for _, detail := range status.Convert(err).Details() {
		if e, ok := detail.(*credbrokerv1.Explanation); ok {
			_ = s.printExplanation(e)
		}
	}
}

// clock is an instant in UTC, human-readable.
func clock(t *timestamppb.Timestamp) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().UTC().Format("2006-01-02T15:04:05Z")
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return "-"
}
