package selector

import "strings"

// ModelKey is the model name under which state is kept: without a trailing thinking suffix, `gpt-5.2(high)` -> `gpt-5.2`.
// It is a part of model, so it costs no allocation. Case is kept.
func ModelKey(model string) string {
	trimmed := strings.TrimSpace(model)
	if !strings.HasSuffix(trimmed, ")") {
		return trimmed
	}
	open := strings.LastIndexByte(trimmed, '(')
	if open < 0 {
		return trimmed
	}
	if key := strings.TrimSpace(trimmed[:open]); key != "" {
		return key
	}
	return trimmed
}
