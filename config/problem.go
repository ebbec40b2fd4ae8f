package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong with the configuration.
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

// findings collects the problems of one file.
type findings struct {
	file  string
	found Problems
	more  int // beyond maxProblems
}

func (f *findings) add(p Problem) {
	if len(f.found) == maxProblems {
		f.more++
		return
	}
	p.File = f.file
	f.found = append(f.found, p)
}

// all are the problems that were kept, by line, and one that counts the rest.
func (f *findings) all() Problems {
	slices.SortStableFunc(f.found, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	if f.more == 0 {
		return f.found
	}
	return append(slices.Clip(f.found),
		Problem{File: f.file, Message: "has " + strconv.Itoa(f.more) + " more problems"})
}
