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

// answerTo is whether something holds that takes long to find out.
type answerTo int8

const (
	unknown answerTo = iota
	no
	yes
)

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
		if v.named == unknown {
			v.named = no
			if v.namesModel() {
				v.named = yes
			}
		}
		return v.named == yes
	case factNamesProvider:
		return v.namesProvider()
	default:
		return false
	}
}

// namesModel reports whether the message speaks of a model: by the word, by the name that was asked for, or by one that models of
// well-known families have. Web pages say all sorts of things.
func (v *view) namesModel() bool {
	if v.kind == kindHTML {
		return false
	}
	message := v.lowerMessage()
	model := lower(v.o.Model)
	for _, name := range [...]string{model, model[strings.LastIndexByte(model, '/')+1:]} {
		if len(name) >= shortestName && strings.Contains(message, name) || name != "" && namesWord(message, name) {
			return true
		}
	}
	return namesWord(message, "model") || strings.Contains(message, "模型") ||
		v.text.mayMatch(&v.set.grammar.models) && v.set.grammar.models.re.MatchString(message)
}

const shortestName = 3 // bytes of the name of a model: shorter ones are in any text

// modelNames finds names such as `claude opus 4.8` and `gpt-5`. A family alone is also that of a product.
const modelNames = `\b(claude|gpt|gemini|grok|deepseek|qwen|glm|kimi|llama|mistral|minimax|doubao)[- ]?` +
	`((opus|sonnet|haiku|pro|flash|coder|chat|max|plus|[a-z])[- ]?)?[0-9]`

// namesWord reports whether a text has a word, or its plural.
func namesWord(text, word string) bool {
	for rest := text; ; {
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
