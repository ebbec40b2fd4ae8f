package server

import "strings"

// maxClassified is how much of a model key is looked at.
const maxClassified = 64

// modelClasses are the classes of models, few, so that metrics have few series whatever models callers name. A model
// key is of the first class whose words, lower-case, all occur in it.
var modelClasses = [...]struct{ class, word, and string }{
	{"claude-opus", "opus", ""},
	{"claude-sonnet", "sonnet", ""},
	{"claude-haiku", "haiku", ""},
	{"claude", "claude", ""},
	{"gpt", "gpt", ""},
	{"gemini-flash", "gemini", "flash"},
	{"gemini-pro", "gemini", "pro"},
	{"gemini", "gemini", ""},
	{"kimi", "kimi", ""},
	{"grok", "grok", ""},
	{"deepseek", "deepseek", ""},
	{"qwen", "qwen", ""},
	{"glm", "glm", ""},
}

// The classes that have no words.
const (
	classNone    = "none"
	classOSeries = "o-series"
	classOther   = "other"
)

// modelClass puts a model key into a class. It allocates only for a key with capitals.
func modelClass(key string) string {
	if key == "" {
		return classNone
	}
	name := strings.ToLower(key[:min(len(key), maxClassified)])
	for i := range modelClasses {
		c := &modelClasses[i]
		if strings.Contains(name, c.word) && strings.Contains(name, c.and) {
			return c.class
		}
	}
	// o1, o3-mini, openai/o4-mini.
	last := name[strings.LastIndexByte(name, '/')+1:]
	if len(last) >= 2 && last[0] == 'o' && '1' <= last[1] && last[1] <= '9' {
		return classOSeries
	}
	return classOther
}
