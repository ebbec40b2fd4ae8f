package transport

import (
	"net"
	"syscall"
)

// userOf is the user at the other end of a Unix socket, as it was when the connection was made.
func userOf(c net.Conn) (uid uint32, known bool) {
	unix, ok := c.(*net.UnixConn)
	if !ok {
		return 0, false
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		if credentials, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			uid, known = credentials.Uid, true
		}
	})
	return uid, known && err == nil
}
