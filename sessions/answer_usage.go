package sessions

import (
	"strconv"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// Usage counts the tokens of one answer, as an upstream reports them in any of the wire formats. The zero value: it did not.
type Usage struct {
	// Input is what was read, cached tokens included; Cached what of it came from the prompt cache; Output what was written.
	Input, Cached, Output int64
}

// take takes the counts of a response, or of an event of a stream, in Gemini's form or that of the others: the last count.
func (u *Usage) take(count, gemini jsonscan.Value) {
	u.takeOpenAI(count)
	u.takeAnthropic(count)
	set(&u.Input, sum(gemini, "promptTokenCount", "toolUsePromptTokenCount"))
	set(&u.Cached, sum(gemini, "cachedContentTokenCount"))
	set(&u.Output, sum(gemini, "candidatesTokenCount", "thoughtsTokenCount"))
}

func (u *Usage) takeOpenAI(count jsonscan.Value) {
	for _, names := range [...]struct{ input, details, output string }{
		{"prompt_tokens", "prompt_tokens_details", "completion_tokens"}, {"input_tokens", "input_tokens_details", "output_tokens"},
	} {
		set(&u.Input, sum(count, names.input))
		set(&u.Cached, sum(member(count, names.details), "cached_tokens"))
		set(&u.Output, sum(count, names.output))
	}
}

// takeAnthropic adds what Anthropic counts apart.
func (u *Usage) takeAnthropic(count jsonscan.Value) {
	cached := sum(count, "cache_read_input_tokens")
	set(&u.Cached, cached)
	if input := sum(count, "input_tokens"); input >= 0 && cached >= 0 {
		set(&u.Input, sum(count, "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"))
	}
}

// set takes a count over that was told.
func set(to *int64, count int64) {
	if count >= 0 {
		*to = count
	}
}

// sum adds up the members that are counts; -1 if the first is none.
func sum(of jsonscan.Value, names ...string) int64 {
	const maxDigits = 15
	var total int64
	for i, name := range names {
		count := member(of, name)
		n, err := strconv.ParseInt(string(count.Raw), 10, 64)
		if count.Kind != jsonscan.Number || err != nil || n < 0 || len(count.Raw) > maxDigits {
			if i == 0 {
				return -1
			}
			continue
		}
		total += n
	}
	return total
}
