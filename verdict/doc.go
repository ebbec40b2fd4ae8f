// Package verdict says what one upstream answer means for the auth that got it: who is at fault, what is to be done, for
// which scope, for how long, and why.
//
// The rules are data: tables in rules/*.yaml, one row for each thing that vendors say, each with its source. [Load] reads
// them, together with files of the operator, and reports every problem at once; [Rules.Judge] walks the rows in order and the
// first that matches gives the verdict and its id. What a table cannot express (quota windows in headers, printed dates) are
// small named facts and time sources that rows refer to. docs/verdicts.md is the reference of the format.
//
// Judging is pure: no input or output, no clock, no memory of earlier answers. What needs memory (three refusals within
// three hours) is a field of the verdict that the caller executes. Any input is judged in bounded time and memory: at most
// MaxBody bytes of a body are looked at, and nothing that the upstream sends can make it fail.
//
// Rules are immutable; any number of goroutines may judge with them.
package verdict
