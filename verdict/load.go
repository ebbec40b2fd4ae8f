package verdict

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	// Quotas end at midnight in places: containers without a zone database must know when that is.
	_ "time/tzdata"

	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector/cooldown"
)

//go:embed rules/*.yaml
var embedded embed.FS

// File is a file of rules: its name, for messages, and its text.
type File struct {
	Name string
	Text []byte
}

// Rules is a set of rules that was checked. Immutable.
type Rules struct {
	common   *ruleSet
	dialects map[string]*ruleSet
	reasons  map[string]reason
	rows     []Row
	names    []string // of reasons, in their order
}

// Row is what there is to know about a row without judging by it.
type Row struct {
	ID       string
	Stage    string
	Dialects []string // empty: every dialect
	Reason   string
	Action   cooldown.Action
	Source   string // why the row is as it is
	File     string
	Line     int
}

// Reason is a machine-readable cause, as the tables declare it.
type Reason struct {
	Name    string
	Meaning string
	Ladder  cooldown.Ladder // none: a time is always known, or nothing cools down
	Kind    cooldown.Kind
	// OperatorAction is what an operator must do, for an API key; empty if nobody needs to act.
	OperatorAction string
}

type reason struct {
	Reason
	operator operatorAction
}

// operatorAction is what an operator must do, which can differ by the kind of the auth.
type operatorAction struct{ key, oauth string }

func (p operatorAction) or(other operatorAction) operatorAction {
	if p == (operatorAction{}) {
		return other
	}
	return p
}

func (p operatorAction) of(kind string) string {
	if kind == KindOAuth && p.oauth != "" {
		return p.oauth
	}
	return p.key
}

// rule is a row, ready to judge by.
type rule struct {
	Row
	when        []*condition // alternatives; none: always
	doubt       []*condition // alternatives; none: never
	fault       Fault
	scope       cooldown.Scope
	modelFamily string
	domain      string
	retry       Retry
	time        *timeExpr
	operator    operatorAction
	repeat      cooldown.Repeat
	client      ClientAnswer

	limit  bool  // of the stage whose limits have a domain by default
	offset order // where it stands
	extra  bool  // of the operator's
	off    bool
}

// order is the place of a row: stage, then the operator's rows, then those of a dialect, then the order of the files.
type order struct{ stage, layer, index int }

func (r *rule) matches(v *view) bool { return len(r.when) == 0 || anyHolds(r.when, v) }

func anyHolds(conditions []*condition, v *view) bool {
	return slices.ContainsFunc(conditions, func(c *condition) bool { return c.holds(v) })
}

// ruleSet is what applies to one dialect.
type ruleSet struct {
	rows          []*rule
	passedOn      []*rule // asked in place of a row that blames the auth
	statuses      []statusRule
	limitDomain   string
	codeInMessage *regexp.Regexp
	grammar       *grammar
}

// statusRule says which status a code, or else a phrase, stands for inside a 2xx.
type statusRule struct {
	codes  []string
	text   []phrase
	status int
}

// stages is the order in which rows are asked: what proves more comes first.
var stages = [...]string{
	"transport", "cancelled", "edge", "account", "token", "billing", "auth", "place", "request", "caller", "model", "capacity", "limit",
	"forbidden", "upstream", "other", stagePassedOn,
}

const (
	stageLimit    = "limit"
	stagePassedOn = "passed_on" // not in the order: see ruleSet.passedOn
)

// Load reads the embedded rules and, in front of them, those of the given files, earlier files first. A row with the id of
// an embedded row takes its place. Without extra files it cannot fail; otherwise the error is of type [Problems] and holds
// everything that is wrong.
func Load(extra ...File) (*Rules, error) {
	own, err := embeddedFiles()
	if err != nil {
		return nil, err
	}
	l := &loader{reasons: make(map[string]reason), byID: make(map[string]*rule), at: make(map[*rule]document.Value), grammar: newGrammar()}
	for _, f := range own {
		l.read(f, false)
	}
	for _, f := range extra {
		l.read(f, true)
	}
	l.checkReasons()
	if problems := l.problems(); len(problems) > 0 {
		return nil, problems
	}
	return l.assemble(), nil
}

func (l *loader) problems() Problems {
	var all Problems
	for _, file := range l.documents {
		all = append(all, file.Problems()...)
	}
	if more := len(all) - maxProblems; more > 0 {
		all = append(all[:maxProblems], Problem{File: all[maxProblems].File, Message: fmt.Sprintf("%d more problems", more)})
	}
	return all
}

func embeddedFiles() ([]File, error) {
	names, err := fs.Glob(embedded, "rules/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list embedded rules: %w", err)
	}
	files := make([]File, 0, len(names))
	for _, name := range names {
		text, err := embedded.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read embedded rules: %w", err)
		}
		files = append(files, File{Name: path.Base(name), Text: text})
	}
	return files, nil
}

// loader collects what the files say.
type loader struct {
	grammar   *grammar
	documents []*document.File
	files     []*ruleFile
	reasons   map[string]reason
	names     []string
	byID      map[string]*rule
	rows      []*rule
	at        map[*rule]document.Value // where rows stand
}

// ruleFile is what a file says beside its rows.
type ruleFile struct {
	dialects      []string
	extra         bool
	statuses      []statusRule
	limitDomain   string
	codeInMessage *regexp.Regexp
}

// checkReasons checks what can only be known when all files are read.
func (l *loader) checkReasons() {
	for _, row := range l.rows {
		if row.off {
			continue
		}
		known, ok := l.reasons[row.Reason]
		if !ok {
			l.at[row].Under("reason").Problemf("%s is not declared; allowed: those under `reasons`, here or in the embedded rules, such as %s",
				document.Quote(row.Reason), strings.Join(l.names[:min(len(l.names), 5)], ", "))
			continue
		}
		cools := row.fault == FaultTransient || row.Action == cooldown.ActionCooldown && (row.time == nil || !row.time.certain())
		if cools && known.Ladder == cooldown.LadderNone {
			l.at[row].Under("reason").Problemf("%s has no ladder, which the row needs when no time is known: give the reason a `ladder`, "+
				"or the row a `time` that is always there", row.Reason)
		}
	}
}

// put takes a row in, or reports that its id is taken.
func (l *loader) put(row *rule) {
	before, twice := l.byID[row.ID]
	switch {
	case !twice && row.off:
		l.at[row].Under("off").Problemf("there is no embedded row of that id to switch off")
		return
	case !twice:
		row.offset.index = len(l.rows)
		l.rows = append(l.rows, row)
	case row.extra == before.extra:
		l.at[row].Under("id").Problemf("is taken by %s:%d; ids are unique", before.File, before.Line)
		return
	case row.off:
		before.off, before.extra = true, true
		return
	default:
		// The row that is overridden keeps its place, unless the new one is about another stage.
		if before.Stage == row.Stage {
			row.offset = before.offset
		}
		l.rows[slices.Index(l.rows, before)] = row
	}
	l.byID[row.ID] = row
}

func (l *loader) assemble() *Rules {
	l.rows = slices.DeleteFunc(l.rows, func(r *rule) bool { return r.off })
	slices.SortStableFunc(l.rows, func(a, b *rule) int {
		return cmp.Or(a.offset.stage-b.offset.stage, a.offset.layer-b.offset.layer, a.offset.index-b.offset.index)
	})
	r := &Rules{dialects: make(map[string]*ruleSet), reasons: l.reasons, names: l.names}
	for _, row := range l.rows {
		r.rows = append(r.rows, row.Row)
	}
	r.common = l.set("")
	for _, f := range l.files {
		for _, dialect := range f.dialects {
			r.dialects[dialect] = l.set(dialect)
		}
	}
	return r
}

// set puts together what applies to a dialect, or to all if it is empty.
func (l *loader) set(dialect string) *ruleSet {
	s := &ruleSet{grammar: l.grammar}
	for _, row := range l.rows {
		if len(row.Dialects) == 0 || slices.Contains(row.Dialects, dialect) {
			if row.Stage == stagePassedOn {
				s.passedOn = append(s.passedOn, row)
			} else {
				s.rows = append(s.rows, row)
			}
		}
	}
	// What is said later counts more: files of the operator are read last.
	for _, f := range slices.Backward(l.files) {
		if len(f.dialects) == 0 {
			s.statuses = append(s.statuses, f.statuses...)
		} else if slices.Contains(f.dialects, dialect) {
			s.statuses = append(slices.Clone(f.statuses), s.statuses...)
			s.limitDomain = cmp.Or(s.limitDomain, f.limitDomain)
			s.codeInMessage = cmp.Or(s.codeInMessage, f.codeInMessage)
		}
	}
	return s
}

func (r *Rules) set(dialect string) *ruleSet {
	if s, ok := r.dialects[dialect]; ok {
		return s
	}
	return r.common
}

// Rows returns all rows in the order in which they are asked.
func (r *Rules) Rows() []Row { return slices.Clone(r.rows) }

// Reasons returns all reasons in the order in which the tables declare them.
func (r *Rules) Reasons() []Reason {
	all := make([]Reason, 0, len(r.names))
	for _, name := range r.names {
		all = append(all, r.reasons[name].Reason)
	}
	return all
}

// Dialects returns the names of all dialects that have rules of their own, sorted by name.
func (r *Rules) Dialects() []string {
	names := make([]string, 0, len(r.dialects))
	for name := range r.dialects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
