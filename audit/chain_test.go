package audit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// linesOf makes the lines of a log, the first and last of which are a start and a stop.
func linesOf(t interface{ Fatal(args ...any) }, key []byte, n int, id string) []string {
	c := newChain(key)
	var lines []string
	for i := range n {
		e := Entry{Time: time.Unix(int64(i), 0), Action: "PickCredential", AuthID: id}
		switch i {
		case 0:
			e.Action = ActionStart
		case n - 1:
			e.Action = ActionStop
		}
		text, err := c.append(nil, &e)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	return lines
}

// verified writes lines to files that end behind some of them, and verifies those.
func verified(t *rapid.T, dir string, key []byte, lines []string, ends map[int]bool) *Report {
	var files []string
	var text strings.Builder
	for i, line := range lines {
		text.WriteString(line)
		if i == len(lines)-1 || ends[i] {
			name := filepath.Join(dir, "log."+string(rune('a'+len(files))))
			if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, name)
			text.Reset()
		}
	}
	slices.Reverse(files)
	report, err := Verify(files, key, Point{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Whatever is done to the lines but to cut off whole ones at the end is found, and nothing is found in what was written.
func TestVerifyFindsMutations(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var key []byte
		if rapid.Bool().Draw(t, "keyed") {
			key = []byte("a key of the test")
		}
		n := rapid.IntRange(3, 30).Draw(t, "lines")
		lines := linesOf(t, key, n, "a\u202e漢\U0001F600")
		ends := map[int]bool{rapid.IntRange(0, n-2).Draw(t, "end"): true, rapid.IntRange(0, n-2).Draw(t, "end"): true}
		if r := verified(t, dir, key, lines, ends); r.Faults > 0 || len(r.Findings) > 0 || r.Lines != int64(n) || r.Last.Seq != uint64(n) {
			t.Fatalf("Verify of what was written: %+v", r)
		}
		i := rapid.IntRange(0, n-2).Draw(t, "where") // of the last line a change is found, too, but not that it is missing
		what := rapid.SampledFrom([]string{"change", "replace", "remove", "repeat", "forge", "swap", "garbage", "tear"}).Draw(t, "what")
		switch what {
		case "change":
			at := rapid.IntRange(0, len(lines[i])-2).Draw(t, "at")
			changed := []byte(lines[i])
			changed[at] ^= byte(1 << rapid.IntRange(0, 6).Draw(t, "bit"))
			if changed[at] == '\n' {
				changed[at] = ' '
			}
			lines[i] = string(changed)
		case "replace":
			lines[i] = linesOf(t, key, n, "other")[i] // good for itself
		case "remove":
			if i == 0 {
				return // earlier files may be elsewhere
			}
			lines = slices.Delete(lines, i, i+1)
		case "repeat":
			lines = slices.Insert(lines, rapid.IntRange(i+1, n).Draw(t, "to"), lines[i])
		case "forge":
			lines = slices.Insert(lines, i+1, linesOf(t, key, n, "forged")[i+1])
		case "swap":
			lines[i], lines[i+1] = lines[i+1], lines[i]
			ends = nil // files of one line each may be in any order
		case "garbage":
			lines = slices.Insert(lines, i, "{}\n")
		case "tear":
			lines[n-1] = lines[n-1][:len(lines[n-1])-1-rapid.IntRange(0, 100).Draw(t, "torn")]
		}
		if r := verified(t, dir, key, lines, ends); r.Faults == 0 {
			t.Fatalf("Verify after %s of line %d of %d finds nothing: %+v", what, i+1, n, r)
		}
	})
}

// Who has not the key can make a chain that is good for itself, and it is no good.
func TestVerifyWithAKey(t *testing.T) {
	key := []byte("a key of the test")
	for _, tt := range []struct {
		name       string
		made, with []byte
		faults     int
	}{
		{"made and verified with the key", key, key, 0},
		{"made anew without it", nil, key, 5},
		{"made anew with another", []byte("another key of the test"), key, 5},
		{"verified without it", key, nil, 5},
		{"no key at all", nil, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(name, []byte(strings.Join(linesOf(t, tt.made, 5, "a"), "")), 0o600); err != nil {
				t.Fatal(err)
			}
			if r, err := Verify([]string{name}, tt.with, Point{}); err != nil || r.Faults != tt.faults {
				t.Errorf("Verify: %+v, %v, want %d faults", r, err, tt.faults)
			}
		})
	}
}

func TestVerifySaysWhere(t *testing.T) {
	good := linesOf(t, nil, 6, "a")
	point := func(i int) Point {
		c := newChain(nil)
		l, _ := c.read([]byte(strings.TrimSuffix(good[i], "\n")))
		return l.point()
	}
	changed := strings.Replace(good[2], `"auth_id":"a"`, `"auth_id":"b"`, 1)
	for _, tt := range []struct {
		name  string
		lines []string
		known Point
		want  []string
	}{
		{"as written", good, point(5), nil},
		{"a changed line", []string{good[0], good[1], changed, good[3], good[4], good[5]}, Point{}, []string{"log:3: was changed, or made with another key"}},
		{"a removed one", slices.Concat(good[:2], good[3:]), Point{}, []string{"log:3: before line 4, 1 of the lines from 3 on were removed"}},
		{"a changed one and two removed", []string{good[0], changed, good[4], good[5]}, Point{}, []string{
			"log:2: was changed, or made with another key", "log:3: before line 5, 2 of the lines from 2 on were removed",
		}},
		{"an inserted one", slices.Concat(good[:3], good[1:2], good[3:]), Point{}, []string{"log:4: line 2 stands behind line 3: it was inserted, repeated or moved"}},
		{"a replaced one", slices.Concat(good[:2], linesOf(t, nil, 6, "b")[2:3], good[3:]), Point{}, []string{
			"log:3: line 3 does not belong to the line before, which was replaced", "log:4: line 4 does not belong to the line before, which was replaced",
		}},
		{"the begin is elsewhere", good[2:], Point{}, []string{"log:1: the log begins with line 3: earlier files are not among these"}},
		{"a cut end", good[:4], Point{}, []string{"log:4: the log does not end with a stop: the broker is running, or was killed, or the end was cut off"}},
		{"a cut end whose last line is known", good[:4], point(5), []string{
			"log:4: the log does not end with a stop: the broker is running, or was killed, or the end was cut off",
			"log:4: line 6, which is known, is missing",
		}},
		{"another line than the known one", good, Point{6, point(4).Hash}, []string{"log:6: line 6 is not the one that is known: its hash is " + point(5).Hash}},
		{"part of a line", append(slices.Clone(good[:5]), good[5][:20]), Point{}, []string{
			"log:6: the file ends within a line: the broker was killed while it wrote, or the end was cut off",
			"log:5: the log does not end with a stop: the broker is running, or was killed, or the end was cut off",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("log", []byte(strings.Join(tt.lines, "")), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := Verify([]string{"log"}, nil, tt.known)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range r.Findings {
				got = append(got, f.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Verify finds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// A line is one JSON object in ASCII that says what the entry says, however long and strange its texts are.
func TestLines(t *testing.T) {
	const strange = "\u009b31m\u202e\u200b\U000e0041é漢\n\x00\x7f\"\\"
	c := newChain(nil)
	text, err := c.append(nil, &Entry{
		Time: time.Unix(1_800_000_000, 5).In(time.FixedZone("", 3600)), Action: "PutAuth", AuthID: strange,
		Model: strings.Repeat("é", maxText), Before: Facts{"label": strings.Repeat("x", 2*maxFact)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range text[:len(text)-1] {
		if b < ' ' || b > '~' {
			t.Fatalf("the line has the byte %#x: %s", b, text)
		}
	}
	var e Entry
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	if want := time.Unix(1_800_000_000, 5).UTC(); !e.Time.Equal(want) || e.AuthID != strange || e.Model != strings.Repeat("é", maxText/2)+"..." ||
		e.Before["label"] != strings.Repeat("x", maxFact)+"..." {
		t.Errorf("the line says %+v", e)
	}
}
