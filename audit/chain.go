package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
)

// What stands around the fields of a line. The hash covers everything before lineHash.
const (
	lineSeq  = `{"seq":`
	linePrev = `,"prev":"`
	lineHash = `,"hash":"`
	lineEnd  = `"}`

	digits  = 2 * sha256.Size
	lineTop = len(lineHash) + digits + len(lineEnd)
)

type sum [sha256.Size]byte

func (s sum) String() string { return hex.EncodeToString(s[:]) }

// Point is one line of a log.
type Point struct {
	// Seq is its number, from 1.
	Seq uint64 `json:"seq"`
	// Hash at its end, 64 hexadecimal digits.
	Hash string `json:"hash"`
}

func (p Point) String() string { return fmt.Sprintf("%d:%s", p.Seq, p.Hash) }

// chain is where the next line goes.
type chain struct {
	last uint64 // number of the last line; 0: there is none
	hash sum    // of it
	by   hash.Hash
}

// newChain is an empty one: with a key, only who has it can make its lines.
func newChain(key []byte) chain {
	if len(key) > 0 {
		return chain{by: hmac.New(sha256.New, key)}
	}
	return chain{by: sha256.New()}
}

func (c *chain) sum(text []byte) (s sum) {
	c.by.Reset()
	_, _ = c.by.Write(text) // it never fails
	c.by.Sum(s[:0])
	return s
}

// append adds the line of an entry, with its line feed, and makes it the last one.
func (c *chain) append(to []byte, e *Entry) ([]byte, error) {
	text, err := e.text()
	if err != nil {
		return to, fmt.Errorf("write an entry: %w", err)
	}
	start := len(to)
	to = append(to, lineSeq...)
	to = strconv.AppendUint(to, c.last+1, 10)
	to = append(to, linePrev...)
	to = hex.AppendEncode(to, c.hash[:])
	to = append(to, `",`...)
	to = append(to, text[1:len(text)-1]...)
	c.hash = c.sum(to[start:])
	c.last++
	to = append(to, lineHash...)
	to = hex.AppendEncode(to, c.hash[:])
	return append(to, lineEnd+"\n"...), nil
}

// line is what a line says of its place.
type line struct {
	seq        uint64
	prev, hash sum
	// whole: its hash is that of its text.
	whole bool
}

func (l *line) point() Point { return Point{l.seq, l.hash.String()} }

// read reads a line without its line feed. False: it is none.
func (c *chain) read(text []byte) (l line, ok bool) {
	if len(text) < lineTop || !bytes.HasSuffix(text, []byte(lineEnd)) {
		return line{}, false
	}
	content, end := text[:len(text)-lineTop], text[len(text)-lineTop:]
	if !bytes.HasPrefix(end, []byte(lineHash)) || !bytes.HasPrefix(content, []byte(lineSeq)) {
		return line{}, false
	}
	number, rest, ok := bytes.Cut(content[len(lineSeq):], []byte(linePrev))
	if !ok || len(rest) < digits {
		return line{}, false
	}
	seq, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil || !l.prev.parse(rest[:digits]) || !l.hash.parse(end[len(lineHash):][:digits]) {
		return line{}, false
	}
	l.seq = seq
	l.whole = c.sum(content) == l.hash
	return l, true
}

func (s *sum) parse(text []byte) bool {
	n, err := hex.Decode(s[:], text)
	return err == nil && n == len(s) && s.String() == string(text) // which has no capitals
}
