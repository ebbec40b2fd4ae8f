package verdict

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// unpacked returns a body that somebody passed on as it was sent, compressed: at most MaxBody bytes of it and one more, from no
// more bytes than that. Only one layer is taken off. What cannot be unpacked stays as it is.
func unpacked(body []byte, encoding string) []byte {
	reader := unpacker(body, lower(encoding))
	if reader == nil {
		return body
	}
	// What there is of a body that is cut short still says something.
	text, _ := io.ReadAll(io.LimitReader(reader, MaxBody+1))
	_ = reader.Close() // says again that it was cut
	if len(text) == 0 {
		return body
	}
	return text
}

// zstdWindow is the largest window that RFC 9659 allows in HTTP, and the memory that a body may take. Gzip and deflate have one
// of 32 KiB, brotli one of 16 MiB at most.
const zstdWindow = 8 << 20

// unpacker goes by the first bytes: the header stays in answers that were unpacked on their way. Brotli has none that tell it:
// its bodies are no text. It reads as much as it may give: packed bytes that nothing comes of cost time, too.
func unpacker(body []byte, encoding string) io.ReadCloser {
	body = body[:min(len(body), MaxBody)]
	switch {
	case bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		if r, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			return r
		}
	case bytes.HasPrefix(body, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		r, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(zstdWindow))
		if err == nil {
			return r.IOReadCloser()
		}
	case strings.Contains(encoding, "deflate"):
		if r, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			return r
		}
	case strings.Contains(encoding, "br") && !utf8.Valid(body):
		return io.NopCloser(brotli.NewReader(bytes.NewReader(body)))
	}
	return nil
}
