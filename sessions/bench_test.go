package sessions_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/credbroker/credbroker/sessions"
)

// BenchmarkIdentify and BenchmarkWalk run over the same bodies, so that their ratio can be read within one run: a walk is
// what gjson needs to pass over the top level once.
func BenchmarkIdentify(b *testing.B) {
	benchBodies(b, func(b *testing.B, body []byte) {
		var h sessions.Headers
		if id := sessions.Identify(&h, body, sessions.IdentificationReference); id.Source != sessions.SourceMessages {
			b.Fatalf("Identify = %v", id)
		}
		for b.Loop() {
			sessions.Identify(&h, body, sessions.IdentificationReference)
		}
	})
}

func BenchmarkWalk(b *testing.B) {
	benchBodies(b, func(b *testing.B, body []byte) {
		text := string(body)
		for b.Loop() {
			gjson.Parse(text).ForEach(func(_, _ gjson.Result) bool { return true })
		}
	})
}

// BenchmarkIdentifyToWalk measures the two in turns and reports the ratio of their best times, which other load on the
// machine changes little. One operation is both.
func BenchmarkIdentifyToWalk(b *testing.B) {
	benchBodies(b, func(b *testing.B, body []byte) {
		text := string(body)
		walk, identify := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
		for b.Loop() {
			start := time.Now()
			gjson.Parse(text).ForEach(func(_, _ gjson.Result) bool { return true })
			between := time.Now()
			sessions.Identify(nil, body, sessions.IdentificationReference)
			walk, identify = min(walk, between.Sub(start)), min(identify, time.Since(between))
		}
		b.ReportMetric(float64(identify)/float64(walk), "ratio")
	})
}

// BenchmarkIdentifyChain measures identification by chain; its ratio is that to the rules of the reference, measured in turns
// over the same bodies. One operation is both.
func BenchmarkIdentifyChain(b *testing.B) {
	benchBodies(b, func(b *testing.B, body []byte) {
		reference, chain := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
		if id := sessions.Identify(nil, body, sessions.IdentificationChain); id.Source != sessions.SourceChain {
			b.Fatalf("Identify = %v", id)
		}
		for b.Loop() {
			start := time.Now()
			sessions.Identify(nil, body, sessions.IdentificationReference)
			between := time.Now()
			sessions.Identify(nil, body, sessions.IdentificationChain)
			reference, chain = min(reference, between.Sub(start)), min(chain, time.Since(between))
		}
		b.ReportMetric(float64(chain)/float64(reference), "ratio")
		b.ReportMetric(float64(len(body))/chain.Seconds()/1e6, "chain-MB/s")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkIdentifyHostile shows that no shape of 4 MB costs much more for its size than another.
func BenchmarkIdentifyHostile(b *testing.B) {
	for _, shape := range append(hostileShapes(4<<20), hostileChains(4<<20)...) {
		b.Run("body="+shape.name, func(b *testing.B) {
			b.SetBytes(int64(len(shape.body)))
			b.ReportAllocs()
			var h sessions.Headers
			for b.Loop() {
				sessions.Identify(&h, shape.body, sessions.IdentificationChain)
			}
		})
	}
}

func benchBodies(b *testing.B, run func(b *testing.B, body []byte)) {
	sizes := []struct {
		name  string
		bytes int
	}{{"1KB", 1 << 10}, {"100KB", 100 << 10}, {"1MB", 1 << 20}, {"10MB", 10 << 20}}
	for _, format := range formats {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("format=%s/size=%s", format.name, size.name), func(b *testing.B) {
				body := format.body(size.bytes)
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				run(b, body)
			})
		}
	}
}

// formats make conversations as agents send them: instructions, tools, and turns of prose, code and tool results.
var formats = []struct {
	name string
	body func(size int) []byte
}{
	{"openai-chat", func(size int) []byte {
		return conversation(size, `{"model":"m","stream":true,"messages":[{"role":"system","content":%s}`,
			`,{"role":"user","content":%s},{"role":"assistant","content":%s,"tool_calls":[{"id":"call_1","type":"function",`+
				`"function":{"name":"read","arguments":"{\"path\":\"a.go\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":%s}`,
			`],"tools":[{"type":"function","function":{"name":"read","parameters":{"type":"object"}}}]}`)
	}},
	{"openai-responses", func(size int) []byte {
		return conversation(size, `{"model":"m","instructions":%s,"input":[{"type":"reasoning","summary":[]}`,
			`,{"type":"message","role":"user","content":[{"type":"input_text","text":%s}]},{"type":"message","role":"assistant",`+
				`"content":[{"type":"output_text","text":%s}]},{"type":"function_call_output","call_id":"call_1","output":%s}`,
			`],"tools":[{"type":"function","name":"read","parameters":{"type":"object"}}],"store":false}`)
	}},
	{"anthropic", func(size int) []byte {
		return conversation(size, `{"model":"m","max_tokens":1024,"system":[{"type":"text","text":%s}],"messages":[`+
			`{"role":"user","content":"Please go on."}`,
			`,{"role":"user","content":[{"type":"text","text":%s}]},{"role":"assistant","content":[{"type":"text","text":%s},`+
				`{"type":"tool_use","id":"toolu_1","name":"read","input":{"path":"a.go"}}]},{"role":"user","content":[`+
				`{"type":"tool_result","tool_use_id":"toolu_1","content":%s}]}`,
			`],"tools":[{"name":"read","input_schema":{"type":"object"}}]}`)
	}},
	{"gemini", func(size int) []byte {
		return conversation(size, `{"systemInstruction":{"parts":[{"text":%s}]},"contents":[{"role":"user","parts":[]}`,
			`,{"role":"user","parts":[{"text":%s}]},{"role":"model","parts":[{"text":%s},{"functionCall":{"name":"read",`+
				`"args":{"path":"a.go"}}}]},{"role":"user","parts":[{"functionResponse":{"name":"read","response":{"output":%s}}}]}`,
			`],"generationConfig":{"temperature":1}}`)
	}},
}

// conversation repeats turn until the body has about the given size. Every %s becomes a text of its own.
func conversation(size int, head, turn, foot string) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	length := min(size/8, 1500)
	prose := func() string { return quoted(random, length) }
	var body strings.Builder
	fmt.Fprintf(&body, head, prose())
	for {
		fmt.Fprintf(&body, turn, prose(), prose(), prose())
		if body.Len()+4*length > size {
			break
		}
	}
	body.WriteString(foot)
	return []byte(body.String())
}

// quoted is a JSON string of half to one and a half times the length, of words, lines, quotes and characters beyond ASCII.
func quoted(random *rand.Rand, length int) string {
	words := []string{"the", "file", "returns", "an", "error", "when", "configuration", "is", "empty;", "\n", "\t", `"name"`,
		"naïve", "日本語", "if err != nil {", "}", "fmt.Errorf(\"load: %w\", err)", "0.25", "and", "then"}
	var text strings.Builder
	for target := length/2 + random.IntN(length+1); text.Len() < target; {
		text.WriteString(words[random.IntN(len(words))])
		text.WriteByte(' ')
	}
	encoded, _ := json.Marshal(text.String())
	return string(encoded)
}
