package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/credbroker/credbroker/access"
)

func (a *app) tokenCommand() *cobra.Command {
	return group("token", "Make bearer tokens for callers", a.tokenNewCommand())
}

func (a *app) tokenNewCommand() *cobra.Command {
	output := formatTable
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Print a new token, and what the configuration says of it",
		Long: "new prints a token for a caller and the line that goes below `tokens` of that caller. The line has the hash only: the\n" +
			"token is nowhere else, so hand it over now. No broker is asked.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if lifetime < 0 {
				return usageErrorf("--expires-in must not be below zero")
			}
			return a.printToken(lifetime, output)
		},
	}
	cmd.Flags().DurationVar(&lifetime, "expires-in", 0, "how long the token is good, such as 2160h; 0: until it is taken out of the configuration")
	cmd.Flags().VarP(&output, "output", "o", "what to print")
	return cmd
}

func (a *app) printToken(lifetime time.Duration, output outputFormat) error {
	var random [32]byte
	// crypto/rand ends the program rather than fail.
	_, _ = rand.Read(random[:])
	token := access.NewToken(random)
	hash, _ := access.HashOf(token)
	line, expires := fmt.Sprintf("{sha256: %s}", hash), ""
	if lifetime > 0 {
		expires = a.now().Add(lifetime).UTC().Format(time.RFC3339)
		line = fmt.Sprintf("{sha256: %s, expires: %s}", hash, expires)
	}
	if output == formatJSON {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Token   string `json:"token"`
			SHA256  string `json:"sha256"`
			Expires string `json:"expires,omitempty"`
		}{token, hash.String(), expires})
	}
	table := newTable(a.stdout)
	row(table, "TOKEN", token)
	row(table, "LINE", "- "+line)
	return table.Flush()
}
