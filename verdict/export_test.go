package verdict

import (
	"regexp"
	"slices"
)

// WithoutEach takes the alternatives of the rows away in turn: each code, phrase, model and status of several, each condition
// of several, each exception. While one is away it calls f with the id of the row and with what is away. Only for rules that
// nobody else uses.
func (r *Rules) WithoutEach(f func(row, what string)) {
	seen := make(map[*rule]bool)
	for _, name := range append(r.Dialects(), "") {
		for _, row := range slices.Concat(r.set(name).rows, r.set(name).passedOn) {
			if !seen[row] {
				seen[row] = true
				row.withoutEach(func(what string) { f(row.ID, what) })
			}
		}
	}
}

func (r *rule) withoutEach(f func(what string)) {
	withoutEach(&r.when, func(*condition) { f("one of its conditions") })
	for _, c := range r.when {
		withoutEach(&c.code, func(code phrase) { f("code " + code.text) })
		withoutEach(&c.text, func(p phrase) { f("text " + p.text) })
		withoutEach(&c.message, func(text string) { f("message " + text) })
		withoutEach(&c.model, func(glob string) { f("model " + glob) })
		// `[4xx, embedded]` means not 5xx.
		if !slices.ContainsFunc(c.status, func(s statusRange) bool { return s.embedded }) {
			withoutEach(&c.status, func(statusRange) { f("one of its statuses") })
		}
		if not := c.not; not != nil {
			c.not = nil
			f("its exception")
			c.not = not
		}
	}
}

// withoutEach takes each of several away in turn.
func withoutEach[T any](list *[]T, f func(T)) {
	whole := *list
	for i := range whole {
		if len(whole) > 1 {
			*list = slices.Delete(slices.Clone(whole), i, i+1)
			f(whole[i])
		}
	}
	*list = whole
}

// Contains reports whether a text contains a phrase, as rows look for it.
func Contains(text, wanted string) bool {
	t := searchIn(text)
	return t.contains(phraseOf(wanted))
}

// Matches reports whether an expression is found in a text, as rows look for it.
func Matches(text string, re *regexp.Regexp) bool {
	t := searchIn(text)
	p := patternFor(re)
	return t.matches(&p)
}

// Needs returns what a text must contain for an expression to be found there.
func Needs(expression string) (lists [][]string) {
	for _, phrases := range patternFor(regexp.MustCompile(expression)).needs {
		var texts []string
		for _, p := range phrases {
			texts = append(texts, p.text)
		}
		lists = append(lists, texts)
	}
	return lists
}

// Lower folds a text as rows are compared with it.
func Lower(text string) string { return lower(text) }
