package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the broker is doing: configuration, problems, pool, bindings",
		Args:  cobra.NoArgs,
	}
	return a.clientCommand(cmd, func(ctx context.Context, s *session, _ []string) error {
		resp, err := call(ctx, s, s.pool.GetStatus, &credbrokerv1.GetStatusRequest{})
		if err != nil {
			return err
		}
		if s.output == formatJSON {
			return printJSON(s.stdout, resp)
		}
		return s.printStatusTable(resp)
	})
}

func (s *session) printStatusTable(r *credbrokerv1.GetStatusResponse) error {
	w := newTable(s.stdout)
	row(w, "VERSION", cell(r.GetVersion()))
	row(w, "UPTIME", span(r.GetUptime().AsDuration()))
	row(w, "CONFIGURATION", cell(r.GetConfigSource()))
	row(w, "GENERATION", fmt.Sprintf("%d, loaded %s", r.GetConfigGeneration(), s.ago(r.GetConfigLoadedAt())))
	row(w, "BINDINGS", fmt.Sprintf("%d of at most %d", r.GetBindings(), r.GetBindingsMax()))
	for _, e := range r.GetEngines() {
		health := "healthy"
		if !e.GetHealthy() {
			health = "NOT HEALTHY"
		}
		row(w, "ENGINE", cell(e.GetName())+", "+health+detail(e.GetDetail()))
	}
	row(w, "PROBLEMS", strconv.Itoa(len(r.GetConfigProblems())))
	if err := w.Flush(); err != nil {
		return err
	}
	for _, problem := range r.GetConfigProblems() {
		// Whole, not as a cell: the end of the line says what is wrong.
		_, _ = fmt.Fprintf(s.stdout, "  %s\n", oneLine(problem))
	}
	if len(r.GetPool()) == 0 {
		_, err := fmt.Fprintln(s.stdout, "\nthe pool is empty")
		return err
	}
	_, _ = fmt.Fprintln(s.stdout)
	w = newTable(s.stdout)
	row(w, "PROVIDER", "STATE", "AUTHS")
	for _, c := range r.GetPool() {
		row(w, cell(c.GetProvider()), enumName(c.GetState(), prefixState), strconv.FormatInt(c.GetCount(), 10))
	}
	return w.Flush()
}

func detail(text string) string {
	if text == "" {
		return ""
	}
	return ": " + cell(text)
}
