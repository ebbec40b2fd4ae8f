package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"syscall"
	"time"
)

// maxHelperOutput is what a program that prints a secret may print.
const maxHelperOutput = 64 << 10

// helperRunner runs programs that print secrets while ctx lasts. They get the environment of the process, an empty standard input,
// and nobody reads what they write to standard error: it may be anything.
func helperRunner(ctx context.Context) func(argv []string, timeout time.Duration) ([]byte, error) {
	return func(argv []string, timeout time.Duration) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		output := &helperOutput{full: cancel}
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the configuration names it
		cmd.Stdout = output
		// What it starts ends with it.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		cmd.WaitDelay = time.Second
		err := cmd.Run()
		switch {
		case output.over:
			return nil, fmt.Errorf("printed too much; allowed: %d KiB", maxHelperOutput>>10)
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return nil, fmt.Errorf("did not end in %s", timeout)
		case err != nil:
			return nil, helperFailure(err)
		}
		return output.text.Bytes(), nil
	}
}

// helperFailure says why a program printed nothing, without its name and arguments.
func helperFailure(err error) error {
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("failed: %s", ended.ProcessState)
	}
	if found, ok := errors.AsType[*exec.Error](err); ok {
		err = found.Err
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("cannot be run: %w", err)
}

// helperOutput keeps so much and no more.
type helperOutput struct {
	text bytes.Buffer
	over bool
	full func()
}

// Write is part of io.Writer.
func (o *helperOutput) Write(p []byte) (int, error) {
	if o.text.Len()+len(p) > maxHelperOutput {
		o.over = true
		o.full()
		return 0, errors.New("too much")
	}
	return o.text.Write(p)
}
