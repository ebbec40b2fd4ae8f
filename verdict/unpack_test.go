package verdict_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/verdict"
)

// TestUnpacked: a body that was passed on as it was sent is read all the same.
func TestUnpacked(t *testing.T) {
	const body = `{"error":{"message":"Please try again in 20s.","code":"billing_not_active"}}`
	packed := func(w io.WriteCloser, b *bytes.Buffer) []byte {
		io.WriteString(w, body)
		w.Close()
		return b.Bytes()
	}
	var g, z bytes.Buffer
	gzipped, deflated := packed(gzip.NewWriter(&g), &g), packed(zlib.NewWriter(&z), &z)
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
		{"unpacked on its way", "gzip", []byte(body), "billing-exhausted"},
		{"not what it says", "gzip", []byte("\x1f\x8bnothing"), "limit-rate"},
		{"a bomb", "gzip", bomb(t), "limit-rate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := verdict.Outcome{Dialect: "openai", Status: 429, Headers: map[string]string{"content-encoding": c.encoding}, Body: c.body}
			if got := load(t).Judge(o); got.Rule != c.want {
				t.Errorf("Judge(%s) = %s, want %s", c.name, got.Rule, c.want)
			}
		})
	}
}

func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for range 64 {
		if _, err := io.WriteString(w, strings.Repeat("x", 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return b.Bytes()
}
