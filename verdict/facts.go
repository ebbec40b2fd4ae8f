package verdict

import "strings"

// fact is something about an outcome that takes a function to find out.
type fact int

const (
	factClaudeShared   fact = iota // a window of the whole account is closed
	factClaudeModel                // only a window of some models is closed
	factClaudeRejected             // the unified status says so and nothing else is told
	factCodexOther                 // the active limit is not that of the account
	factNamesModel                 // the message names a model
	factNamesProvider              // a relay names the provider whose answer it passes on
)

// factNames are the facts as rows write them, in the order of the constants.
var factNames = [...]string{
	"claude_shared_window_closed", "claude_model_window_closed", "claude_unified_rejected", "codex_other_limit", "names_model",
	"names_provider",
}

func (v *view) is(f fact) bool {
	switch f {
	case factClaudeShared:
		return claude{v}.shared()
	case factClaudeModel:
		return claude{v}.model()
	case factClaudeRejected:
		return claude{v}.status("status") == rejected
	case factCodexOther:
		return codex{v}.activeFamily() != ""
	case factNamesModel:
		return v.namesModel()
	case factNamesProvider:
		return v.namesProvider()
	default:
		return false
	}
}

// namesModel reports whether the message speaks of a model: by the word, or by the name that was asked for. Web pages say
// all sorts of things.
func (v *view) namesModel() bool {
	if v.kind == kindHTML {
		return false
	}
	message := v.lowerMessage()
	if model := lower(v.o.Model); model != "" && strings.Contains(message, model) {
		return true
	}
	const word = "model"
	for rest := message; ; {
		at := strings.Index(rest, word)
		if at < 0 {
			return false
		}
		after := strings.TrimPrefix(rest[at+len(word):], "s")
		if (at == 0 || !isWord(rest[at-1])) && (after == "" || !isWord(after[0])) {
			return true
		}
		rest = rest[at+len(word):]
	}
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
}
