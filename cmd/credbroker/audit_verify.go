package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/credbroker/credbroker/audit"
)

func (a *app) auditCommand() *cobra.Command {
	return group("audit", "Read audit logs", a.auditVerifyCommand())
}

// verifyFlags are the flags of audit verify as given.
type verifyFlags struct {
	secretFile, contains string
	output               outputFormat
}

func (a *app) auditVerifyCommand() *cobra.Command {
	f := verifyFlags{output: formatTable}
	cmd := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Say where an audit log is not what was written",
		Long: "verify reads the files of one audit log, in any order, and prints where lines were changed, removed, inserted or cut off, and\n" +
			"where the broker was killed or could not write. The exit code is 1 if the log is not what was written. No broker is asked.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.verifyAudit(args, &f) },
	}
	cmd.Flags().StringVar(&f.secretFile, "secret-file", "", "file with the key of the hashes (audit.secret)")
	cmd.Flags().StringVar(&f.contains, "contains", "", "last line that an earlier run printed, NUMBER:HASH; it must be there")
	cmd.Flags().VarP(&f.output, "output", "o", "what to print")
	_ = cmd.MarkFlagFilename("secret-file")
	return cmd
}

func (a *app) verifyAudit(files []string, f *verifyFlags) error {
	var key []byte
	if f.secretFile != "" {
		text, err := os.ReadFile(f.secretFile)
		if err != nil {
			return err
		}
		key = []byte(strings.TrimSpace(string(text)))
		if len(key) == 0 {
			return fmt.Errorf("%s is empty", f.secretFile)
		}
	}
	known, err := pointOf(f.contains)
	if err != nil {
		return err
	}
	report, err := audit.Verify(files, key, known)
	if err != nil {
		return err
	}
	if err := a.printReport(report, f.output); err != nil {
		return err
	}
	if report.Faults > 0 {
		return fmt.Errorf("the audit log is not what was written: %s", plural(int64(report.Faults), "fault"))
	}
	return nil
}

// pointOf reads NUMBER:HASH.
func pointOf(text string) (p audit.Point, err error) {
	if text == "" {
		return p, nil
	}
	number, hash, ok := strings.Cut(text, ":")
	if p.Seq, err = strconv.ParseUint(number, 10, 64); err != nil || !ok || p.Seq == 0 || len(hash) != 64 {
		return p, usageErrorf("--contains must be NUMBER:HASH, as verify prints the last line")
	}
	p.Hash = strings.ToLower(hash)
	return p, nil
}

func (a *app) printReport(r *audit.Report, output outputFormat) error {
	if output == formatJSON {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	var err error
	for _, f := range r.Findings {
		kind := "note"
		if f.Fault {
			kind = "fault"
		}
		_, wrong := fmt.Fprintf(a.stdout, "%s: %s\n", kind, oneLine(f.String()))
		err = errors.Join(err, wrong)
	}
	if r.Last.Seq == 0 {
		_, wrong := fmt.Fprintln(a.stdout, "no lines")
		return errors.Join(err, wrong)
	}
	_, wrong := fmt.Fprintf(a.stdout, "%s, the last is %s\n", plural(r.Lines, "line"), r.Last)
	return errors.Join(err, wrong)
}
