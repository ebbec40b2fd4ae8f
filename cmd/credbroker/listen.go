package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	unixPrefix = "unix://"
	ownerOnly  = fs.FileMode(0o700)
)

// probeTimeout is how long a Unix socket that is already there has to accept a connection. A living one does at once.
const probeTimeout = time.Second

// listen opens the address of one configuration key, host:port or unix:///path. Its errors name both.
func listen(ctx context.Context, key, address string, file socketFile) (net.Listener, error) {
	path, unix := strings.CutPrefix(address, unixPrefix)
	var (
		lis net.Listener
		err error
	)
	if unix {
		lis, err = listenUnix(ctx, path, file)
	} else {
		lis, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is taken: another process listens there; stop it or change %s", key, address, key)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: %s may not be opened by this user: %w", key, address, err)
	case err != nil:
		return nil, fmt.Errorf("%s: listen on %s: %w", key, address, err)
	}
	return lis, nil
}

// listenUnix opens a Unix socket that nobody but the holders of mode can connect to, not even for an instant.
func listenUnix(ctx context.Context, path string, file socketFile) (net.Listener, error) {
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	mode := file.mode
	if file.uid >= 0 || file.gid >= 0 {
		mode &= ownerOnly // until it has its owner
	}
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		// Linux gives the file the mode of the unbound socket. Elsewhere this fails, and Chmod below has to do.
		return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), uint32(mode)) })
	}}
	lis, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(file.own(path), os.Chmod(path, file.mode)); err != nil {
		_ = lis.Close()
		return nil, err
	}
	return lis, nil
}

// removeStale removes the socket of a broker that ended without doing so: nobody accepts connections on it. A socket in
// use is EADDRINUSE, and what is no socket is left alone.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there already and is no socket", path)
	}
	conn, err := (&net.Dialer{Timeout: probeTimeout}).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return syscall.EADDRINUSE
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("find out whether %s is in use: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// octalMode is the value of --socket-mode.
type octalMode fs.FileMode

func (m *octalMode) String() string { return fmt.Sprintf("%04o", uint32(*m)) }

// Type names the value in the help.
func (m *octalMode) Type() string { return "octal" }

// Set takes what the user wrote: permission bits and nothing else.
func (m *octalMode) Set(text string) error {
	bits, err := strconv.ParseUint(text, 8, 9)
	if err != nil {
		return errors.New("must be permission bits such as 0600 or 0660")
	}
	*m = octalMode(bits)
	return nil
}
