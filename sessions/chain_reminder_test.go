package sessions_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// What a client puts between reminder tags, in a part of its own, counts as instructions.
func TestChainLeavesRemindersOut(t *testing.T) {
	const said = `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`
	want := byChain(said).IDs
	for _, test := range []struct {
		name, text string
		want       bool
	}{
		{"from tag to tag", "<system-reminder>Today is Monday.</system-reminder>", true},
		{"with white space around it", " \n<system-reminder>\nToday is Monday.\n</system-reminder>\n", true},
		{"with nothing in it", "<system-reminder></system-reminder>", true},
		{"with other tags in it", "<system-reminder><date>Monday</date> \"é\"</system-reminder>", true},
		{"of goose", "<info-msg>\nIt is currently 2026-11-30 12:00:00\n</info-msg>", true},
		{"shortened by a recorder", "<system-reminder>\nToday is Mon ~425~e970eca67991", true},
		{"shortened before the words behind it", "<system-reminder>a</system-reminder> And th ~425~e970eca67991", false},
		{"cut off before its end", "<system-reminder>Today is Mon", false},
		{"a tag that is asked about", "<system-reminder>: what is that? ~ 12 ~", false},
		{"the end of another tag", "<info-msg>a</system-reminder>", false},
		{"words before it", "And? <system-reminder>Today is Monday.</system-reminder>", false},
		{"words behind it", "<system-reminder>Today is Monday.</system-reminder> And?", false},
		{"words between two", "<system-reminder>a</system-reminder> And? <system-reminder>b</system-reminder>", false},
		{"another tag", "<system-reminders>a</system-reminders>", false},
		{"the beginning of a tag", "<system-remind", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, text := range spellings(t, test.text) {
				for _, body := range []string{
					`{"messages":[{"role":"user","content":[{"type":"text","text":` + text + `},{"type":"text","text":"a"}]},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`,
					`{"messages":[{"role":"user","content":[` + text + `,"a"]},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`,
					`{"messages":[{"content":[{"text":` + text + `,"type":"text"},"a"],"role":"user"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`,
					`{"messages":[{"role":"user","content":` + text + `},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`,
					`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"user","content":` + text + `}]}`,
					`{"contents":[{"role":"user","parts":[{"text":` + text + `},{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]},{"role":"user","parts":[{"text":"c"}]}]}`,
					`{"input":[{"role":"user","content":[{"type":"input_text","text":` + text + `}]},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`,
				} {
					if got := byChain(body).IDs; slices.Equal(got, want) != test.want {
						t.Errorf("Identify(%s) = %q, that without the part %q", body, got, want)
					}
				}
			}
		})
	}
}

// spellings are JSON strings that mean the text.
func spellings(t *testing.T, text string) []string {
	t.Helper()
	var plain strings.Builder
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		t.Fatal(err)
	}
	return []string{
		plain.String(), strings.ReplaceAll(plain.String(), "/", `\/`),
		quote(text), // with < and > as \u003c and \u003e
	}
}

// A message of nothing but a reminder is no turn, wherever it stands.
func TestChainReminderAloneIsNoTurn(t *testing.T) {
	const reminder = `{"role":"user","content":[{"type":"text","text":"<system-reminder>x</system-reminder>"}]},`
	between := byChain(`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},` + reminder + `{"role":"assistant","content":"c"}]}`)
	without := byChain(`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"assistant","content":"c"}]}`)
	if !slices.Equal(between.IDs, without.IDs) {
		t.Errorf("ids %q with a reminder between two messages, %q without", between.IDs, without.IDs)
	}
	for _, body := range []string{`{"messages":[` + reminder + `{}]}`, `{"input":"<system-reminder>x</system-reminder>"}`} {
		if got := byChain(body); len(got.IDs) != 0 {
			t.Errorf("Identify(%s) = %q, want none", body, got.IDs)
		}
	}
	said := byChain(`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"<system-reminder>x</system-reminder>"},{"role":"user","content":"c"}]}`)
	if other := byChain(`{"messages":[{"role":"user","content":"a"},{"role":"user","content":"c"}]}`); said.IDs[0] == other.IDs[0] {
		t.Error("what the assistant said between reminder tags does not count")
	}
}
