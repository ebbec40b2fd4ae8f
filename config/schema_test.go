package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// The schema, which is made of what reads the file, the documentation and the largest fixture know the same keys.
func TestKeysAgree(t *testing.T) {
	var schema any
	if err := json.Unmarshal(readSchema(t), &schema); err != nil {
		t.Fatal(err)
	}
	var inSchema []string
	schemaKeys(schema.(map[string]any), "", &inSchema)
	slices.Sort(inSchema)

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
	return len(way) > 1 && slices.Contains([]string{"secret", "password", "identities"}, way[len(way)-2])
}

// schemaKeys collects the ways to all properties, each as in `selection.rules[].model`.
func schemaKeys(at map[string]any, way string, keys *[]string) {
	if items, ok := at["items"].(map[string]any); ok {
		schemaKeys(items, way+"[]", keys)
	}
	properties, _ := at["properties"].(map[string]any)
	for name, property := range properties {
		key := strings.TrimPrefix(way+"."+name, ".")
		*keys = append(*keys, key)
		if property.(map[string]any)["description"] == nil {
			*keys = append(*keys, key+" has no description")
		}
		schemaKeys(property.(map[string]any), key, keys)
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
	for _, file := range slices.Concat(globFiles(t, "testdata/accept/*.yaml"), globFiles(t, "../examples/*.yaml")) {
		if err := schema.Validate(decode(t, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The schema cannot know everything that Open refuses, but nothing of it may be news to Open.
func TestSchemaRefuses(t *testing.T) {
	schema := compileSchema(t)
	beyond := []string{
		"account", "callers-twice", "cooldown", "dirs", "duplicate-id", "fleet-secret", "duration-range", "insecure", "missing-env", "secret-file", "address-twice", "self-alias", "merge", "tag", "state-addresses",
		"secret-header", "helper-refused", "encryption-keys", "sizes-range", "sizes-budget",
	}
	broken := []string{
		"control-character", "documents-broken", "documents", "duration", "duplicate-key", "empty", "key-not-text", "syntax", "syntax-tab",
		"unknown-anchor",
	}
	for _, file := range globFiles(t, "testdata/reject/*.yaml") {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if slices.Contains(broken, name) || slices.Contains(beyond, name) {
			continue
		}
		if err := schema.Validate(decode(t, file)); err == nil {
			t.Errorf("%s: the schema finds nothing wrong", file)
		}
	}
}

// readSchema reads the file that editors are pointed at.
func readSchema(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSchemaFile(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(readSchema(t))); diff != "" {
		t.Errorf("config/schema.json is not what `credbroker config schema` prints: write it anew. Want -, got +\n%s", diff)
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(readSchema(t)))
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

// copyExamples copies the configurations and their auth files, with the mode that those should have; git gives them another.
func copyExamples(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "auths"), os.DirFS("../examples/auths")); err != nil {
		t.Fatal(err)
	}
	for _, file := range slices.Concat(globFiles(t, filepath.Join(dir, "auths/*.json")), globFiles(t, filepath.Join(dir, "auths/*/*.json"))) {
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range globFiles(t, "../examples/*.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.Base(file)), string(text))
	}
	return dir
}

// Every example is accepted as it is, its auth files too.
func TestExamples(t *testing.T) {
	dir := copyExamples(t)
	for _, file := range globFiles(t, filepath.Join(dir, "*.yaml")) {
		o := Options{LookupEnv: func(name string) (string, bool) { return "sk-made-up", name == "CLAUDE_API_KEY" }}
		if _, warnings, err := Check(file, o); err != nil || len(warnings) > 0 {
			t.Errorf("Check(%s):\n%v, warnings %v", file, err, warnings)
		}
	}
}
