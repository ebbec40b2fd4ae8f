package guard

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
)

// testLimits are small, so that little is too much.
func testLimits() Limits { return Limits{Bytes: 4 << 10, Elements: 256} }

// pieces is a connection on which texts come, each in one piece.
type pieces struct {
	net.Conn

	list   [][]byte
	closed bool
}

func (p *pieces) Read(to []byte) (int, error) {
	if len(p.list) == 0 || p.closed {
		return 0, io.EOF
	}
	n := copy(to, p.list[0])
	if p.list[0] = p.list[0][n:]; len(p.list[0]) == 0 {
		p.list = p.list[1:]
	}
	return n, nil
}

func (p *pieces) Write(b []byte) (int, error) { return len(b), nil }

func (p *pieces) Close() error {
	p.closed = true
	return nil
}

// cut cuts a text anywhere.
func cut(text string, r *rand.Rand) (list [][]byte) {
	for len(text) > 0 {
		n := 1 + r.IntN(min(len(text), 1+r.IntN(40)))
		list = append(list, []byte(text[:n]))
		text = text[n:]
	}
	return list
}

// anyReply is some reply that a server may give, with less than depth lists around the innermost value.
func anyReply(r *rand.Rand, depth int) string {
	text := func() string { return strings.Repeat(string(rune('a'+r.IntN(26))), r.IntN(30)) }
	list := func(typ string, each int) string {
		n := r.IntN(4)
		var b strings.Builder
		fmt.Fprintf(&b, "%s%d\r\n", typ, n)
		for range n * each {
			b.WriteString(anyReply(r, depth-1))
		}
		return b.String()
	}
	kinds := 16
	if depth == 0 {
		kinds = 11
	}
	switch r.IntN(kinds) {
	case 0:
		return "$-1\r\n"
	case 1:
		return "*-1\r\n"
	case 2:
		return "_\r\n"
	case 3:
		return []string{"#t\r\n", "#f\r\n"}[r.IntN(2)]
	case 4:
		return ":" + strconv.Itoa(r.IntN(1000)-500) + "\r\n"
	case 5:
		return ",1.5e3\r\n"
	case 6:
		return "(" + strings.Repeat("9", 1+r.IntN(90)) + "\r\n"
	case 7:
		return "-ERR " + text() + "\r\n"
	case 8:
		return "+" + text() + "\r\n"
	case 9:
		t := text()
		return []string{"$", "=", "!"}[r.IntN(3)] + strconv.Itoa(len(t)) + "\r\n" + t + "\r\n"
	case 10:
		return "$6\r\n\r\n*9\r\n\r\n" // line ends and what looks like a header in a text
	case 11, 12:
		return list("*", 1)
	case 13:
		return list("%", 2)
	case 14:
		return list("~", 1)
	default:
		return list("|", 2) + anyReply(r, depth-1)
	}
}

func asked(c *Conn, n int) {
	for range n {
		_, _ = c.Write([]byte("*2\r\n$3\r\nGET\r\n$4\r\nPING\r\n"))
	}
}

// FuzzLegalReplies: what a server may answer passes unchanged, however it is cut, and leaves nothing behind.
func FuzzLegalReplies(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		var texts []string
		for len(texts) < 5 {
			if one := anyReply(r, 4); len(one) < 3000 {
				texts = append(texts, one)
			}
		}
		text := strings.Join(texts, "")
		c := New(&pieces{list: cut(text, r)}, testLimits(), func(cause error) { t.Errorf("refused: %v", cause) })
		asked(c, len(texts))
		got, err := io.ReadAll(c)
		if err != nil || string(got) != text {
			t.Errorf("seed %d: %q passes as %q, %v", seed, text, got, err)
		}
		under := c.replies.listen.(*replies).requests
		if c.replies.depth+int(c.replies.bytes)+int(c.replies.elements)+len(under.queue) > 0 || cap(c.replies.head) > 2*maxHead {
			t.Errorf("seed %d: something is left of %q", seed, text)
		}
	})
}

// FuzzReader: whatever comes, the library's reader allocates no more than the limits for a reply, is never deep, and never asked for a
// list of a length below zero.
func FuzzReader(f *testing.F) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		f.Add(seed, []byte(anyReply(r, 4)))
	}
	for _, text := range []string{
		"*2147483647\r\n", "$1000000\r\n", "%-1\r\n", "*-2\r\n", "$?\r\n;5\r\n", "*?\r\n.\r\n", "_*300\r\n", "#t\r\r\n", "$2\r\nabcd*300\r\n",
		"*1\r\n|300\r\n", "+a\n*300\r\n", "$1\r\na\r\r\n", strings.Repeat("*1\r\n", 99), "*-0\r\n", ":\r\n", "*\r\n",
	} {
		f.Add(uint64(1), []byte(text))
	}
	f.Fuzz(func(t *testing.T, seed uint64, text []byte) {
		refused := 0
		c := New(&pieces{list: cut(string(text), rand.New(rand.NewPCG(seed, 3)))}, testLimits(), func(error) { refused++ })
		asked(c, 64)
		in := &reader{from: bufio.NewReaderSize(c, 64<<10), t: t}
		var err error
		for err == nil {
			in.bytes, in.elements = 0, 0
			err = in.value(0)
		}
		if errors.Is(err, ErrRefused) != (refused == 1) || refused > 1 {
			t.Errorf("%q ends with %v and was refused %d times", text, err, refused)
		}
	})
}

// reader reads as the library does, and counts instead of allocating.
type reader struct {
	from            *bufio.Reader
	t               *testing.T
	bytes, elements int64
}

func (r *reader) value(depth int) error {
	if depth > maxDepth {
		r.t.Error("the reader is deeper than it should be")
	}
	for {
		typ, err := r.from.ReadByte()
		if err != nil {
			return err
		}
		switch typ {
		case '$', '!', '=':
			err = r.text()
		case '+', '-', ',', '(':
			_, err = r.from.ReadBytes('\n')
		case ':':
			_, err = r.number()
		case '_':
			_, err = r.from.Discard(2)
		case '#':
			_, err = r.from.Discard(3)
		case '*', '~', '>':
			err = r.list(depth, 1)
		case '%':
			err = r.list(depth, 2)
		case '|':
			if err = r.list(depth, 2); err == nil {
				continue
			}
		default:
			return fmt.Errorf("type %q", typ)
		}
		return err
	}
}

func (r *reader) number() (int64, error) {
	line, err := r.from.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 3 {
		return 0, errors.New("no line end")
	}
	if line[0] == '?' {
		r.t.Error("a streamed form reached the reader")
	}
	sign := int64(1)
	if line[0] == '-' {
		sign, line = -1, line[1:]
	}
	n := int64(0)
	for _, d := range line[:len(line)-2] {
		if d < '0' || d > '9' {
			return 0, errors.New("no digit")
		}
		n = 10*n + int64(d-'0')
	}
	return n * sign, nil
}

func (r *reader) text() error {
	n, err := r.number()
	if err != nil || n == -1 {
		return err
	}
	if r.bytes += n; n < 0 || r.bytes > testLimits().Bytes {
		r.t.Errorf("the reader makes a text of %d bytes, %d in all", n, r.bytes)
		return io.EOF
	}
	_, err = r.from.Discard(int(n) + 2)
	return err
}

func (r *reader) list(depth int, each int64) error {
	n, err := r.number()
	if err != nil || n == -1 && each == 1 {
		return err
	}
	n *= each
	if r.elements += n; n < 0 || r.elements > testLimits().Elements {
		r.t.Errorf("the reader makes a list of %d elements, %d in all", n, r.elements)
		return io.EOF
	}
	for range n {
		if err := r.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// What stands before a refused header passes, and the header's end does not.
func TestNothingPassesFromARefusedHeaderOn(t *testing.T) {
	c := New(&pieces{list: [][]byte{[]byte("+OK\r\n*21474"), []byte("83647\r\n:1\r\n")}}, testLimits(), func(error) {})
	asked(c, 2)
	var got bytes.Buffer
	_, err := got.ReadFrom(c)
	if !errors.Is(err, ErrTooLarge) || got.String() != "+OK\r\n*2147483647\r" {
		t.Errorf("%q passes, then %v", &got, err)
	}
	if n, again := c.Read(make([]byte, 1)); n != 0 || !errors.Is(again, ErrTooLarge) {
		t.Errorf("Read after that = %d, %v", n, again)
	}
}
