package verdict

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
)

// unpacked returns a body that somebody passed on as it was sent, compressed: at most MaxBody bytes of it and one more. What
// cannot be unpacked stays as it is.
func unpacked(body []byte, encoding string) []byte {
	if reader := unpacker(body, encoding); reader != nil {
		// What there is of a body that is cut short still says something.
		if text, _ := io.ReadAll(io.LimitReader(reader, MaxBody+1)); len(text) > 0 {
			return text
		}
	}
	return body
}

// unpacker goes by the first bytes: the header stays in answers that were unpacked on their way.
func unpacker(body []byte, encoding string) io.Reader {
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		if r, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			return r
		}
	}
	if strings.Contains(lower(encoding), "deflate") {
		if r, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			return r
		}
	}
	return nil
}
