package credbroker_test

import (
	"go/ast"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A ban is on words that the field has better ones for; docs/glossary.md has those. A line that needs the word says why, in a
// comment that begins with "word:". Data of tests, generated code and the names of stored JSON are not looked at.
type ban struct {
	// words is a pattern of whole words, in lower case. Identifiers are split into theirs: putBack is "put back".
	words, instead string
	// in are the folders it counts in; none for all.
	in []string
}

// bannedInText counts in identifiers, comments, documents, messages, flags, metrics and keys.
var bannedInText = []ban{
	{`whose conversations?`, "session identification, session affinity", nil},
	{`recogni[sz](e|es|ed|ing)|recogni[sz]ers?|recognitions?`, "identify, identification", nil},
	{`openings?`, "first turn", nil},
	{`twins?`, "ambiguous first turn", nil},
	{`chores?|side requests?`, "auxiliary request", nil},
	{`rests|resting`, "cooling down, in cooldown, blocked", nil},
	{`trials?|permits? for (a )?tr(y|ies)`, "probe, probe permit", nil},
	{`latch|latches|latched`, "hint; cooldown.max_hint", nil},
	{`horizons?`, "success watermark", nil},
	{`pieces? of evidence`, "observation", nil},
	{`strikes?`, "failure count", nil},
	{`outlooks?`, "exhaustion summary", nil},
	{`lanes?`, "ordered members", []string{"selector", "docs"}},
	{`keepers?`, "persister, replicator", nil},
	{`families of (models|conversations)|family of (a )?conversations?`, "model family; request role, parent session", nil},
	{`make talks|talks?`, "make conversations, conversation", nil},
	{`UP FOR`, "uptime", nil},
	{`text order`, "sorted by id", nil},
	{`for people`, "human-readable", nil},
	{`truth values?`, "boolean", nil},
}

// bannedNames counts in what Go code declares.
var bannedNames = []ban{
	{`standings?|hold|holds`, "eligibility; blocking entry", []string{"selector"}},
	{`holes?|credits|remembered`, "excluded position; saved weights, lag", []string{"selector"}},
	{`places?|sights?|looks?|mends?|news|tells?|hand over`, "cursor, check, resync, batch, deliver", []string{"state/redis"}},
	{`raise|signals?|marks?|puts|put back`, "notify, sequence number, requeue", []string{"state"}},
	{`lone|alone|agreed|decided`, "standalone, confirmed, unconfirmed", []string{"state"}},
	{`heard|turned`, "replication lag, health changed", []string{"state"}},
	{`questions?|go on|told`, "pick context, in-flight lookup; continue conversation; attempt", nil},
	{`persons?`, "operator action", []string{"verdict", "server", "broker", "cmd", "config"}},
	{`enters?|leaves?|trails?|spots?|touched|rulings?`, "watch, unwatch, link chain, path, changed set, outcome", []string{"config"}},
	{`settles?|settled|look|place`, "one verb for one meaning, named after its object", nil},
	{`lives`, "simulated fleets", nil},
}

func (r *repository) checkWords(t *testing.T) {
	report := func(file string, line int, what string, b ban) {
		t.Errorf("%s:%d: %s: say %s", file, line, what, b.instead)
	}
	names, text := compileBans(bannedNames), compileBans(bannedInText)
	patterns := make([]string, len(bannedInText))
	for i, b := range bannedInText {
		patterns[i] = b.words
	}
	some := regexp.MustCompile(strings.Join(patterns, "|"))
	for _, s := range r.sources {
		lines := strings.Split(readFile(t, s.path), "\n")
		eachDeclared(s.ast, func(id *ast.Ident) {
			line := r.at(id).Line
			for _, b := range names {
				if b.counts(s.path) && b.find(splitName(id.Name)) != "" && !excused(lines[line-1]) {
					report(s.path, line, id.Name, b.ban)
				}
			}
		})
	}
	for _, file := range r.files {
		if !hasWords(file) {
			continue
		}
		for i, line := range strings.Split(readFile(t, file), "\n") {
			if !some.MatchString(line) && !some.MatchString(splitName(line)) {
				continue // as nearly all are: one pattern for all is ten times as quick
			}
			for _, b := range text {
				if word := b.findIn(line); word != "" && b.counts(file) && !excused(line) {
					report(file, i+1, word, b.ban)
				}
			}
		}
	}
}

// excused: the line says why it needs the word.
func excused(line string) bool { return strings.Contains(line, "word: ") }

// checkPointers: a page that says where something is must not outlive a move.
func (r *repository) checkPointers(t *testing.T) {
	pointer := regexp.MustCompile("`([a-z][a-z0-9]*/[a-z0-9_/.*-]+)`")
	for _, page := range []string{"docs/architecture.md", "docs/glossary.md"} {
		for i, line := range strings.Split(readFile(t, page), "\n") {
			for _, match := range pointer.FindAllStringSubmatch(line, -1) {
				if found, err := filepath.Glob(match[1]); err != nil || len(found) == 0 {
					t.Errorf("%s:%d: there is no %s: name where it went", page, i+1, match[1])
				}
			}
		}
	}
}

// hasWords tells the files that people read from those that hold data.
func hasWords(file string) bool {
	base := path.Base(file)
	return !below(file, "gen") && !below(file, "proto/third_party") && !strings.Contains(file, "testdata/") &&
		!slices.Contains([]string{"house_words_test.go", "go.sum", "package-lock.json", "LICENSE"}, base)
}

// kept are names that stay: of stored JSON, and of the contract.
var kept = regexp.MustCompile("`(json|yaml):[^`]*`|[Rr]esting_?[Dd]omains")

type compiledBan struct {
	ban
	pattern *regexp.Regexp
}

func compileBans(bans []ban) []compiledBan {
	compiled := make([]compiledBan, len(bans))
	for i, b := range bans {
		compiled[i] = compiledBan{b, regexp.MustCompile(`(^|[^a-z])(` + b.words + `)([^a-z]|$)`)}
	}
	return compiled
}

func (b compiledBan) counts(file string) bool { return len(b.in) == 0 || belowAny(file, b.in) }

// find returns the banned word, or nothing.
func (b compiledBan) find(words string) string {
	if match := b.pattern.FindStringSubmatch(words); match != nil {
		return match[2]
	}
	return ""
}

// findIn looks at a line as it is, and with its identifiers split. Names of stored JSON and of the contract stay as they are.
func (b compiledBan) findIn(line string) string {
	line = kept.ReplaceAllString(line, "")
	if word := b.find(line); word != "" {
		return word
	}
	return b.find(splitName(line))
}

var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// splitName puts blanks between the words of identifiers and makes all lower case.
func splitName(text string) string {
	text = camel.ReplaceAllString(text, "$1 $2")
	return strings.ToLower(strings.ReplaceAll(text, "_", " "))
}

// eachDeclared calls found for every name that a file declares.
func eachDeclared(file *ast.File, found func(*ast.Ident)) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			found(n.Name)
		case *ast.TypeSpec:
			found(n.Name)
		case *ast.Field:
			for _, name := range n.Names {
				found(name)
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				found(name)
			}
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if id, ok := left.(*ast.Ident); ok && n.Tok == token.DEFINE {
					found(id)
				}
			}
		}
		return true
	})
}
