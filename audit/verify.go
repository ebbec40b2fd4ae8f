package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// maxFindings is how many findings a Report has at most; all are counted.
const maxFindings = 1000

// Finding is something that a reader of the log should know.
type Finding struct {
	File string `json:"file"`
	Line int    `json:"line"`
	// Fault: the log is not what was written. Otherwise it says what the broker itself could not write.
	Fault bool   `json:"fault"`
	Text  string `json:"text"`
}

func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text) }

// Report is what Verify found.
type Report struct {
	// Lines that were read.
	Lines int64 `json:"lines"`
	// Last is the last line. Whoever keeps it can find out later whether the end was cut off.
	Last Point `json:"last"`
	// Faults among the findings, those included that are not listed.
	Faults   int       `json:"faults"`
	Findings []Finding `json:"findings"`
}

// Verify reads the files of one log, in the order of their first lines, and says where they are not what was written. A known
// point is a line that must be there; the zero value: none is known. Errors are those of the file system.
func Verify(files []string, key []byte, known Point) (*Report, error) {
	v := &verifier{chain: newChain(key), known: known, report: &Report{}}
	for _, name := range sortedBySeq(files) {
		if err := v.read(name); err != nil {
			return nil, err
		}
	}
	v.end()
	return v.report, nil
}

// sortedBySeq puts the files in the order of the chain. Those that do not begin with a line come last.
func sortedBySeq(files []string) []string {
	first := make(map[string]uint64, len(files))
	for _, name := range files {
		first[name] = leastSeq(name)
	}
	sorted := slices.Clone(files)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(first[a], first[b]) })
	return slices.Compact(sorted)
}

// leastSeq is the number of the first line of a file that is one.
func leastSeq(name string) uint64 {
	const none = math.MaxUint64
	f, err := os.Open(name)
	if err != nil {
		return none // reading it will tell
	}
	defer func() { _ = f.Close() }()
	c, r := newChain(nil), bufio.NewReaderSize(f, maxLine)
	for {
		text, err := r.ReadSlice('\n')
		if l, ok := c.read(bytes.TrimSuffix(text, []byte("\n"))); ok {
			return l.seq
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return none
		}
	}
}

type verifier struct {
	chain chain
	// before is the last line that is as it was written, and odd how many stand behind it that are not.
	before line
	began  bool
	odd    uint64
	action string // of the line before; empty: nobody knows
	known  Point
	seen   bool // the known line

	file    string
	number  int
	report  *Report
	lastEnd Finding
}

func (v *verifier) foundf(fault bool, format string, args ...any) {
	if fault {
		v.report.Faults++
	}
	if len(v.report.Findings) < maxFindings {
		v.report.Findings = append(v.report.Findings, Finding{v.file, v.number, fault, fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) read(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	v.file, v.number = name, 0
	r := bufio.NewReaderSize(f, maxLine)
	for {
		text, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return nil
		}
		v.number++
		switch {
		case err == nil:
			v.line(bytes.TrimSuffix(text, []byte("\n")))
		case errors.Is(err, io.EOF):
			v.oddLine("the file ends within a line: the broker was killed while it wrote, or the end was cut off")
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			v.oddLine("is no line of an audit log: it is too long")
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		default:
			return err
		}
	}
}

// oddLine is one that is not as it was written.
func (v *verifier) oddLine(text string) {
	v.foundf(true, "%s", text)
	v.odd++
	v.action = ""
}

func (v *verifier) line(text []byte) {
	v.report.Lines++
	l, ok := v.chain.read(text)
	switch {
	case !ok:
		v.oddLine("is no line of an audit log")
		return
	case !l.whole:
		v.oddLine("was changed, or made with another key")
		return
	}
	if v.follows(&l) {
		v.before, v.began = l, true
		v.says(text)
	}
	v.odd = 0
	if l.seq == v.known.Seq {
		v.seen = true
		if l.hash.String() != v.known.Hash {
			v.foundf(true, "line %d is not the one that is known: its hash is %s", l.seq, l.hash)
		}
	}
}

// follows tells whether a line belongs behind the one before, and says what is wrong about it.
func (v *verifier) follows(l *line) bool {
	if !v.began {
		switch {
		case l.seq > 1+v.odd:
			v.foundf(false, "the log begins with line %d: earlier files are not among these", l.seq-v.odd)
		case l.seq == 0 || l.seq == 1 && l.prev != sum{}:
			v.foundf(true, "line %d is not a first line", l.seq)
		}
		return true
	}
	switch next := v.before.seq + 1; {
	case l.seq < next:
		v.foundf(true, "line %d stands behind line %d: it was inserted, repeated or moved", l.seq, v.before.seq)
		return false
	case l.seq > next+v.odd:
		v.foundf(true, "before line %d, %d of the lines from %d on were removed", l.seq, l.seq-next-v.odd, next)
	case l.seq == next && l.prev != v.before.hash:
		v.foundf(true, "line %d does not belong to the line before, which was replaced", l.seq)
	}
	return true
}

// says looks at what the broker says of itself.
func (v *verifier) says(text []byte) {
	var e struct {
		Action  string `json:"action"`
		Dropped int64  `json:"dropped"`
	}
	before := v.action
	if json.Unmarshal(text, &e) != nil {
		e.Action = ""
	}
	v.action = e.Action
	v.lastEnd = Finding{File: v.file, Line: v.number}
	switch {
	case e.Action == ActionGap:
		v.foundf(false, "%d entries were dropped here, because the file could not be written", e.Dropped)
	case e.Action == ActionStart && before != "" && before != ActionStop:
		v.foundf(false, "the broker starts here without having stopped: it was killed, and what it did in its last moments may be missing")
	}
}

func (v *verifier) end() {
	v.file, v.number = v.lastEnd.File, v.lastEnd.Line
	if v.began {
		v.report.Last = v.before.point()
		if v.action != ActionStop {
			v.foundf(false, "the log does not end with a stop: the broker is running, or was killed, or the end was cut off")
		}
	}
	if v.known != (Point{}) && !v.seen {
		v.foundf(true, "line %d, which is known, is missing", v.known.Seq)
	}
}
