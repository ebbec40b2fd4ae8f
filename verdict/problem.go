package verdict

import (
	"fmt"
	"strings"
)

// maxProblems is how many problems are reported; who has more reads the first ones first.
const maxProblems = 100

// Problem is one thing that is wrong with a file of rules.
type Problem struct {
	File    string
	Line    int    // 0: the file as a whole
	Field   string // such as `rules[3].when.status`; empty: the file as a whole
	Message string // what is wrong, and what is allowed
}

// String returns the problem as `file:line: field: message`.
func (p Problem) String() string {
	at := p.File
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Field != "" {
		at += ": " + p.Field
	}
	return at + ": " + p.Message
}

// Problems is everything that is wrong with the files given to [Load], in their order.
type Problems []Problem

// Error returns one problem a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}
