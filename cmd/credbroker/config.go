package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/selector"
)

func (a *app) configCommand() *cobra.Command {
	return group("config", "Check a configuration file, and print its schema", a.configCheckCommand(), a.configSchemaCommand())
}

func (a *app) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Find every problem of a configuration file, as serve would",
		Long: "check reads a configuration file with everything that it refers to, secrets and auth files included, and prints\n" +
			"every problem as file:line: field: message. The exit code is 1 if there are some.",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.checkConfig(args[0]) },
	}
}

func (a *app) checkConfig(path string) error {
	options := config.Options{LookupEnv: a.getenv, Clock: a.now}
	if err := config.Check(path, options); err != nil {
		var problems config.Problems
		if !errors.As(err, &problems) {
			return err
		}
		for _, p := range problems {
			_, _ = fmt.Fprintln(a.stdout, oneLine(p.String()))
		}
		return fmt.Errorf("%s has %s", path, plural(int64(len(problems)), "problem"))
	}
	return a.praise(path, options)
}

// praise says what a good configuration holds.
func (a *app) praise(path string, options config.Options) error {
	source, err := config.Open(path, options)
	if err != nil {
		return err
	}
	counter := authCounter{providers: make(map[string]bool)}
	source.Attach(&counter)
	_, err = fmt.Fprintf(a.stdout, "ok: %s of %s\n",
		plural(int64(counter.auths), "auth"), plural(int64(len(counter.providers)), "provider"))
	return err
}

// authCounter takes the auths of a Source to count them.
type authCounter struct {
	auths     int
	providers map[string]bool
}

var _ config.Target = (*authCounter)(nil)

// Update is part of config.Target.
func (c *authCounter) Update(put []*selector.Auth, _ []string, _ time.Time) {
	c.auths += len(put)
	for _, auth := range put {
		c.providers[auth.Provider] = true
	}
}

func (a *app) configSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file, for editors",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.stdout.Write(config.Schema())
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
