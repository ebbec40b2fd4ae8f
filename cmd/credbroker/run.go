package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// process is what a command may know of the process that it runs in.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(name string) (value string, set bool)
	now            func() time.Time
	// hangup starts the delivery of SIGHUP, until release.
	hangup func() (signals <-chan os.Signal, release func())
	// withholdMemory keeps the memory from others, for good; nil in tests, whose process is not the broker's alone.
	withholdMemory func() error
}

// run executes one command line and returns the exit code. A cancelled ctx asks a command to end in good order.
func run(ctx context.Context, args []string, p process) int {
	a := &app{process: p}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if !a.started {
		err = usageErrorf("%w", err)
	}
	code, line := a.judge(err)
	_, _ = fmt.Fprintf(p.stderr, "credbroker: %s\n", line)
	return code
}

// app builds the commands and is their shared knowledge.
type app struct {
	process
	// started: the command line was good and a command has begun, so that an error is not one of usage.
	started bool
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "credbroker",
		Short: "Which of our accounts should this LLM request use?",
		Long: "credbroker answers LLM gateways one question before each upstream request: which of our accounts or keys\n" +
			"should this request use? `credbroker serve` runs the broker; the other commands ask a running one.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(a.serveCommand(), a.configCommand(), a.pickCommand(), a.authsCommand(), a.sessionsCommand(),
		a.statusCommand(), a.tokenCommand(), a.auditCommand(), a.versionCommand())
	a.markStart(root)
	return root
}

// group is a command that only holds others. Named alone or with an unknown one, it is a usage error.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			names := make([]string, 0, len(commands))
			for _, c := range commands {
				names = append(names, c.Name())
			}
			allowed := strings.Join(names, ", ")
			if len(args) == 0 {
				return usageErrorf("%s needs one of: %s", cmd.CommandPath(), allowed)
			}
			return usageErrorf("unknown command %q for %q: use one of: %s", args[0], cmd.CommandPath(), allowed)
		},
	}
	g.AddCommand(commands...)
	return g
}

// markStart makes every command note that it has begun: what cobra refuses before that is a fault of usage.
func (a *app) markStart(cmd *cobra.Command) {
	if runE := cmd.RunE; runE != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.started = true
			return runE(cmd, args)
		}
	}
	for _, c := range cmd.Commands() {
		a.markStart(c)
	}
}

// usageError is a command line that cannot be carried out whatever the broker says.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usageErrorf(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func isUsage(err error) bool { return errors.As(err, new(usageError)) }
