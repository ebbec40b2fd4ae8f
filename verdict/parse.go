package verdict

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector/cooldown"
)

const (
	maxFileSize = 1 << 20
	maxText     = maxFileSize
	maxList     = math.MaxInt // files are bounded already
	maxRepeat   = 1000
	maxSpan     = 366 * 24 * time.Hour
)

// domainNone in a row: a limit of its own, whatever the dialect's other limits belong to.
const domainNone = "none"

// read checks a file and takes in what it says.
func (l *loader) read(f File, extra bool) {
	file := document.NewFile(f.Name)
	l.documents = append(l.documents, file)
	if len(f.Text) > maxFileSize {
		file.Add(0, "", "has "+strconv.Itoa(len(f.Text))+" bytes; allowed: at most "+strconv.Itoa(maxFileSize))
		return
	}
	root, ok := file.YAML(f.Text)
	if !ok {
		return
	}
	p := &parser{loader: l, name: f.Name, out: &ruleFile{extra: extra}}
	var statuses []statusRule
	root.Read(document.Object(document.Keys{
		"dialects":        texts(&p.out.dialects, wrongName),
		"limit_domain":    document.Enum(&p.out.limitDomain, domains()...),
		"code_in_message": codeInMessage(&p.out.codeInMessage),
		"statuses":        document.List(&statuses, maxList, status),
		"reasons":         document.List(new([]reason), maxList, p.reason),
		"rules":           document.List(&p.rows, maxList, p.rule),
	}))
	p.out.statuses = statuses
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
	number := 1
	if dialect {
		number = 0
	}
	if extra {
		number -= 2
	}
	return number
}

// parser reads one file.
type parser struct {
	*loader
	name string
	out  *ruleFile
	rows []*rule
}

// filled is text that is not blank; a number will do.
func filled(to *string) document.Type {
	return document.NewType(nil, func(v document.Value) {
		text, ok := v.Scalar(maxText)
		if ok && strings.TrimSpace(text) == "" {
			v.Problemf("is empty; allowed: text")
		}
		*to = text
	})
}

// some is one value of a type, or a list of them.
func some[T any](to *[]T, of func(*T) document.Type) document.Type {
	list := document.List(to, maxList, of)
	return document.NewType(nil, func(v document.Value) {
		if v.Kind() == document.KindList {
			v.Read(list)
			return
		}
		var one T
		v.Read(of(&one))
		*to = append(*to, one)
	})
}

// texts is one text or a list of them, in lower case, as everything that is compared is.
func texts(to *[]string, wrong func(string) string) document.Type {
	return some(to, func(to *string) document.Type {
		return filled(to).Then(func(v document.Value) {
			*to = lower(*to)
			if problem := wrong(*to); problem != "" {
				v.Problemf("%s %s", document.Quote(*to), problem)
			}
		})
	})
}

// codeNames are globs on codes.
func codeNames(to *[]string) document.Type {
	return some(to, func(to *string) document.Type {
		return filled(to).Then(func(document.Value) { *to = codeName(*to) })
	})
}

// phrases are texts that are looked for.
func phrases(to *[]phrase, of func(string) phrase) document.Type {
	return some(to, func(to *phrase) document.Type {
		var text string
		return filled(&text).Then(func(document.Value) { *to = of(text) })
	})
}

func anyText(string) string { return "" }

// wrongName allows names of dialects, reasons and rows.
func wrongName(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) {
		return "is no name; allowed: lower-case letters, digits, `-`, `_` and `.`"
	}
	return ""
}

func name(to *string) document.Type {
	return filled(to).Then(func(v document.Value) {
		if problem := wrongName(*to); *to != "" && problem != "" {
			v.Problemf("%s %s", document.Quote(*to), problem)
		}
	})
}

// index is one of some names; what is read is its place among them. An empty name stands for none.
func index[T ~int](to *T, names []string) document.Type {
	given := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	return document.NewType(nil, func(v document.Value) {
		if name, ok := v.Enum(given...); ok {
			*to = T(slices.Index(names, name))
		}
	})
}

// count is a whole number between two others.
func count(to *int, low, high int64) document.Type { return document.Integer(to, low, high) }

// span is a duration, in days too.
func span(to *time.Duration) document.Type {
	return document.NewType(nil, func(v document.Value) {
		d, ok := parseDuration(v.Literal())
		if v.Kind() != document.KindText || !ok || d <= 0 || d > maxSpan {
			v.Problemf("%s does not fit; allowed: a duration above 0 and up to 366d, such as 30s, 12h or 8d", document.Quote(v.Literal()))
			return
		}
		*to = d
	})
}

func expression(to **regexp.Regexp) document.Type {
	var text string
	return filled(&text).Then(func(v document.Value) {
		re, err := regexp.Compile(text)
		if err != nil {
			v.Problemf("%v; allowed: an expression of RE2 over text in lower case", err)
			return
		}
		*to = re
	})
}

// patternOf reads an expression that is looked for.
func patternOf(to *pattern) document.Type {
	var re *regexp.Regexp
	return expression(&re).Then(func(v document.Value) {
		if re == nil {
			return
		}
		if written := spelledOut(re.String()); written != re.String() {
			spelled, err := regexp.Compile(written)
			if err != nil {
				v.Problemf("%v; allowed: an expression that is one, too, with contractions written out, `isn't` as `is not`", err)
				return
			}
			re = spelled
		}
		*to = patternFor(re)
		// What has the fewest spellings tells most quickly that it is not there.
		slices.SortStableFunc(to.needs, func(a, b []phrase) int { return len(a) - len(b) })
	})
}

func codeInMessage(to **regexp.Regexp) document.Type {
	return expression(to).Then(func(v document.Value) {
		if re := *to; re != nil && re.NumSubexp() != 1 {
			v.Problemf("%s has %d groups; allowed: one, which is the code", document.Quote(re.String()), re.NumSubexp())
		}
	})
}

func status(s *statusRule) document.Type {
	return document.Object(document.Keys{
		"code":   codeNames(&s.codes),
		"text":   phrases(&s.text, wordsPhrase),
		"source": filled(new(string)),
		"status": count(&s.status, 400, maxStatus),
	}).Requires("status").Then(func(v document.Value) {
		if s.codes == nil && s.text == nil {
			v.Problemf("must have `code` or `text`")
		}
	})
}

func (p *parser) reason(r *reason) document.Type {
	return document.Object(document.Keys{
		"name":                  name(&r.Name),
		"meaning":               filled(&r.Meaning),
		"ladder":                document.Enum(&r.Ladder, ladders()...),
		"block":                 document.Enum(&r.Kind, cooldown.Quota, cooldown.Transient, cooldown.Authentication, cooldown.Other),
		"operator_action":       filled(&r.operator.key),
		"operator_action_oauth": filled(&r.operator.oauth),
		"person":                document.Renamed("operator_action"),
		"person_oauth":          document.Renamed("operator_action_oauth"),
	}).Requires("name", "meaning", "block").Then(func(v document.Value) {
		r.OperatorAction = r.operator.key
		if _, twice := p.reasons[r.Name]; !twice {
			p.names = append(p.names, r.Name)
		} else if !p.out.extra {
			v.Problemf("reason %q is declared twice", r.Name)
		}
		p.reasons[r.Name] = *r
	})
}

// ladders are those that reasons may name.
func ladders() []cooldown.Ladder {
	return []cooldown.Ladder{
		cooldown.LadderRate, cooldown.LadderOverload, cooldown.LadderEgress, cooldown.LadderQuota, cooldown.LadderQuotaLong,
	}
}

func domains() []string { return []string{DomainOrg, DomainProject, DomainAccount, DomainEgress} }
