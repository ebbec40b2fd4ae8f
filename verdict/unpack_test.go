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
	} {
		t.Run(c.name, func(t *testing.T) {
			o := verdict.Outcome{Dialect: "openai", Status: 429, Headers: map[string]string{"content-encoding": c.encoding}, Body: c.body}
			if got := load(t).Judge(o); got.Rule != c.want {
				t.Errorf("Judge(%s) = %s, want %s", c.name, got.Rule, c.want)
			}
		})
	}
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
