package sessions

import "github.com/credbroker/credbroker/sessions/internal/jsonscan"

// Format is the API that a client speaks.
type Format uint8

// The formats, in the order of the contract. Identify tells those of Anthropic and Gemini; OpenAI's are what is left.
const (
	FormatUnknown Format = iota
	FormatAnthropic
	FormatOpenAIChat
	FormatOpenAIResponses
	FormatGemini
)

// format is that of the body, as far as it was read. Anthropic's has the system's words beside the messages, and its clients name
// a version.
func (m *members) format(h *Headers) Format {
	switch {
	case m.contents.Kind == jsonscan.Array:
		return FormatGemini
	case m.claude != "", m.inThread:
		return FormatAnthropic
	case m.messages.Kind == jsonscan.Array && (m.system.Kind != jsonscan.Absent || h != nil && h.found[anthropicVersion].id != ""):
		return FormatAnthropic
	}
	return FormatUnknown
}
