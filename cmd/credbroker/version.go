package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the version of this binary's module, as the go command recorded it: a tag, or a pseudo-version with the
// commit, or (devel).
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (a *app) versionCommand() *cobra.Command {
	output := formatTable
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary; `status` has that of the broker",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if output == formatJSON {
				e := json.NewEncoder(a.stdout)
				e.SetIndent("", "  ")
				return e.Encode(struct {
					Version   string `json:"version"`
					GoVersion string `json:"goVersion"`
				}{version(), runtime.Version()})
			}
			_, err := fmt.Fprintf(a.stdout, "credbroker %s (%s)\n", version(), runtime.Version())
			return err
		},
	}
	cmd.Flags().VarP(&output, "output", "o", "what to print")
	return cmd
}
