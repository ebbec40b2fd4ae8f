package sessions_test

import (
	"slices"
	"testing"
)

// Thoughts that an upstream left in the text of its answer do not count, whether the client sends them back or not.
func TestChainLeavesThoughtsOut(t *testing.T) {
	want := byChain(`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`).IDs
	for _, test := range []struct {
		name, text string
		want       bool
	}{
		{"before the text", "<think>\nHm, \"é\" </thin>\n</think>\n\nb", true},
		{"with white space around them", " \n<think></think>b", true},
		{"with a tag in them", "<think><b>x</b></think>b", true},
		{"without an end", "<think>b", false},
		{"behind the text", "b<think>x</think>", false},
		{"another tag", "<thinking>x</thinking>b", false},
		{"an end alone", "</think>b", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, text := range spellings(t, test.text) {
				for _, body := range []string{
					`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":` + text + `},{"role":"user","content":"c"}]}`,
					`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":` + text + `}]},{"role":"user","content":"c"}]}`,
				} {
					if got := byChain(body).IDs; slices.Equal(got, want) != test.want {
						t.Errorf("Identify(%s) = %q, that without thoughts %q", body, got, want)
					}
				}
			}
		})
	}
	asked := byChain(`{"messages":[{"role":"user","content":"<think>x</think>b"}]}`)
	if other := byChain(`{"messages":[{"role":"user","content":"b"}]}`); asked.IDs[0] == other.IDs[0] {
		t.Error("what the person wrote between thinking tags does not count")
	}
}
