package verdict_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credbroker/credbroker/verdict"
)

// TestLoadRejects: a file for each mistake, with what is said about it beside it.
func TestLoadRejects(t *testing.T) {
	files, err := filepath.Glob("testdata/rejected/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rejected files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			_, err = verdict.Load(verdict.File{Name: filepath.Base(file), Text: text})
			if _, ok := errors.AsType[verdict.Problems](err); !ok {
				t.Fatalf("Load(%s) = %v, want Problems", file, err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), err.Error()); diff != "" {
				t.Errorf("Load(%s) (-want +got):\n%s", file, diff)
			}
		})
	}
}

func TestLoadBounds(t *testing.T) {
	many := "rules:\n" + strings.Repeat("  - {id: '!'}\n", 500)
	for _, c := range []struct{ name, text, want string }{
		{"too large", strings.Repeat("#", 1<<20+1), "has 1048577 bytes; allowed: at most 1048576"},
		{"many problems", many, "more problems"},
		{"an alias to itself", "rules: &a [*a]\n", "allowed: a mapping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := verdict.Load(verdict.File{Name: "x.yaml", Text: []byte(c.text)})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "\n") > 100 {
				t.Errorf("Load = %v, want %q in at most 101 lines", err, c.want)
			}
		})
	}
}

const ownRow = `
  fault: caller
  action: none
  reason: invalid_request
  source: ours
`

// TestLoadExtra: rows of the operator come first, or take the place of those whose id they bear.
func TestLoadExtra(t *testing.T) {
	rateLimit := verdict.Outcome{Dialect: "openai", Status: 429, Body: []byte(`{"error":{"message":"teapot"}}`)}
	for _, c := range []struct {
		name string
		text string
		o    verdict.Outcome
		want string // the rule that matches
	}{
		{"nothing", "", rateLimit, "limit-rate"},
		{"in front within a stage", "rules:\n- id: ours\n  stage: limit\n  when: {text: teapot}" + ownRow, rateLimit, "ours"},
		{"an earlier stage still comes first", "rules:\n- id: ours\n  stage: limit" + ownRow,
			verdict.Outcome{Dialect: "openai", Status: 429, Body: []byte(`{"error":{"code":"insufficient_quota"}}`)}, "billing-exhausted"},
		{"of another dialect", "dialects: groq\nrules:\n- id: ours\n  stage: limit" + ownRow, rateLimit, "limit-rate"},
		{"by id", "rules:\n- id: limit-per-day\n  stage: limit\n  when: {status: 429}" + ownRow, rateLimit, "limit-per-day"},
		{"switched off", "rules:\n- {id: limit-rate, off: true}", rateLimit, "invalid-request"},
		{"a new dialect with a map of codes", "dialects: [acme]\nstatuses: [{code: brewing, status: 503, source: ours}]",
			verdict.Outcome{Dialect: "acme", Status: 200, Body: []byte(`{"error":{"code":"brewing","message":"x"}}`)}, "capacity"},
		{"a new reason", "reasons: [{name: teapot, meaning: short and stout, block: other, ladder: rate}]\nrules:\n" +
			"- {id: ours, stage: limit, fault: model, action: cooldown, scope: model, reason: teapot, source: ours}", rateLimit, "ours"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules := load(t, verdict.File{Name: "ours.yaml", Text: []byte(c.text)})
			if got := rules.Judge(c.o).Rule; got != c.want {
				t.Errorf("Judge(%v).Rule = %s, want %s", c.o, got, c.want)
			}
		})
	}
}

func TestLoadOrder(t *testing.T) {
	first := verdict.File{Name: "a.yaml", Text: []byte("rules:\n- id: first\n  stage: edge" + ownRow)}
	second := verdict.File{Name: "b.yaml", Text: []byte("rules:\n- id: second\n  stage: edge" + ownRow)}
	if got := load(t, first, second).Judge(verdict.Outcome{Status: 429}).Rule; got != "first" {
		t.Errorf("Judge(429).Rule = %s, want that of the first file", got)
	}
	rows := load(t, second).Rows()
	at := slices.IndexFunc(rows, func(r verdict.Row) bool { return r.ID == "second" })
	if got := rows[at]; got.File != "b.yaml" || got.Line != 2 || rows[at+1].Stage != "edge" {
		t.Errorf("Rows tells %+v, want b.yaml:2 before the other rows of stage edge", got)
	}
}

func TestDialects(t *testing.T) {
	want := []string{
		"ai-gateway", "amazon-q", "anthropic", "antigravity", "ark", "azure-openai", "baidu", "baidu-qianfan", "bedrock",
		"cerebras", "claude-code", "cloudflare", "cloudflare-workers-ai", "codewhisperer", "codex", "cohere", "copilot",
		"dashscope", "deepinfra", "deepseek", "doubao", "fireworks", "gemini", "gemini-code-assist", "github-copilot",
		"github-models", "groq", "hugging-face", "huggingface", "kimi-code", "kiro", "litellm", "minimax", "mistral",
		"modelscope", "moonshot", "new-api", "nvidia", "nvidia-nim", "ollama", "ollama-cloud", "one-api", "openai", "opencode",
		"opencode-go", "opencode-zen", "openrouter", "perplexity", "qianfan", "replicate", "siliconcloud", "siliconflow",
		"sub2api", "together", "vercel", "vercel-ai-gateway", "vertex", "volcengine", "volcengine-ark", "wenxin", "workers-ai",
		"xai", "zen", "zhipu",
	}
	if diff := cmp.Diff(want, load(t).Dialects()); diff != "" {
		t.Errorf("Dialects (-want +got):\n%s", diff)
	}
}
