package config

import (
	"maps"
	"path/filepath"
	"strings"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/internal/document"
)

const (
	keyEnv, keyFile, keyValue, keyExec = "env", "file", "value", "exec"
	formsOfReference                   = "one of {env: NAME}, {file: PATH} and {value: TEXT}"
	formsOfAuth                        = "one of {env: NAME}, {file: PATH}, {value: TEXT} and {exec: [PROGRAM, ARGUMENT]}"
)

// reference is what stands in place of a secret.
type reference struct {
	name, file, value string
	helper            *helper // of the secret of an auth
}

// secret is a reference to a secret. No message repeats a key or a value of it but a name or path that was looked for.
func (l *loader) secret(take func(text string)) document.Type { return l.reference(take, nil) }

// authSecret is secret, or a program that prints one.
func (l *loader) authSecret(d *authdoc.Draft) func(take func(text string)) document.Type {
	return func(take func(text string)) document.Type { return l.reference(take, &helper{draft: d}) }
}

func (l *loader) reference(take func(text string), h *helper) document.Type {
	r := reference{helper: h}
	keys, forms := l.referenceKeys(&r), formsOfReference
	bounds := document.Schema{"type": "object", "minProperties": 1, "maxProperties": 1}
	if h != nil {
		maps.Copy(keys, h.keys())
		forms = formsOfAuth
		one := make([]document.Schema, 0, 4)
		for _, key := range []string{keyEnv, keyFile, keyValue, keyExec} {
			one = append(one, document.Schema{"required": []string{key}})
		}
		bounds = document.Schema{"type": "object", "oneOf": one, "dependentRequired": map[string][]string{"timeout": {keyExec}, "refresh": {keyExec}}}
	}
	schema := func() document.Schema { return document.Object(keys).With(bounds).Schema() }
	return document.NewType(schema, func(v document.Value) {
		if given, ok := chosenForm(v, keys, forms); ok {
			l.resolve(&r, given, take)
		}
	})
}

func (l *loader) referenceKeys(r *reference) document.Keys {
	return document.Keys{
		keyEnv: document.Text(&r.name, authdoc.MaxID, wrongVariable).With(document.Schema{"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}).
			Doc("Name of an environment variable."),
		keyFile:  l.path(&r.file).Doc("Path of a file that holds nothing else. A relative one lies beside this file."),
		keyValue: authdoc.Secret(func(_ document.Value, text string) { r.value = text }).Doc("The secret itself."),
	}
}

// chosenForm reads the members of a reference, and returns the one that says where the secret is.
func chosenForm(v document.Value, keys document.Keys, forms string) (form document.Member, ok bool) {
	if v.Kind() != document.KindMapping {
		v.Wrong(forms)
		return form, false
	}
	members := v.Members()
	chosen, options := 0, 0
	for _, m := range members {
		if _, known := keys[m.Key]; !known {
			v.Problemf("has an unknown key; allowed: %s", forms)
			return form, false
		}
		switch m.Key {
		case keyEnv, keyFile, keyValue, keyExec:
			chosen++
			form = m
		default:
			options++
		}
	}
	switch {
	case chosen != 1:
		v.Problemf("says %d times where the secret is; allowed: %s", chosen, forms)
		return form, false
	case options > 0 && form.Key != keyExec:
		v.Problemf("has timeout or refresh, which are for exec")
		return form, false
	}
	for _, m := range members {
		m.Read(keys[m.Key])
	}
	return form, true
}

// resolve gets the secret, or leaves it to a program that is run when all else is read.
func (l *loader) resolve(r *reference, form document.Member, take func(text string)) {
	switch {
	case form.Key == keyExec:
		l.addHelper(r.helper, form)
	case r.name != "":
		r.value = l.variable(form.Value, r.name)
	case r.file != "":
		r.value = l.secretFile(form.Value, r.file)
	}
	if r.value != "" {
		take(r.value)
	}
}

func (l *loader) addHelper(h *helper, form document.Member) {
	if form.IsNull() || form.Kind() == document.KindList && (form.Len() == 0 || len(h.argv) > 0 && h.argv[0] == "") {
		form.Problemf("names no program; allowed: a list of a program and its arguments")
		return
	}
	if len(h.argv) == 0 {
		return // it is something else, which was noted
	}
	if strings.Contains(h.argv[0], "/") {
		path, err := filepath.Abs(beside(l.into.Path, h.argv[0]))
		if err != nil {
			form.Problemf("names a program by a relative path: %s", err)
			return
		}
		h.argv[0] = path
	}
	h.at = Problem{File: l.into.Path, Line: form.Line, Field: form.Field}
	l.into.helpers = append(l.into.helpers, h)
}

// lookup reads an environment variable; not set, that was noted.
func (l *loader) lookup(v document.Value, name string) (text string, set bool) {
	if l.o.LookupEnv != nil {
		text, set = l.o.LookupEnv(name)
	}
	if !set {
		v.Problemf("the environment variable %s is not set", name)
	}
	return text, set
}

func (l *loader) variable(v document.Value, name string) string {
	text, set := l.lookup(v, name)
	if !set {
		return ""
	}
	return trimmed(v, text, "the environment variable "+name+" ")
}

func (l *loader) secretFile(v document.Value, name string) string {
	data, ok := l.readSecret(v, name, authdoc.MaxSecret+1<<10) // white space around it does not count
	if !ok {
		return ""
	}
	return trimmed(v, string(data), "the file "+name+" ")
}

// trimmed is a secret without the white space around it; empty: it cannot stand in a header, which was noted.
func trimmed(v document.Value, text, subject string) string {
	text = strings.TrimSpace(text)
	if wrong := authdoc.WrongSecret(text); wrong != "" {
		v.Problemf("%s", subject+wrong)
		return ""
	}
	return text
}

// literalOrSecret is text, or a reference to a secret.
func (l *loader) literalOrSecret(take func(v document.Value, text string)) document.Type {
	literal := authdoc.Secret(take)
	schema := func() document.Schema {
		return document.Schema{"anyOf": []document.Schema{literal.Schema(), l.secret(nil).Schema()}}
	}
	return document.NewType(schema, func(v document.Value) {
		if v.Kind() == document.KindMapping {
			v.Read(l.secret(func(text string) { take(v, text) }))
			return
		}
		v.Read(literal)
	})
}
