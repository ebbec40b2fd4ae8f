package authdoc

import "testing"

func TestRedirected(t *testing.T) {
	const stored = `{"type":"anthropic","api_key":"k","base_url":"https://a.example","proxy_url":"http://u:p@proxy:1","headers":{"X-A":"1"},
		"priority":3,"attributes":{"priority":"1","region":"eu"},"note":"n"}`
	tests := []struct{ name, document, want string }{
		{"nothing", stored, ""},
		{"what sends nothing elsewhere", `{"type":"claude","api_key":"k","base_url":" https://a.example","proxy_url":"http://u:p@proxy:1","headers":{"X-A":"1"},
			"priority":4,"attributes":{"priority":"2","websockets":"true","region":"eu"},"label":"l","models":["m"],"disabled":true}`, ""},
		{"the provider", `{"type":"openai","api_key":"k"}`, "type"},
		{"the address", `{"type":"anthropic","api_key":"k","base_url":"https://b.example"}`, "base_url"},
		{"no address", `{"type":"anthropic","api_key":"k"}`, "base_url"},
		{"the proxy", `{"type":"anthropic","api_key":"k","base_url":"https://a.example","proxy_url":"http://u@proxy:1"}`, "proxy_url"},
		{"a header", `{"type":"anthropic","api_key":"k","base_url":"https://a.example","proxy_url":"http://u:p@proxy:1","headers":{"X-A":"2"}}`, "headers"},
		{"one header more", `{"type":"anthropic","api_key":"k","base_url":"https://a.example","proxy_url":"http://u:p@proxy:1","headers":{"X-A":"1","X-B":"2"}}`, "headers"},
		{"an attribute", `{"type":"anthropic","api_key":"k","base_url":"https://a.example","proxy_url":"http://u:p@proxy:1","headers":{"X-A":"1"},
			"attributes":{"region":"us"}}`, "attributes.region"},
		{"attributes that come and go", `{"type":"anthropic","api_key":"k","base_url":"https://a.example","proxy_url":"http://u:p@proxy:1","headers":{"X-A":"1"},
			"attributes":{"endpoint":"e"}}`, "attributes.endpoint"},
	}
	before, problems := Parse("a.json", "", []byte(stored))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, test := range tests {
		after, problems := Parse("a.json", "", []byte(test.document))
		if got := after.Redirected(before); got != test.want || len(problems) > 0 {
			t.Errorf("%s: Redirected() = %q, want %q (%v)", test.name, got, test.want, problems)
		}
	}
	bare, _ := Parse("a.json", "", []byte(`{"type":"ollama","base_url":"http://a.example"}`))
	if moved, _ := Parse("a.json", "", []byte(`{"type":"ollama","base_url":"http://b.example"}`)); moved.Redirected(bare) != "" {
		t.Error("an auth that sends nothing is redirected")
	}
}
