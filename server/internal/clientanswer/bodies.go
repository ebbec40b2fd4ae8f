package clientanswer

import (
	"encoding/json"
	"strconv"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/sessions"
)

// The members of the bodies are sorted by name where the bytes are part of the contract; encoding/json escapes <, >, &, U+2028
// and U+2029 as it asks for.

type openAI struct {
	Error struct {
		Code         string          `json:"code"`
		Message      string          `json:"message"`
		Model        string          `json:"model"`
		Param        json.RawMessage `json:"param,omitempty"`
		Provider     string          `json:"provider,omitempty"`
		ResetSeconds *int64          `json:"reset_seconds,omitempty"`
		ResetTime    string          `json:"reset_time,omitempty"`
		Type         string          `json:"type,omitempty"`
	} `json:"error"`
}

// openAIBody has OpenAI's own `param` and `type` where the caller says that the client expects them, or the client uses what only
// OpenAI's API has: any other format that nobody named gets the members of docs/errors.md and no more.
func openAIBody(a *broker.Answer, w *words) *openAI {
	b := &openAI{}
	b.Error.Code, b.Error.Message, b.Error.Model, b.Error.Provider = w.code, Message(a), a.Model, shownProvider(a)
	if timed(a) {
		seconds := SecondsUp(a.Wait)
		b.Error.ResetSeconds, b.Error.ResetTime = &seconds, shownDuration(a.Wait)
	}
	switch {
	case a.Problem == broker.ProblemReference:
		b.Error.Param, b.Error.Type = json.RawMessage(`"previous_response_id"`), w.openAI
	case a.Format != sessions.FormatUnknown:
		b.Error.Param, b.Error.Type = json.RawMessage("null"), w.openAI
	}
	return b
}

type anthropic struct {
	Error struct {
		Message string `json:"message"`
		Type    string `json:"type"`
	} `json:"error"`
	Type string `json:"type"`
}

func anthropicBody(a *broker.Answer, w *words) *anthropic {
	b := &anthropic{Type: "error"}
	b.Error.Message, b.Error.Type = Message(a), w.anthropic
	return b
}

type gemini struct {
	Error struct {
		Code    int         `json:"code"`
		Message string      `json:"message"`
		Status  string      `json:"status"`
		Details []retryInfo `json:"details,omitempty"`
	} `json:"error"`
}

// retryInfo is google.rpc.RetryInfo, which Google's clients look for.
type retryInfo struct {
	Type  string `json:"@type"`
	Delay string `json:"retryDelay"`
}

func geminiBody(a *broker.Answer, w *words) *gemini {
	b := &gemini{}
	b.Error.Code, b.Error.Message, b.Error.Status = w.status, Message(a), w.gemini
	if timed(a) {
		b.Error.Details = []retryInfo{{"type.googleapis.com/google.rpc.RetryInfo", strconv.FormatInt(SecondsUp(a.Wait), 10) + "s"}}
	}
	return b
}
