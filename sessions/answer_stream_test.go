package sessions_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/internal/corpus"
	"github.com/credbroker/credbroker/sessions"
)

// TestStreamsAreReadAsTheirAnswers: a stream has the digest of the answer that it adds up to.
func TestStreamsAreReadAsTheirAnswers(t *testing.T) {
	for _, answer := range readPublished(t).Answers {
		t.Run(answer.Name, func(t *testing.T) { sameAsStream(t, answer.Message) })
	}
}

// TestStreamsOfTraffic: the same with what the recorded clients were answered.
func TestStreamsOfTraffic(t *testing.T) {
	for _, folder := range corpus.Folders(t, corpus.Traffic) {
		for _, file := range corpus.Files(t, folder) {
			corpus.Mode{Answers: true}.Play(t, corpus.Chat(t, file), answersAlone{})
		}
	}
}

// answersAlone takes answers and makes streams of them.
type answersAlone struct{}

func (answersAlone) Pick(*testing.T, corpus.Request) string { return "" }

func (answersAlone) Answered(t *testing.T, answer corpus.Answer) {
	t.Helper()
	sameAsStream(t, answer.Message)
}

func sameAsStream(t *testing.T, message json.RawMessage) {
	t.Helper()
	if message = bytes.TrimSpace(message); len(message) == 0 || message[0] != '{' {
		return // a list of items is no whole answer
	}
	want := sessions.AnswerDigest(message)
	for seed := range uint64(12) {
		stream := streamed(t, message, seed)
		got := sessions.ReadAnswer(stream)
		if got.Digest != want {
			t.Errorf("ReadAnswer(%s, as a stream by seed %d).Digest = %q, want %q\n%s", message, seed, got.Digest, want, stream)
			return
		}
		if used := (sessions.Usage{Input: 8, Cached: 3, Output: 7}); want != "" && got.Usage != used {
			t.Errorf("ReadAnswer(%s, as a stream by seed %d).Usage = %v, want %v", message, seed, got.Usage, used)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		same         string // an answer of the same digest
		id           string
		usage        sessions.Usage
	}{
		{
			"a response in JSON", `{"object":"response","id":"resp_7","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}],` +
				`"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":2}}`,
			`{"role":"assistant","content":"a"}`, "resp_7", sessions.Usage{Input: 9, Cached: 4, Output: 2},
		},
		{
			"a response that nobody keeps", `data: {"type":"response.completed","response":{"id":"resp_7","store":false,"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}}`,
			`{"role":"assistant","content":"a"}`, "", sessions.Usage{},
		},
		{
			"a message in JSON", `{"id":"msg_7","role":"assistant","content":"a","stop_reason":"end_turn","usage":{"input_tokens":2,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,"output_tokens":2}}`,
			`{"role":"assistant","content":"a"}`, "msg_7", sessions.Usage{Input: 9, Cached: 4, Output: 2},
		},
		{
			"a chat completion has no id that anybody names", `{"id":"chatcmpl-1","object":"chat.completion","choices":[{"message":{"role":"assistant","content":"a"}}],"usage":{"prompt_tokens":9,"completion_tokens":2}}`,
			`{"role":"assistant","content":"a"}`, "", sessions.Usage{Input: 9, Output: 2},
		},
		{
			"a text that was cut off", "data: {\"choices\":[{\"delta\":{\"content\":\"a \"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"cont",
			`{"role":"assistant","content":"a b"}`, "", sessions.Usage{},
		},
		{
			"a call that was cut off", "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"a\"}}\n\n" +
				"data: {\"type\":\"content_block_stop\"}\n\ndata: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"name\":\"f\",\"input\":{}}}\n\n" +
				"data: {\"type\":\"content_block_delta\",\"delta\":{\"partial_json\":\"{\\\"a\"}}\n\n",
			`{"role":"assistant","content":"a"}`, "", sessions.Usage{},
		},
		{
			"a call of chat that was cut off", `data: {"choices":[{"delta":{"content":"a","tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{"}}]}}]}`,
			`{"role":"assistant","content":"a"}`, "", sessions.Usage{},
		},
		{
			"a response that was cut off", "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_8\"}}\n\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n",
			`{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}`, "resp_8", sessions.Usage{},
		},
		{
			"halves of a character", "\ufeffdata: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"}}]}\r\rdata: {\"choices\":[{\"delta\":{\"content\":\"\\ude00\"}}]}\r\r",
			`{"role":"assistant","content":"😀"}`, "", sessions.Usage{},
		},
		{
			"calls of one index with ids of their own", `data: {"choices":[{"finish_reason":"stop","delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"2","function":{"name":"g","arguments":{"a":1}}}]}}]}`,
			`{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"g","arguments":"{\"a\":1}"}}]}`, "", sessions.Usage{},
		},
		{
			"the other choices do not count", `data: {"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}`,
			`{"role":"assistant","content":"a"}`, "", sessions.Usage{},
		},
		{
			"Gemini inside a response", `data: {"response":{"candidates":[{"content":{"parts":[{"text":"a"},{"text":"x","thought":true}]}},{"index":1,"content":{"parts":[{"text":"b"}]}}],"usageMetadata":{"promptTokenCount":9}}}`,
			`{"role":"model","parts":[{"text":"a"}]}`, "", sessions.Usage{Input: 9},
		},
		{
			"a message in a stream", "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_7\",\"usage\":{\"input_tokens\":9}}}\n\n" +
				"data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"a\"}}\n\n",
			`{"role":"assistant","content":"a"}`, "msg_7", sessions.Usage{Input: 9},
		},
		{
			"Gemini inside a response that is no stream", `{"response":{"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]}}],` +
				`"usageMetadata":{"promptTokenCount":9,"cachedContentTokenCount":4,"candidatesTokenCount":2}},"traceId":"x"}`,
			`{"role":"model","parts":[{"text":"a"}]}`, "", sessions.Usage{Input: 9, Cached: 4, Output: 2},
		},
		{
			"a response inside data", `{"code":0,"data":{"object":"response","id":"resp_7","output":[{"type":"message","role":"assistant",` +
				`"content":[{"type":"output_text","text":"a"}]}],"usage":{"input_tokens":9,"output_tokens":2}}}`,
			`{"role":"assistant","content":"a"}`, "resp_7", sessions.Usage{Input: 9, Output: 2},
		},
		{
			"the last frame of a response", `{"type":"response.completed","response":{"object":"response","id":"resp_7","output":[{"type":"message",` +
				`"role":"assistant","content":[{"type":"output_text","text":"a"}]}],"usage":{"input_tokens":9,"output_tokens":2}}}`,
			`{"role":"assistant","content":"a"}`, "resp_7", sessions.Usage{Input: 9, Output: 2},
		},
		{
			"a message inside a message", `{"message":{"id":"msg_7","role":"assistant","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn",` +
				`"usage":{"input_tokens":9,"output_tokens":2}}}`,
			`{"role":"assistant","content":"a"}`, "msg_7", sessions.Usage{Input: 9, Output: 2},
		},
		{
			"a completion inside data", `{"data":{"choices":[{"message":{"role":"assistant","content":"a"}}],"usage":{"prompt_tokens":9,"completion_tokens":2}}}`,
			`{"role":"assistant","content":"a"}`, "", sessions.Usage{Input: 9, Output: 2},
		},
		{
			"usage beside the message", `{"usage":{"input_tokens":9,"output_tokens":2},"message":{"role":"assistant","content":"a"}}`,
			`{"role":"assistant","content":"a"}`, "", sessions.Usage{Input: 9, Output: 2},
		},
		{
			"a list of Gemini's responses", `[{"candidates":[{"content":{"parts":[{"text":"a "}]}}],"usageMetadata":{"promptTokenCount":9}},` + "\r\n" +
				`{"candidates":[{"content":{"parts":[{"text":"b"}]}}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2}}]`,
			`{"role":"model","parts":[{"text":"a b"}]}`, "", sessions.Usage{Input: 9, Output: 2},
		},
		{
			"a list of Code Assist's that was cut off", `[{"response":{"candidates":[{"content":{"parts":[{"text":"a "}]}}]}},` +
				`{"response":{"candidates":[{"content":{"parts":[{"text":"b"}]}}],"usageMetadata":{"promptTokenCount":9}}},{"response":{"cand`,
			`{"role":"model","parts":[{"text":"a b"}]}`, "", sessions.Usage{Input: 9},
		},
		{
			"a list of items", `[{"type":"reasoning"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]`,
			`{"role":"assistant","content":"a"}`, "", sessions.Usage{},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := sessions.Answer{Digest: sessions.AnswerDigest([]byte(c.same)), ResponseID: c.id, Usage: c.usage}
			if strings.HasPrefix(c.id, "msg_") {
				want.ResponseID, want.MessageID = "", c.id
			}
			if got := sessions.ReadAnswer([]byte(c.answer)); got != want || want.Digest == "" {
				t.Errorf("ReadAnswer(%s) = %+v, want %+v", c.answer, got, want)
			}
		})
	}
}

// TestHostileStreams: streams that are made to cost much are read all the same, or tell nothing.
func TestHostileStreams(t *testing.T) {
	const size = 4 << 20
	call := `data: {"choices":[{"delta":{"tool_calls":[{"index":%,"id":"%","function":{"name":"f","arguments":"{}"}}]}}]}` + "\n\n"
	var calls strings.Builder
	for i := range 5000 {
		calls.WriteString(strings.ReplaceAll(call, "%", strings.Repeat("1", i%7+1)+"0"))
	}
	for _, c := range []struct{ name, stream string }{
		{"lines of one event", strings.Repeat("data: x\n", size/8)},
		{"carriage returns", "data: x" + strings.Repeat("\r", size)},
		{"comments", strings.Repeat(": x\n", size/4)},
		{"one long line", "data: {\"type\":\"" + strings.Repeat("x", size)},
		{"deep", "data: " + strings.Repeat(`{"response":`, size/12)},
		{"wrappers", strings.Repeat(`{"data":`, size/8)},
		{"wrappers side by side", `{"a":1` + strings.Repeat(`,"data":{"message":{"response":{"data":{}}}}`, size/44)},
		{"chunks", "[" + strings.Repeat(`{"response":{}},`, size/16)},
		{"many parts", strings.Repeat(`data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}`+"\n\n", size/60)},
		{"many calls", calls.String() + strings.Repeat(call, 100)},
		{"starts alone", strings.Repeat(`data: {"type":"content_block_start","content_block":{"type":"tool_use","name":"f"}}`+"\n\n", size/90)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sessions.ReadAnswer([]byte(c.stream)).Digest; got != "" && !sessions.ValidDigest(got) {
				t.Errorf("ReadAnswer(%.80s...).Digest = %.80q, want none or a digest", c.stream, got)
			}
		})
	}
}

func FuzzReadAnswer(f *testing.F) {
	for _, answer := range readPublished(f).Answers {
		f.Add([]byte(answer.Message))
	}
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"a\",\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]}}]}\n\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		got := sessions.ReadAnswer(answer)
		if got.Digest != "" && !sessions.ValidDigest(got.Digest) || got.Usage.Input < 0 || got.Usage.Output < 0 {
			t.Errorf("ReadAnswer(%q) = %+v", answer, got)
		}
	})
}
