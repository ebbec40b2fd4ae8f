package selector_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/credbroker/credbroker/selector"
)

// hiding are things that hold a secret, exported and not, in every way a struct can.
func hiding(s selector.Secret) map[string]any {
	type inner struct {
		Open   selector.Secret
		hidden selector.Secret
	}
	type outer struct {
		inner
		Pointer *selector.Secret
		hidden  *inner
		List    []selector.Secret
		array   [1]selector.Secret
		Map     map[string]selector.Secret
		keys    map[selector.Secret]int
		Any     any
		closed  any
	}
	in := inner{s, s}
	out := outer{in, &s, &in, []selector.Secret{s}, [1]selector.Secret{s}, map[string]selector.Secret{"k": s}, map[selector.Secret]int{s: 1}, s, s}
	return map[string]any{
		"itself": s, "a pointer": &s, "a struct": in, "a pointer to a struct": &in, "a deep struct": out, "a pointer to it": &out,
		"a slice": []selector.Secret{s}, "a slice of pointers": []*selector.Secret{&s}, "a map": map[string]selector.Secret{"k": s},
		"a map of keys": map[selector.Secret]bool{s: true}, "a header": selector.Header{Name: "Authorization", Value: s},
		"an auth": &selector.Auth{ID: "a", ProxyURL: s, Headers: []selector.Header{{Name: "x", Value: s}}},
		"a pick":  selector.Pick{Auth: &selector.Auth{ProxyURL: s, Headers: []selector.Header{{Name: "x", Value: s}}}},
	}
}

func TestSecretCannotBePrinted(t *testing.T) {
	const text = "sk-hunter2"
	// As it is, in hexadecimal, as decimal bytes, as Go writes bytes.
	leaks := []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), "115 107 45", "0x73, 0x6b, 0x2d"}
	check := func(t *testing.T, how, printed string) {
		t.Helper()
		for _, leak := range leaks {
			if strings.Contains(printed, leak) {
				t.Errorf("%s prints %s", how, printed)
			}
		}
	}
	for name, value := range hiding(selector.NewSecret(text)) {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"v", "s", "d", "q", "x", "X", "t", "p", "T", "b", "c", "e", "g", "o", "U", "z"} {
				for _, flags := range []string{"", "+", "#", " ", "0", "+#", "20", "-20.3", ".2"} {
					format := "%" + flags + verb
					check(t, format, fmt.Sprintf(format, value))
				}
			}
			check(t, "Print", fmt.Sprint(value))
			check(t, "Println", fmt.Sprintln(value))
			check(t, "Append", string(fmt.Append(nil, value)))
			check(t, "an error", fmt.Errorf("failed: %v", value).Error())
			for encoder, encode := range map[string]func(any) ([]byte, error){"json": json.Marshal, "xml": xml.Marshal, "yaml": marshalYAML} {
				out, err := encode(value)
				check(t, encoder, fmt.Sprintf("%s %v", out, err))
			}
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
			slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
			check(t, "slog", log.String())
		})
	}
}

func marshalYAML(value any) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml cannot: %v", r)
		}
	}()
	return yaml.Marshal(value)
}

func TestSecretPrintsAPlaceholder(t *testing.T) {
	s := selector.NewSecret("x")
	for _, got := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%d", s), fmt.Sprintf("%q", s)} {
		if got != "[secret]" {
			t.Errorf("printed %q, want a placeholder", got)
		}
	}
	if got, err := json.Marshal(map[string]selector.Secret{"key": s}); err != nil || string(got) != `{"key":"[secret]"}` {
		t.Errorf("encoded %s, %v", got, err)
	}
}

func TestSecretReveals(t *testing.T) {
	for name, c := range map[string]struct {
		secret selector.Secret
		text   string
		empty  bool
	}{
		"what it holds":                    {selector.NewSecret("x"), "x", false},
		"nothing, if it holds nothing":     {selector.NewSecret(""), "", true},
		"nothing, if it is the zero value": {selector.Secret{}, "", true},
	} {
		if c.secret.Reveal() != c.text || c.secret.IsEmpty() != c.empty {
			t.Errorf("%s: Reveal = %q, IsEmpty = %t", name, c.secret.Reveal(), c.secret.IsEmpty())
		}
	}
	if !selector.NewSecret("x").Equal(selector.NewSecret("x")) || selector.NewSecret("x").Equal(selector.NewSecret("y")) {
		t.Error("Equal does not compare the text")
	}
	if !selector.NewSecret("").Equal(selector.Secret{}) {
		t.Error("an empty secret is not the zero value")
	}
}

func TestErrorsSayWhatTheyAreAbout(t *testing.T) {
	for want, err := range map[string]error{
		`every auth for model "m" is cooling down`: &selector.CooldownError{Model: "m"},
		`no auth for model "m" can be used`:        &selector.UnavailableError{Model: "m"},
		"until: must be in the future":             &selector.FieldError{Field: "until", Problem: "must be in the future"},
	} {
		if got := err.Error(); !strings.HasPrefix(got, want) {
			t.Errorf("Error = %q, want %q", got, want)
		}
	}
	if errors.Is(selector.ErrUnknownAuth, selector.ErrAuthNotFound) {
		t.Error("an auth that is not known and a provider without auths are the same error")
	}
}
