package config

import (
	"cmp"
	"slices"
	"time"
)

// maxStatusProblems is how many problems a Status lists.
const maxStatusProblems = 100

// Status tells what is in force.
type Status struct {
	// Path of the YAML file; empty: there is none.
	Path string
	// Generation counts the configurations in force since the start, from 1.
	Generation uint64
	// LoadedAt is when the present one came into force.
	LoadedAt time.Time
	// Problems are why something that is written is not in force: the first hundred, in order of file and line.
	Problems Problems
	// ProblemCount is how many there are.
	ProblemCount int
}

// Reload is what came of a change that was seen.
type Reload struct {
	// Generation in force now.
	Generation uint64
	// Put and Removed are how many auths the target was handed.
	Put, Removed int
	// ConfigChanged: something that is not an auth changed.
	ConfigChanged bool
	// New are problems that were not there before, and Solved those that are gone; a hundred of each at most.
	New, Solved Problems
	// Warnings are those of Source.Warnings that were not there before.
	Warnings Problems
}

// ordered sorts problems by file, line, field and message.
func ordered(list Problems) Problems {
	slices.SortFunc(list, compareProblems)
	return list
}

func compareProblems(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
}

// without is the first problems of list that other has not; both are ordered.
func without(list, other Problems) Problems {
	var rest Problems
	for _, p := range list {
		if _, found := slices.BinarySearchFunc(other, p, compareProblems); !found && len(rest) < maxStatusProblems {
			rest = append(rest, p)
		}
	}
	return rest
}
