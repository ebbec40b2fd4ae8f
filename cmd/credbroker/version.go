package main

import (
	"cmp"
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

// commit is what the go command recorded of the commit that this binary was built from; empty: nothing, as outside of a clone.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changed"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
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
					Commit    string `json:"commit,omitempty"`
					GoVersion string `json:"goVersion"`
				}{version(), commit(), runtime.Version()})
			}
			_, err := fmt.Fprintf(a.stdout, "credbroker %s (commit %s, %s)\n", version(), cmp.Or(commit(), "unknown"), runtime.Version())
			return err
		},
	}
	cmd.Flags().VarP(&output, "output", "o", "what to print")
	return cmd
}
