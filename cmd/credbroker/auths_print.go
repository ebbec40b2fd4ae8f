package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// printAuthLines writes a table with one line for each auth.
func (s *session) printAuthLines(auths []*credbrokerv1.Auth) error {
	w := newTable(s.stdout)
	s.authHeader(w)
	for _, auth := range auths {
		s.authLine(w, auth)
	}
	return w.Flush()
}

func (s *session) authHeader(w io.Writer) {
	row(w, "ID", "PROVIDER", "PRIORITY", "STATE", "LEFT", "COOLING MODELS", "SESSIONS", "PICKS", "WHY")
}

func (s *session) authLine(w io.Writer, auth *credbrokerv1.Auth) {
	c := auth.GetConfig()
	row(w, cell(c.GetId()), cell(c.GetProvider()), strconv.FormatInt(c.GetPriority(), 10),
		enumName(auth.GetState(), prefixState), s.timeLeft(auth.GetStateUntil()), coolingModels(auth),
		strconv.FormatInt(auth.GetBoundSessions(), 10), strconv.FormatUint(auth.GetPicks(), 10), cell(auth.GetStateReason()))
}

// coolingModels names the models and families of an auth that cool down while the auth as a whole may not.
func coolingModels(auth *credbrokerv1.Auth) string {
	var models []string
	for _, c := range auth.GetCooldowns() {
		if name := cmp.Or(c.GetModel(), c.GetFamily()); name != "" && !slices.Contains(models, name) {
			models = append(models, name)
		}
	}
	const shown = 2
	if more := len(models) - shown; more > 0 {
		return cell(strings.Join(models[:shown], ",")) + fmt.Sprintf(" +%d", more)
	}
	return cell(strings.Join(models, ","))
}

// printAuth writes everything about one auth, human-readable.
func (s *session) printAuth(auth *credbrokerv1.Auth) error {
	w := newTable(s.stdout)
	s.authConfig(w, auth)
	s.authState(w, auth)
	if err := w.Flush(); err != nil {
		return err
	}
	if err := s.printCooldowns(auth.GetCooldowns()); err != nil {
		return err
	}
	return s.printQuotas(auth.GetQuotaWindows())
}

func (s *session) printCooldowns(cooldowns []*credbrokerv1.Cooldown) error {
	if len(cooldowns) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(s.stdout)
	w := newTable(s.stdout)
	row(w, "COOLDOWN OF", "KIND", "UNTIL", "LEFT", "PROBE IN", "LEVEL", "RULE", "REASON")
	for _, c := range cooldowns {
		left := "-"
		if c.GetTimeLeft() != nil {
			left = span(c.GetTimeLeft().AsDuration())
		}
		row(w, subjectOf(c), enumName(c.GetKind(), prefixCooldown), clock(c.GetUntil()), left, s.timeLeft(c.GetProbeAt()),
			level(c.GetBackoffLevel()), cell(c.GetRule()), cell(c.GetReason()))
	}
	return w.Flush()
}

// subjectOf names what a cooldown is of: a model or family, and the limit domain where it is not the auth itself.
func subjectOf(c *credbrokerv1.Cooldown) string {
	what := "(whole auth)"
	switch {
	case c.GetFamily() != "":
		what = cell(c.GetFamily())
	case c.GetModel() != "":
		what = cell(c.GetModel())
	case c.GetDomain() != "":
		return cell(c.GetDomain())
	}
	if c.GetDomain() != "" {
		what += " of " + cell(c.GetDomain())
	}
	return what
}

// printQuotas writes what the upstream told of its quotas.
func (s *session) printQuotas(windows []*credbrokerv1.QuotaWindow) error {
	if len(windows) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(s.stdout)
	w := newTable(s.stdout)
	row(w, "QUOTA", "USED", "RESETS IN", "SEEN")
	for _, q := range windows {
		used := "-"
		if q.UsedShare != nil {
			used = strconv.FormatFloat(100*q.GetUsedShare(), 'f', 0, 64) + "%"
		}
		row(w, cell(q.GetName()), used, s.timeLeft(q.GetResetsAt()), s.ago(q.GetSeenAt()))
	}
	return w.Flush()
}

func (s *session) authConfig(w io.Writer, auth *credbrokerv1.Auth) {
	c := auth.GetConfig()
	row(w, "ID", cell(c.GetId()))
	row(w, "PROVIDER", cell(c.GetProvider()))
	row(w, "LABEL", cell(c.GetLabel()))
	row(w, "NOTE", cell(c.GetNote()))
	row(w, "KIND", enumName(c.GetKind(), prefixKind))
	row(w, "DIALECT", cell(c.GetDialect()))
	row(w, "PRIORITY", strconv.FormatInt(c.GetPriority(), 10))
	row(w, "WEIGHT", strconv.FormatUint(uint64(c.GetWeight()), 10))
	row(w, "MODELS", globs(c))
	row(w, "PREFIX", cell(c.GetPrefix()))
	row(w, "BASE URL", cell(c.GetBaseUrl()))
	row(w, "PROXY URL", cell(maskUserinfo(c.GetProxyUrl())))
	row(w, "DOMAINS", cell(strings.Join(c.GetDomains(), ",")))
	printMap(w, "ATTRIBUTE", c.GetAttributes(), "=")
	row(w, "HEADERS", cell(strings.Join(auth.GetRequestHeaderNames(), ",")))
	row(w, "ORIGIN", enumName(auth.GetOrigin(), prefixOrigin))
	row(w, "SOURCE", cell(auth.GetSource()))
	row(w, "EXPIRES IN", s.timeLeft(auth.GetExpiresAt()))
}

// globs writes which models an auth serves.
func globs(c *credbrokerv1.AuthConfig) string {
	served := "every model"
	if len(c.GetModels()) > 0 {
		served = strings.Join(c.GetModels(), ",")
	}
	if len(c.GetExcludeModels()) > 0 {
		served += " but " + strings.Join(c.GetExcludeModels(), ",")
	}
	return cell(served)
}

func (s *session) authState(w io.Writer, auth *credbrokerv1.Auth) {
	row(w, "STATE", enumName(auth.GetState(), prefixState))
	row(w, "WHY", cell(auth.GetStateReason()))
	row(w, "LEFT", s.timeLeft(auth.GetStateUntil()))
	row(w, "SESSIONS", strconv.FormatInt(auth.GetBoundSessions(), 10))
	row(w, "PICKS", strconv.FormatUint(auth.GetPicks(), 10))
	row(w, "LAST PICK", s.ago(auth.GetLastPickedAt()))
	row(w, "LAST REPORT", s.lastReport(auth.GetLastReport()))
}

func (s *session) lastReport(r *credbrokerv1.LastReport) string {
	if r == nil {
		return "-"
	}
	words := []string{r.GetWhat()}
	if r.GetModel() != "" {
		words = append(words, "of "+r.GetModel())
	}
	words = append(words, s.ago(r.GetReceivedAt()))
	if r.GetReason() != "" {
		words = append(words, "("+r.GetReason()+")")
	}
	if r.GetRule() != "" {
		words = append(words, "by rule "+r.GetRule())
	}
	return cell(strings.Join(words, " "))
}

func level(n int32) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(int(n))
}
