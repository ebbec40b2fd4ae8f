package verdict

import "github.com/credbroker/credbroker/internal/document"

// maxProblems is how many problems are reported; who has more reads the first ones first.
const maxProblems = 100

// Problem is one thing that is wrong with a file of rules.
type Problem = document.Problem

// Problems is everything that is wrong with the files given to [Load], in their order.
type Problems = document.Problems
