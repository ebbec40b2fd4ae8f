package providers

// The names that more than one table asks for.
const (
	claude      = "claude"
	gemini      = "gemini"
	azureOpenAI = "azure-openai"
)

// Authorization is the header that takes every access token and most API keys, behind `Bearer `.
const Authorization = "Authorization"

// table is sorted by name. Names that look alike and are not the same have rows of their own: a request for one must not reach
// the accounts of the other.
var table = [...]Provider{
	{Name: "antigravity"},
	{Name: azureOpenAI, Aliases: []string{"azure", "azureopenai"}, KeyHeader: "api-key"},
	{Name: "bedrock", Aliases: []string{"amazon-bedrock", "aws", "aws-bedrock"}},
	{Name: "cerebras"},
	{
		Name: claude, Aliases: []string{"anthropic", "anthropic-api", "claude-api"}, Dialect: "anthropic",
		AccountDialect: "claude-code", KeyHeader: "x-api-key", AccountBeta: "oauth-2025-04-20",
	},
	{Name: "claude-code"},
	{Name: "cloudflare", Aliases: []string{"cloudflare-ai", "cloudflare-workers-ai", "workers-ai"}},
	{Name: "codex", Aliases: []string{"chatgpt", "codex-cli", "openai-codex"}},
	{Name: "cohere"},
	{Name: "dashscope", Aliases: []string{"alibaba", "alibaba-cloud", "aliyun", "bailian"}},
	{Name: "deepinfra", Aliases: []string{"deep-infra"}},
	{Name: "deepseek", Aliases: []string{"deepseek-ai"}},
	{Name: "fireworks", Aliases: []string{"fireworks-ai"}},
	{
		Name: gemini, Aliases: []string{"google", "google-ai", "google-ai-studio", "google-gemini"},
		AccountDialect: "gemini-code-assist", KeyHeader: "x-goog-api-key",
	},
	{Name: "gemini-cli", Aliases: []string{"gemini-code-assist"}, Dialect: "gemini-code-assist"},
	{Name: "github-copilot", Aliases: []string{"copilot"}},
	{Name: "github-models"},
	{Name: "groq"},
	{Name: "huggingface", Aliases: []string{"hf", "hugging-face"}},
	{Name: "iflow"},
	{Name: "kimi", Dialect: "moonshot", AccountDialect: "kimi-code"},
	{Name: "kimi-code", Aliases: []string{"kimi-for-coding"}},
	{Name: "kiro", Aliases: []string{"amazon-q", "codewhisperer"}},
	{Name: "litellm"},
	{Name: "minimax"},
	{Name: "mistral", Aliases: []string{"mistral-ai", "mistralai"}},
	{Name: "modelscope"},
	{Name: "moonshot", Aliases: []string{"moonshot-ai", "moonshotai"}},
	{Name: "new-api"},
	{Name: "nvidia", Aliases: []string{"nim", "nvidia-nim"}},
	{Name: "ollama"},
	{Name: "ollama-cloud"},
	{Name: "one-api"},
	{Name: "openai", Aliases: []string{"open-ai", "openai-api"}},
	{Name: "opencode", Aliases: []string{"opencode-zen", "zen"}},
	{Name: "opencode-go"},
	{Name: "openrouter", Aliases: []string{"open-router"}},
	{Name: "perplexity", Aliases: []string{"pplx"}},
	{Name: "qianfan", Aliases: []string{"baidu", "baidu-qianfan", "wenxin"}},
	{Name: "qwen", Dialect: "dashscope", AccountDialect: "qwen"},
	{Name: "replicate"},
	{Name: "siliconflow", Aliases: []string{"siliconcloud"}},
	{Name: "sub2api"},
	{Name: "together", Aliases: []string{"together-ai", "togetherai"}},
	{Name: "vercel", Aliases: []string{"ai-gateway", "vercel-ai-gateway"}},
	{Name: "vertex", Aliases: []string{"google-vertex", "google-vertex-ai", "vertex-ai", "vertexai"}},
	{Name: "volcengine", Aliases: []string{"ark", "doubao", "volcengine-ark"}},
	{Name: "xai", Aliases: []string{"grok", "x-ai", "x.ai"}},
	{Name: "zhipu", Aliases: []string{"bigmodel", "glm", "z-ai", "z.ai", "zai", "zhipu-ai", "zhipuai"}},
}
