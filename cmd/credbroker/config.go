package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/credbroker/credbroker/config"
)

func (a *app) configCommand() *cobra.Command {
	return group("config", "Check a configuration file, and print its schema", a.configCheckCommand(), a.configSchemaCommand())
}

func (a *app) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Find every problem of a configuration file, as serve would",
		Long: "check reads a configuration file with everything that it refers to, secrets and auth files included, and prints\n" +
			"every problem as file:line: field: message. The exit code is 1 if there are some. Warnings are names of providers\n" +
			"and dialects that nothing is known of, and files with secrets that others than their owner can read.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.checkConfig(cmd.Context(), args[0]) },
	}
}

func (a *app) checkConfig(ctx context.Context, path string) error {
	auths, warnings, err := config.Check(path, config.Options{LookupEnv: a.getenv, RunHelper: helperRunner(ctx), Clock: a.now})
	for _, w := range warnings {
		_, _ = fmt.Fprintln(a.stdout, "warning: "+oneLine(w.String()))
	}
	if err != nil {
		var problems config.Problems
		if !errors.As(err, &problems) {
			return err
		}
		for _, p := range problems {
			_, _ = fmt.Fprintln(a.stdout, oneLine(p.String()))
		}
		return fmt.Errorf("%s has %s", path, plural(int64(len(problems)), "problem"))
	}
	providers := make(map[string]bool)
	for _, auth := range auths {
		providers[auth.Provider] = true
	}
	_, err = fmt.Fprintf(a.stdout, "ok: %s of %s\n", plural(int64(len(auths)), "auth"), plural(int64(len(providers)), "provider"))
	return err
}

func (a *app) configSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file, for editors",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := config.Schema()
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(schema)
			return err
		},
	}
}

// refuse prints the problems of a configuration that serve cannot start with, and returns one line that sums them up.
func (a *app) refuse(path string, err error) error {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for _, p := range problems {
		_, _ = fmt.Fprintln(a.stderr, oneLine(p.String()))
	}
	return fmt.Errorf("%s has %s; the broker does not start with it", path, plural(int64(len(problems)), "problem"))
}
