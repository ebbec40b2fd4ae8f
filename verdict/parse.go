package verdict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/credbroker/credbroker/selector/cooldown"
)

const (
	maxFileSize = 1 << 20
	maxRepeat   = 1000
)

// domainNone in a row: a limit of its own, whatever the dialect's other limits belong to.
const domainNone = "none"

// read checks a file and takes in what it says.
func (l *loader) read(f File, extra bool) {
	if len(f.Text) > maxFileSize {
		l.add(f.Name, 0, "", fmt.Sprintf("has %d bytes, at most %d are allowed", len(f.Text), maxFileSize))
		return
	}
	var document yaml.Node
	text := yaml.NewDecoder(bytes.NewReader(f.Text))
	switch err := text.Decode(&document); {
	case errors.Is(err, io.EOF):
		return
	case err != nil:
		l.add(f.Name, 0, "", "is not YAML: "+strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	if !errors.Is(text.Decode(new(yaml.Node)), io.EOF) {
		l.add(f.Name, 0, "", "has more than one document, of which only the first would count")
		return
	}
	p := &parser{loader: l, file: f.Name, out: &ruleFile{extra: extra}}
	p.fields(document.Content[0], "", map[string]func(*yaml.Node, string){
		"dialects":        p.strings(&p.out.dialects, isName, "lower-case names of dialects"),
		"limit_domain":    choice(p, &p.out.limitDomain, domains()),
		"code_in_message": p.codeInMessage,
		"statuses":        p.each(p.status),
		"reasons":         p.each(p.reason),
		"rules":           p.each(p.rule),
	})
	l.files = append(l.files, p.out)
	for _, row := range p.rows { // only now all that the file says about them is known
		row.Dialects = p.out.dialects
		row.offset.layer = layer(extra, len(p.out.dialects) > 0)
		row.extra = extra
		l.put(row)
	}
}

// layer orders rows of one stage: the operator's first, then those of a dialect.
func layer(extra, dialect bool) int {
	place := 1
	if dialect {
		place = 0
	}
	if extra {
		place -= 2
	}
	return place
}

// parser reads one file.
type parser struct {
	*loader
	file string
	out  *ruleFile
	rows []*rule
}

func (p *parser) badf(n *yaml.Node, field, format string, args ...any) {
	p.add(p.file, n.Line, field, fmt.Sprintf(format, args...))
}

// fields hands the members of a mapping to their readers and reports those that have none.
func (p *parser) fields(n *yaml.Node, field string, readers map[string]func(*yaml.Node, string)) {
	if n.Kind != yaml.MappingNode {
		p.badf(n, field, "must be a mapping with the fields %s", list(slices.Sorted(maps.Keys(readers))))
		return
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := strings.TrimPrefix(field+"."+key.Value, ".")
		read, known := readers[key.Value]
		switch {
		case !known:
			p.badf(key, name, "unknown field: allowed are %s", list(slices.Sorted(maps.Keys(readers))))
		case seen[key.Value]:
			p.badf(key, name, "given twice")
		default:
			seen[key.Value] = true
			read(value, name)
		}
	}
}

func (p *parser) each(read func(*yaml.Node, string)) func(*yaml.Node, string) {
	return func(n *yaml.Node, field string) {
		if n.Kind != yaml.SequenceNode {
			p.badf(n, field, "must be a list")
			return
		}
		for i, element := range n.Content {
			read(element, fmt.Sprintf("%s[%d]", field, i))
		}
	}
}

// text reads a scalar that is not empty.
func (p *parser) text(n *yaml.Node, field string) (string, bool) {
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
		p.badf(n, field, "must be a text that is not empty")
		return "", false
	}
	return n.Value, true
}

func (p *parser) into(to *string) func(*yaml.Node, string) {
	return func(n *yaml.Node, field string) { *to, _ = p.text(n, field) }
}

// scalars returns the elements of a list, or the one scalar that stands for a list.
func scalars(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// strings reads one text or a list of them, in lower case, as everything that is compared is.
func (p *parser) strings(to *[]string, valid func(string) bool, allowed string) func(*yaml.Node, string) {
	return func(n *yaml.Node, field string) {
		for _, element := range scalars(n) {
			text, ok := p.text(element, field)
			if !ok {
				continue
			}
			text = lower(text)
			if valid != nil && !valid(text) {
				p.badf(element, field, "%q: allowed are %s", element.Value, allowed)
				continue
			}
			*to = append(*to, text)
		}
	}
}

func isName(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
}

// choice reads one of a fixed set of words.
func choice[T comparable](p *parser, to *T, allowed []T) func(*yaml.Node, string) {
	return func(n *yaml.Node, field string) {
		words := make([]string, len(allowed))
		for i, word := range allowed {
			words[i] = fmt.Sprint(word)
		}
		at := slices.Index(words, n.Value)
		if n.Kind != yaml.ScalarNode || at < 0 {
			p.badf(n, field, "%q: allowed are %s", n.Value, list(words))
			return
		}
		*to = allowed[at]
	}
}

// given reports whether a mapping has a field.
func given(n *yaml.Node, field string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == field {
			return true
		}
	}
	return false
}

// word reads one of a list of names and gives its place in it.
func (p *parser) word(n *yaml.Node, field string, names []string) int {
	at := slices.Index(names, n.Value)
	if n.Kind != yaml.ScalarNode || at < 0 || n.Value == "" {
		p.badf(n, field, "%q: allowed are %s", n.Value, list(slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" })))
		return 0
	}
	return at
}

func (p *parser) duration(to *time.Duration) func(*yaml.Node, string) {
	return func(n *yaml.Node, field string) {
		d, ok := parseDuration(n.Value)
		if n.Kind != yaml.ScalarNode || !ok || d <= 0 || d > 366*24*time.Hour {
			p.badf(n, field, "%q: allowed is a duration above 0 and up to 366d, such as 30s, 12h or 8d", n.Value)
			return
		}
		*to = d
	}
}

func (p *parser) regexp(n *yaml.Node, field string) *regexp.Regexp {
	text, ok := p.text(n, field)
	if !ok {
		return nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		p.badf(n, field, "%v: allowed is an expression of RE2 over text in lower case", err)
	}
	return re
}

func (p *parser) codeInMessage(n *yaml.Node, field string) {
	re := p.regexp(n, field)
	if re != nil && re.NumSubexp() != 1 {
		p.badf(n, field, "%q: must have one group, which is the code", n.Value)
		return
	}
	p.out.codeInMessage = re
}

func (p *parser) status(n *yaml.Node, field string) {
	var s statusRule
	var source string
	p.fields(n, field, map[string]func(*yaml.Node, string){
		"code":   p.strings(&s.codes, nil, ""),
		"source": p.into(&source),
		"status": func(n *yaml.Node, field string) {
			if s.status = atoi(n.Value); s.status < 400 || s.status > 599 {
				p.badf(n, field, "%q: allowed are 400 to 599", n.Value)
			}
		},
	})
	if s.codes == nil || s.status == 0 {
		p.badf(n, field, "must have `code` and `status`")
	}
	p.out.statuses = append(p.out.statuses, s)
}

func (p *parser) reason(n *yaml.Node, field string) {
	var r reason
	p.fields(n, field, map[string]func(*yaml.Node, string){
		"name":         p.into(&r.Name),
		"meaning":      p.into(&r.Meaning),
		"ladder":       choice(p, &r.Ladder, ladders()),
		"block":        choice(p, &r.Kind, kinds()),
		"person":       p.into(&r.person.key),
		"person_oauth": p.into(&r.person.oauth),
	})
	r.Person = r.person.key
	if r.Name == "" || !isName(r.Name) || r.Meaning == "" || !given(n, "block") {
		p.badf(n, field, "must have a `name` of lower-case letters, digits and _, a `meaning` and a `block`")
		return
	}
	if _, twice := p.reasons[r.Name]; !twice {
		p.names = append(p.names, r.Name)
	} else if !p.out.extra {
		p.badf(n, field, "reason %q is declared twice", r.Name)
	}
	p.reasons[r.Name] = r
}

// ladders are those that rows may name.
func ladders() []cooldown.Ladder {
	return []cooldown.Ladder{
		cooldown.LadderRate, cooldown.LadderOverload, cooldown.LadderEgress, cooldown.LadderQuota, cooldown.LadderQuotaLong,
	}
}

func kinds() []cooldown.Kind {
	return []cooldown.Kind{cooldown.Quota, cooldown.Transient, cooldown.Authentication, cooldown.Other}
}

func domains() []string { return []string{DomainOrg, DomainProject, DomainAccount, DomainEgress} }

func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return strings.Join(quoted, ", ")
}
