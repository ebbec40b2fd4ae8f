package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestCLIDocNamesEveryCommandAndFlag keeps docs/cli.md and the commands equal, in both directions.
func TestCLIDocNamesEveryCommandAndFlag(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := sectionsOf(string(text))
	common := flagsIn(sections["Asking a broker"])
	root := (&app{}).root()
	root.InitDefaultCompletionCmd()
	documented := map[string]bool{}
	eachLeaf(root, func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		section, ok := sections[path]
		if !ok {
			t.Errorf("docs/cli.md has no section %q", "## "+path)
			return
		}
		documented[path] = true
		allowed := flagsIn(section)
		if cmd.Flags().Lookup("address") != nil {
			allowed = append(allowed, common...)
		}
		var flags []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && f.Name != "no-descriptions" {
				flags = append(flags, "--"+f.Name)
			}
		})
		slices.Sort(flags)
		slices.Sort(allowed)
		if !slices.Equal(flags, slices.Compact(allowed)) {
			t.Errorf("flags of %s: docs/cli.md has %v, the command %v", path, allowed, flags)
		}
		if !strings.Contains(string(text), "[`"+path+"`](#"+strings.ReplaceAll(path, " ", "-")+")") {
			t.Errorf("%s is missing in the table of commands", path)
		}
	})
	for title := range sections {
		if strings.HasPrefix(title, "credbroker ") && !documented[title] {
			t.Errorf("docs/cli.md has a section %q, and there is no such command", title)
		}
	}
}

// eachLeaf visits the commands that do something. The shells of completion count as one.
func eachLeaf(cmd *cobra.Command, visit func(*cobra.Command)) {
	if !cmd.HasSubCommands() || cmd.Name() == "completion" {
		visit(cmd)
		return
	}
	for _, c := range cmd.Commands() {
		if c.Name() != "help" {
			eachLeaf(c, visit)
		}
	}
}

// sectionsOf splits a document at its second-level headings.
func sectionsOf(text string) map[string]string {
	sections := map[string]string{}
	for _, part := range strings.Split(text, "\n## ")[1:] {
		title, body, _ := strings.Cut(part, "\n")
		sections[title] = body
	}
	return sections
}

// flagsIn are the flags that the tables of a section describe.
func flagsIn(section string) []string {
	var flags []string
	for _, match := range regexp.MustCompile("(?m)^\\| `(--[a-z-]+)`").FindAllStringSubmatch(section, -1) {
		if match[1] != "--no-descriptions" {
			flags = append(flags, match[1])
		}
	}
	return flags
}
