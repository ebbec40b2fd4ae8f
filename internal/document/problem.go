package document

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong with a document.
type Problem struct {
	// File that it is in.
	File string
	// Line in File, from 1; 0: the file as a whole.
	Line int
	// Field is the way to the value, such as `auths[3].secret.env`; empty: the document as a whole.
	Field string
	// Message says what is wrong, and after `allowed:` what would be right. It never holds a secret.
	Message string
}

// String is `file:line: field: message`, without what is not known.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		b.WriteString(":" + strconv.Itoa(p.Line))
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is everything that is wrong, in the order of the file.
type Problems []Problem

// Error has one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// maxProblems is how many problems of one file are kept.
const maxProblems = 1000

// File is one document that is being read, and what is wrong with it.
type File struct {
	name     string
	problems Problems
	more     int // beyond maxProblems
	values   int // visited so far
}

// NewFile names a document as problems are to name it.
func NewFile(name string) *File { return &File{name: name} }

// Add notes something that is wrong; line 0 and an empty field stand for the document as a whole.
func (f *File) Add(line int, field, message string) {
	if f.full() {
		f.more++
		return
	}
	f.problems = append(f.problems, Problem{File: f.name, Line: line, Field: field, Message: message})
}

// full: further problems are counted only, so nobody needs to work out what they say.
func (f *File) full() bool { return len(f.problems) == maxProblems }

// count is the number of problems so far.
func (f *File) count() int { return len(f.problems) + f.more }

// Problems are those that were kept, by line, and one that counts the rest.
func (f *File) Problems() Problems {
	slices.SortStableFunc(f.problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	if f.more == 0 {
		return f.problems
	}
	return append(slices.Clip(f.problems), Problem{File: f.name, Message: "has " + strconv.Itoa(f.more) + " more problems"})
}
