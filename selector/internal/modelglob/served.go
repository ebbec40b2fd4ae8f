package modelglob

import (
	"encoding/binary"
	"strings"

	"github.com/credbroker/credbroker/internal/glob"
)

// Served are the models of auths that serve the same ones.
type Served struct {
	// Bit is where it is in each of two lists, for whoever keeps them.
	Bit [2]int

	prefix         string
	models, except []string
	within         []string // none: it is not narrowed
}

// New takes globs; no models: every model.
func New(prefix string, models, except []string) *Served {
	return &Served{prefix: prefix, models: models, except: except}
}

// Narrow is what is served of s for model keys that one of the globs matches, the prefix left aside; none: all of it.
func (s *Served) Narrow(globs []string) *Served {
	return &Served{prefix: s.prefix, models: s.models, except: s.except, within: globs}
}

// Serve reports whether a requested model key is served. Everybody serves the empty one who is not narrowed.
func (s *Served) Serve(key string) bool {
	if key == "" {
		return len(s.within) == 0
	}
	key = WithoutPrefix(s.prefix, key)
	if len(s.within) > 0 && !glob.MatchAny(s.within, key) {
		return false
	}
	return !glob.MatchAny(s.except, key) && (len(s.models) == 0 || glob.MatchAny(s.models, key))
}

// Key is equal for those that serve the same models.
func Key(prefix string, models, except []string) string {
	if len(models) == 0 && len(except) == 0 && prefix == "" {
		return ""
	}
	var b []byte
	for _, globs := range [][]string{models, except, {prefix}} {
		b = binary.AppendUvarint(b, uint64(len(globs)))
		for _, pattern := range globs {
			b = append(binary.AppendUvarint(b, uint64(len(pattern))), pattern...)
		}
	}
	return string(b)
}

// WithoutPrefix cuts `prefix/` off a model name that has something behind it.
func WithoutPrefix(prefix, model string) string {
	if prefix == "" {
		return model
	}
	if rest, ok := strings.CutPrefix(model, prefix); ok && len(rest) > 1 && rest[0] == '/' {
		return rest[1:]
	}
	return model
}
