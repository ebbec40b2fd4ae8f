package config

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/credbroker/credbroker/selector"
)

func (d *document) auths(v value) {
	for _, element := range v.list(maxAuths) {
		before := len(d.found) + d.more
		draft := d.auth(element)
		if len(d.found)+d.more == before {
			d.into.drafts = append(d.into.drafts, draft)
		}
	}
}

func (d *document) auth(v value) *draft {
	a := &draft{auth: selector.Auth{
		Kind: selector.KindAPIKey, Origin: selector.OriginConfig, Source: d.file + ":" + strconv.Itoa(v.line),
	}}
	auth := &a.auth
	present := v.object(fields{
		"id":             func(v value) { auth.ID = d.id(v) },
		"provider":       func(v value) { auth.Provider, _ = v.checked(maxProvider, wrongProvider) },
		"label":          func(v value) { auth.Label, _ = v.checked(maxLabel, wrongLabel) },
		"note":           a.readNote,
		"priority":       func(v value) { auth.Priority = priority(v) },
		"weight":         func(v value) { auth.Weight = weight(v) },
		"models":         func(v value) { auth.Models = a.readGlobs(v) },
		"exclude_models": func(v value) { auth.ExcludeModels = a.readGlobs(v) },
		"prefix":         func(v value) { auth.Prefix, _ = v.checked(maxModel, wrongPrefix) },
		"base_url":       func(v value) { auth.BaseURL, _ = v.checked(maxURL, wrongBaseURL) },
		"proxy_url":      func(v value) { a.proxy = d.proxy(v) },
		"attributes":     a.readAttributes,
		"headers":        func(v value) { a.readHeaders(v, d.literalOrSecret) },
		"secret":         func(v value) { a.secret, _ = d.secret(v) },
		"domains":        a.readDomains,
		"kind":           a.readKind,
		"dialect":        func(v value) { auth.Dialect, _ = v.checked(maxDialect, wrongLine) },
		"disabled":       func(v value) { auth.Disabled = v.boolean() },
		"account":        func(v value) { a.account, _ = v.checked(maxAccount, wrongLine) },
	})
	for _, key := range []string{"id", "provider"} {
		if (v.kind() == "a mapping" || v.isNull()) && !present[key] {
			v.problemf("has no %s; allowed: at least id and provider", key)
		}
	}
	if present["account"] && auth.Kind != selector.KindOAuth {
		v.problemf("has an account, but is not of kind: oauth; allowed: kind: oauth, or no account")
	}
	return a
}

// id also holds the ids of the file apart.
func (d *document) id(v value) string {
	id, ok := v.checked(maxID, wrongLine)
	if !ok {
		return ""
	}
	if first, taken := d.ids[id]; taken {
		v.problemf("duplicate id %q; the first is at %s:%d", id, d.file, first)
		return ""
	}
	d.ids[id] = v.line
	return id
}

func priority(v value) *int64 {
	n, ok := v.integer(math.MinInt64, math.MaxInt64)
	if !ok {
		return nil
	}
	return &n
}

func weight(v value) *uint32 {
	n, ok := v.integer(0, selector.MaxWeight)
	if !ok {
		return nil
	}
	w := uint32(n) //nolint:gosec // integer has seen to its bounds
	return &w
}

func (d *document) proxy(v value) string {
	text, ok := d.literalOrSecret(v)
	if !ok {
		return ""
	}
	if wrong := wrongProxyURL(text); wrong != "" || len(text) > maxURL {
		v.problemf("%s", wrong)
		return ""
	}
	return text
}

func (d *document) literalOrSecret(v value) (string, bool) {
	if v.kind() == "a mapping" {
		return d.secret(v)
	}
	text, ok := v.text(maxSecret)
	return v.header(text, ok)
}

// header is a secret, cleared of the white space around it, if it can stand in a header.
func (v value) header(text string, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	text = strings.TrimSpace(text)
	if wrong := wrongSecret(text); wrong != "" {
		v.problemf("%s", wrong)
		return "", false
	}
	return text, true
}

// secret follows a reference. No message repeats a key or a value of it but a name or path that was looked for.
func (d *document) secret(v value) (text string, ok bool) {
	const allowed = "one of {env: NAME}, {file: PATH} and {value: TEXT}"
	if v.kind() != "a mapping" {
		v.wrong(allowed)
		return "", false
	}
	for i := 0; i < len(v.node.Content); i += 2 {
		switch v.node.Content[i].Value {
		case "env", "file", "value":
		default:
			v.problemf("has an unknown key; allowed: %s", allowed)
			return "", false
		}
	}
	members := v.members()
	if len(members) != 1 {
		v.problemf("has %d of env, file and value; allowed: %s", len(members), allowed)
		return "", false
	}
	m := members[0]
	switch m.key {
	case "env":
		return d.secretVariable(m.value)
	case "file":
		return d.secretFile(m.value)
	}
	text, ok = m.text(maxSecret)
	return m.header(text, ok)
}

func (d *document) secretVariable(v value) (string, bool) {
	name, ok := v.checked(maxID, wrongVariable)
	if !ok {
		return "", false
	}
	text, set := "", false
	if d.o.LookupEnv != nil {
		text, set = d.o.LookupEnv(name)
	}
	if !set {
		v.problemf("the environment variable %s is not set", name)
		return "", false
	}
	if wrong := wrongSecret(strings.TrimSpace(text)); wrong != "" {
		v.problemf("the environment variable %s %s", name, wrong)
		return "", false
	}
	return strings.TrimSpace(text), true
}

func (d *document) secretFile(v value) (string, bool) {
	name, ok := v.checked(maxPath, wrongPath)
	if !ok {
		return "", false
	}
	name = filepath.Clean(beside(d.file, name))
	d.into.files = append(d.into.files, name)
	data, _, err := readFile(name, maxSecret+1<<10) // white space around it does not count
	if err != nil {
		v.problemf("the file %s %s", name, err)
		return "", false
	}
	text := strings.TrimSpace(string(data))
	if wrong := wrongSecret(text); wrong != "" {
		v.problemf("the file %s %s", name, wrong)
		return "", false
	}
	return text, true
}
