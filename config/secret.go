package config

import (
	"strings"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/internal/document"
)

// secret is a reference to a secret. No message repeats a key or a value of it but a name or path that was looked for.
func (l *loader) secret(take func(text string)) document.Type {
	var name, file, value string
	keys := document.Keys{
		"env": document.Text(&name, authdoc.MaxID, wrongVariable).With(document.Schema{"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}).
			Doc("Name of an environment variable."),
		"file":  l.path(&file).Doc("Path of a file that holds nothing else. A relative one lies beside this file."),
		"value": authdoc.Secret(func(_ document.Value, text string) { value = text }).Doc("The secret itself."),
	}
	schema := func() document.Schema {
		return document.Object(keys).With(document.Schema{"type": "object", "minProperties": 1, "maxProperties": 1}).Schema()
	}
	return document.NewType(schema, func(v document.Value) {
		const allowed = "one of {env: NAME}, {file: PATH} and {value: TEXT}"
		if v.Kind() != document.KindMapping {
			v.Wrong(allowed)
			return
		}
		members := v.Members()
		for _, m := range members {
			if _, known := keys[m.Key]; !known {
				v.Problemf("has an unknown key; allowed: %s", allowed)
				return
			}
		}
		if len(members) != 1 {
			v.Problemf("has %d of env, file and value; allowed: %s", len(members), allowed)
			return
		}
		m := members[0]
		m.Read(keys[m.Key])
		switch {
		case name != "":
			value = l.variable(m.Value, name)
		case file != "":
			value = l.secretFile(m.Value, file)
		}
		if value != "" {
			take(value)
		}
	})
}

func (l *loader) variable(v document.Value, name string) string {
	text, set := "", false
	if l.o.LookupEnv != nil {
		text, set = l.o.LookupEnv(name)
	}
	if !set {
		v.Problemf("the environment variable %s is not set", name)
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
