package sessions_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/credbroker/credbroker/sessions"
)

func TestDisplay(t *testing.T) {
	long := "header:" + strings.Repeat("x", 256)
	for _, test := range []struct{ name, id, want string }{
		{"short ids are shown as they are", "claude:e26d4046-0f88-4b09-bb5b-f863ab5fb24e", "claude:e26d4046-0f88-4b09-bb5b-f863ab5fb24e"},
		{"64 characters are short", strings.Repeat("é", 64), strings.Repeat("é", 64)},
		{"long ids keep their start", long, long[:47] + "…"},
		{"invalid UTF-8 is replaced", "user:\xff", "user:\ufffd…"},
		{"control characters are replaced", "user:\x1b[2J", "user:\ufffd[2J…"},
		{"characters that turn the text are replaced", "user:\u202eabc", "user:\ufffdabc…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := sessions.Display(test.id)
			if shown, hashed := strings.CutSuffix(test.want, "…"); hashed {
				head, hash, _ := strings.Cut(got, "…")
				if head != shown || len(hash) != 16 {
					t.Errorf("Display(%q) = %q, want %q and 16 digits", test.id, got, test.want)
				}
			} else if got != test.want {
				t.Errorf("Display(%q) = %q, want %q", test.id, got, test.want)
			}
			if n := utf8.RuneCountInString(got); n > 64 || !utf8.ValidString(got) {
				t.Errorf("Display(%q) = %q, %d characters", test.id, got, n)
			}
		})
	}
}

func TestDisplayOfDifferentIDsDiffers(t *testing.T) {
	same := "user:" + strings.Repeat("x", 100)
	for _, pair := range [][2]string{{same + "a", same + "b"}, {"user:\xfe", "user:\xff"}, {"user:\ufffd", "user:\xff"}} {
		if a, b := sessions.Display(pair[0]), sessions.Display(pair[1]); a == b {
			t.Errorf("Display of %q and %q is %q", pair[0], pair[1], a)
		}
	}
}
