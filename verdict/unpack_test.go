package verdict_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/credbroker/credbroker/verdict"
)

// TestUnpacked: a body that was passed on as it was sent is read all the same.
func TestUnpacked(t *testing.T) {
	const body = `{"error":{"message":"Please try again in 20s.","code":"billing_not_active"}}`
	gzipped, deflated := packed(t, "gzip", body), packed(t, "deflate", body)
	for _, c := range []struct {
		name     string
		encoding string
		body     []byte
		want     string
	}{
		{"gzip", "gzip", gzipped, "billing-exhausted"},
		{"gzip without a header", "", gzipped, "billing-exhausted"},
		{"cut gzip", "gzip", gzipped[:len(gzipped)-6], "billing-exhausted"},
		{"deflate", "deflate", deflated, "billing-exhausted"},
		{"cut deflate", "deflate", deflated[:len(deflated)-6], "billing-exhausted"},
		{"brotli", "br", packed(t, "br", body), "billing-exhausted"},
		{"brotli that was unpacked on its way", "br", []byte(body), "billing-exhausted"},
		{"brotli that is none", "br", []byte("\xff\xffnothing"), "limit-rate"},
		{"zstd", "zstd", packed(t, "zstd", body), "billing-exhausted"},
		{"zstd without a header", "", packed(t, "zstd", body), "billing-exhausted"},
		{"zstd that is none", "zstd", []byte("\x28\xb5\x2f\xfdnothing"), "limit-rate"},
		{"unpacked on its way", "gzip", []byte(body), "billing-exhausted"},
		{"not what it says", "gzip", []byte("\x1f\x8bnothing"), "limit-rate"},
		{"a bomb of gzip", "gzip", packed(t, "gzip", strings.Repeat("x", 64<<20)), "limit-rate"},
		{"a bomb of brotli", "br", packed(t, "br", strings.Repeat("x", 64<<20)), "limit-rate"},
		{"a bomb of zstd", "zstd", packed(t, "zstd", strings.Repeat("x", 64<<20)), "limit-rate"},
		{"far behind members with nothing in them", "gzip", append(bytes.Repeat(packed(t, "gzip", ""), 1<<20/23), gzipped...), "limit-rate"},
		{"far behind frames with nothing in them", "zstd", append(bytes.Repeat(emptyFrame, 1<<20/len(emptyFrame)), packed(t, "zstd", body)...), "limit-rate"},
		{"behind a few of them", "zstd", append(bytes.Repeat(emptyFrame, 100), packed(t, "zstd", body)...), "billing-exhausted"},
		{"brotli with nothing in it", "br", append(append([]byte{0x0c}, bytes.Repeat([]byte{0x06}, 4<<20)...), 0xff), "limit-rate"},
		{"a window of 2 GiB", "zstd", append([]byte("\x28\xb5\x2f\xfd\x00\xa8"), rawBlocks(body)...), "limit-rate"},
		{"a window of 8 MiB", "zstd", append([]byte("\x28\xb5\x2f\xfd\x00\x68"), rawBlocks(body)...), "billing-exhausted"},
		{"a large window of brotli", "br", append([]byte{0x11, 0x3e}, bytes.Repeat([]byte{0xa5}, 1<<10)...), "limit-rate"},
		{"packed twice", "gzip, gzip", packed(t, "gzip", string(gzipped)), "limit-rate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := verdict.Outcome{Dialect: "openai", Status: 429, Headers: map[string]string{"content-encoding": c.encoding}, Body: c.body}
			if got := load(t).Judge(o); got.Rule != c.want {
				t.Errorf("Judge(%s) = %s, want %s", c.name, got.Rule, c.want)
			}
		})
	}
}

// emptyFrame is a frame of zstd without content: of one segment, with an empty last block.
var emptyFrame = []byte("\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00")

// rawBlocks is a text as blocks of a frame of zstd, of a byte each: nobody can read it where it lies.
func rawBlocks(text string) (blocks []byte) {
	for i := range len(text) {
		header := byte(1 << 3)
		if i == len(text)-1 {
			header |= 1 // the last one
		}
		blocks = append(blocks, header, 0, 0, text[i])
	}
	return blocks
}

func packed(t *testing.T, encoding, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "br":
		w = brotli.NewWriterLevel(&b, brotli.BestSpeed)
	case "zstd":
		var err error
		if w, err = zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedFastest)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
