package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/credbroker/credbroker/state"
)

// Problem is what is wrong with the file.
type Problem struct {
	Path string
	// Advice says what to do about it.
	Advice string
	Err    error
}

func (p *Problem) Error() string {
	return fmt.Sprintf("state file %s: %v: %s", p.Path, p.Err, p.Advice)
}

func (p *Problem) Unwrap() error { return p.Err }

var (
	errForeign = errors.New("it is no state file of credbroker")
	errEmpty   = errors.New("it is empty, which a state file never is")
	errCutOff  = errors.New("it is cut off")
)

// ErrLocked says that another process uses the file.
var ErrLocked = errors.New("it is locked by another process")

// What to do about a file that lost something.
const replace = "put a backup in its place, or move it away to start without what it knew; see docs/operations.md"

// problem says what to do about an error.
func problem(path string, err error) *Problem {
	if known := (*Problem)(nil); errors.As(err, &known) {
		return known
	}
	p := &Problem{Path: path, Err: err, Advice: "see docs/operations.md"}
	switch {
	case errors.Is(err, ErrLocked) || errors.Is(err, bolterrors.ErrTimeout):
		p.Err, p.Advice = ErrLocked, "stop the other broker, or give this one another state.path"
	case errors.Is(err, state.ErrNewer):
		p.Advice = "run that version, or move the file away to start without what it knew"
	case errors.Is(err, errForeign):
		p.Advice = "give the broker another state.path; it does not touch this file"
	case errors.Is(err, errEmpty), errors.Is(err, errCutOff), errors.Is(err, state.ErrDamaged):
		p.Advice = replace
	case errors.Is(err, fs.ErrPermission) || is(err, syscall.EROFS):
		p.Advice = "the broker must be able to read and write it, and its folder"
	case errors.Is(err, fs.ErrNotExist):
		p.Advice = "its folder must be there: make it, or change state.path"
	case is(err, syscall.ENOSPC) || is(err, syscall.EDQUOT) || is(err, syscall.EFBIG):
		p.Advice = "make room on the disk; what is reported meanwhile is not acknowledged"
	}
	return p
}

// is also finds an error of the system that bbolt has made a text of.
func is(err error, number syscall.Errno) bool {
	return errors.Is(err, number) || strings.Contains(err.Error(), number.Error())
}
