package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// The reader, the Go struct, the schema and the documentation know the same keys.
func TestKeysAgree(t *testing.T) {
	var schema any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	var inSchema []string
	schemaKeys(schema.(map[string]any), schema.(map[string]any), "", &inSchema)
	slices.Sort(inSchema)

	t.Run("reader", func(t *testing.T) {
		keys := readerKeys(t)
		if diff := cmp.Diff(inSchema, keys); diff != "" {
			t.Errorf("keys of the schema -, of the reader +\n%s", diff)
		}
	})
	t.Run("struct", func(t *testing.T) {
		var keys []string
		structKeys(reflect.TypeFor[Config](), "", &keys)
		slices.Sort(keys)
		// Auths are built when they are read, so their keys have no fields here.
		above := slices.DeleteFunc(slices.Clone(inSchema), func(key string) bool {
			return key == "auths" || strings.HasPrefix(key, "auths[]") || isFormOfSecret(key)
		})
		if diff := cmp.Diff(above, keys); diff != "" {
			t.Errorf("keys of the schema -, of Config +\n%s", diff)
		}
	})
	t.Run("documentation", func(t *testing.T) {
		page, err := os.ReadFile("../docs/configuration.md")
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range inSchema {
			_, name, below := strings.Cut(key, ".")
			if strings.HasPrefix(key, "state.") && isFormOfSecret(key) {
				continue // they are described with the auths
			}
			if !bytes.Contains(page, []byte("`"+key+"`")) && (below || !bytes.Contains(page, []byte("## "+key+"\n"))) {
				t.Errorf("docs/configuration.md does not name `%s` (%s)", key, name)
			}
		}
	})
	t.Run("fixture", func(t *testing.T) {
		var root yaml.Node
		text, err := os.ReadFile("testdata/accept/everything.yaml")
		if err != nil || yaml.Unmarshal(text, &root) != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		nodeKeys(root.Content[0], "", found)
		for _, key := range inSchema {
			// Only one form of a secret can stand in one place.
			if !found[key] && !isFormOfSecret(key) {
				t.Errorf("everything.yaml has no %s", key)
			}
		}
	})
}

// isFormOfSecret tells the keys env, file and value of secrets.
func isFormOfSecret(key string) bool {
	way := strings.Split(key, ".")
	return len(way) > 1 && slices.Contains([]string{"secret", "password"}, way[len(way)-2])
}

// schemaKeys collects the ways to all properties, each as in `selection.rules[].model`.
func schemaKeys(root, at map[string]any, way string, keys *[]string) {
	if ref, ok := at["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/$defs/")
		schemaKeys(root, root["$defs"].(map[string]any)[name].(map[string]any), way, keys)
	}
	if items, ok := at["items"].(map[string]any); ok {
		schemaKeys(root, items, way+"[]", keys)
	}
	properties, _ := at["properties"].(map[string]any)
	for name, property := range properties {
		key := strings.TrimPrefix(way+"."+name, ".")
		*keys = append(*keys, key)
		if property.(map[string]any)["description"] == nil {
			*keys = append(*keys, key+" has no description")
		}
		schemaKeys(root, property.(map[string]any), key, keys)
	}
}

// readerKeys asks the reader, which lists the keys that it knows when it sees one that it does not.
func readerKeys(t *testing.T) []string {
	t.Helper()
	var keys []string
	for way, text := range map[string]string{
		"": "{unknown: 1}", "listen": "{listen: {unknown: 1}}", "selection": "{selection: {unknown: 1}}",
		"selection.rules[]": "{selection: {rules: [{unknown: 1}]}}", "sessions": "{sessions: {unknown: 1}}",
		"sessions.rules[]": "{sessions: {rules: [{unknown: 1}]}}",
		"log":              "{log: {unknown: 1}}", "cooldown": "{cooldown: {unknown: 1}}",
		"state": "{state: {unknown: 1}}", "state.redis": "{state: {redis: {unknown: 1, addresses: []}}}",
		"state.redis.tls":      "{state: {redis: {addresses: [], tls: {unknown: 1}}}}",
		"state.redis.sentinel": "{state: {redis: {addresses: [], sentinel: {unknown: 1}}}}",
		"verdict":              "{verdict: {unknown: 1}}", "auths[]": "{auths: [{unknown: 1}]}",
	} {
		file := filepath.Join(t.TempDir(), "unknown.yaml")
		write(t, file, text)
		_, err := Open(file, Options{})
		first, _, _ := strings.Cut(err.Error(), "\n")
		_, allowed, ok := strings.Cut(first, "unknown key; allowed: ")
		if !ok {
			t.Fatalf("Open(%s): %v, want the known keys", text, err)
		}
		for name := range strings.SplitSeq(allowed, ", ") {
			keys = append(keys, strings.TrimPrefix(way+"."+name, "."))
		}
	}
	for _, secret := range []string{"auths[].secret", "state.redis.password", "state.redis.sentinel.password"} {
		for _, name := range []string{"env", "file", "value"} {
			keys = append(keys, secret+"."+name)
		}
	}
	slices.Sort(keys)
	return keys
}

func structKeys(of reflect.Type, way string, keys *[]string) {
	for of.Kind() == reflect.Slice {
		of, way = of.Elem(), way+"[]"
	}
	if of.Kind() != reflect.Struct {
		return
	}
	for field := range of.Fields() {
		name := field.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		key := strings.TrimPrefix(way+"."+name, ".")
		*keys = append(*keys, key)
		structKeys(field.Type, key, keys)
	}
}

func nodeKeys(node *yaml.Node, way string, found map[string]bool) {
	switch node.Kind {
	case yaml.SequenceNode:
		for _, element := range node.Content {
			nodeKeys(element, way+"[]", found)
		}
	case yaml.MappingNode:
		for i := 0; i < len(node.Content); i += 2 {
			key := strings.TrimPrefix(way+"."+node.Content[i].Value, ".")
			found[key] = true
			nodeKeys(node.Content[i+1], key, found)
		}
	}
}

func TestSchemaAcceptsWhatOpenAccepts(t *testing.T) {
	schema := compileSchema(t)
	for _, file := range slices.Concat(glob(t, "testdata/accept/*.yaml"), glob(t, "../examples/*.yaml")) {
		if err := schema.Validate(decode(t, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The schema cannot know everything that Open refuses, but nothing of it may be news to Open.
func TestSchemaRefuses(t *testing.T) {
	schema := compileSchema(t)
	beyond := []string{
		"account", "cooldown", "dirs", "duplicate-id", "duration-range", "insecure", "missing-env", "secret-file", "address-twice", "self-alias", "merge", "tag", "state-addresses",
	}
	broken := []string{
		"control-character", "documents-broken", "documents", "duration", "duplicate-key", "empty", "key-not-text", "syntax", "syntax-tab",
		"unknown-anchor",
	}
	for _, file := range glob(t, "testdata/reject/*.yaml") {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if slices.Contains(broken, name) || slices.Contains(beyond, name) {
			continue
		}
		if err := schema.Validate(decode(t, file)); err == nil {
			t.Errorf("%s: the schema finds nothing wrong", file)
		}
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// decode reads YAML into what a JSON decoder would give.
func decode(t *testing.T, file string) any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return decoded
}

// Every example is accepted as it is, its auth files too.
func TestExamples(t *testing.T) {
	for _, file := range glob(t, "../examples/*.yaml") {
		o := Options{LookupEnv: func(name string) (string, bool) { return "sk-made-up", name == "CLAUDE_API_KEY" }}
		if _, err := Check(file, o); err != nil {
			t.Errorf("Check(%s):\n%v", file, err)
		}
	}
}
