package redistest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Scripted is no Redis: it greets as one, and answers whatever a test wants it to.
type Scripted struct {
	// Addr is where it listens.
	Addr string
}

// StartScripted starts a server that asks a function for the answer to each request. Empty: the usual one to what a client begins
// with, and `+OK` to all else.
func StartScripted(t testing.TB, answer func(request []string) string) *Scripted {
	t.Helper()
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	stop, cancel := context.WithCancel(t.Context())
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(stop, func() { _ = conn.Close() })
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				serveScript(conn, answer)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		serving.Wait()
	})
	return &Scripted{Addr: listener.Addr().String()}
}

// serveScript answers one connection until it ends.
func serveScript(conn net.Conn, answer func(request []string) string) {
	from := bufio.NewReader(conn)
	for {
		request, err := readRequest(from)
		if err != nil {
			return
		}
		text := answer(request)
		if text == "" {
			text = usualAnswer(request)
		}
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
	}
}

func usualAnswer(request []string) string {
	switch request[0] {
	case "HELLO":
		return "%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.0\r\n$5\r\nproto\r\n:3\r\n"
	case "PING":
		return "+PONG\r\n"
	case "CLUSTER":
		return "-ERR This instance has cluster support disabled\r\n"
	case "ROLE":
		return "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
	case "SUBSCRIBE", "UNSUBSCRIBE":
		var pushes strings.Builder
		kind := strings.ToLower(request[0])
		for i, channel := range request[1:] {
			fmt.Fprintf(&pushes, ">3\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n:%d\r\n", len(kind), kind, len(channel), channel, i)
		}
		return pushes.String()
	}
	return "+OK\r\n"
}

// readRequest reads an array of texts.
func readRequest(from *bufio.Reader) ([]string, error) {
	count, err := readLength(from, '*')
	if err != nil {
		return nil, err
	}
	request := make([]string, 0, count)
	for range count {
		length, err := readLength(from, '$')
		if err != nil {
			return nil, err
		}
		text := make([]byte, length+len("\r\n"))
		if _, err := io.ReadFull(from, text); err != nil {
			return nil, err
		}
		request = append(request, string(text[:length]))
	}
	return request, nil
}

func readLength(from *bufio.Reader, typ byte) (int, error) {
	line, err := from.ReadString('\n')
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, string(typ))))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no length: %w", line, err)
	}
	return n, nil
}
