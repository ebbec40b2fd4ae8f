package verdict

import (
	"cmp"
	"strings"
	"time"
	"unicode/utf8"
)

// instant finds an instant that a sentence prints with its zone: `resets at 2026-10-12 08:00 UTC`, `until Oct 12, 9am
// (America/Los_Angeles)`, `available again at 10:00 UTC`. A date alone is its start in UTC; an hour without a zone is nothing
// that can be believed.
func (s sentences) instant(bound time.Duration) (hint, bool) {
	for _, verb := range s.instants {
		if !s.contains(verb) {
			continue
		}
		rest := s.text
		for range maxPlaces {
			before, after, found := strings.Cut(rest, verb.text)
			if !found {
				break
			}
			rest = after
			if verb.text[0] < utf8.RuneSelf {
				before = ""
			}
			if h, ok := s.instantIn(before, after, bound); ok {
				return h, true
			}
		}
	}
	return hint{}, false
}

// instantIn looks for an instant soon after a verb, or, as Chinese has it, soon before.
func (s sentences) instantIn(before, after string, bound time.Duration) (hint, bool) {
	const soon = 64 // bytes
	for _, near := range [...]string{after[:min(len(after), soon)], before[max(0, len(before)-soon):]} {
		for at := range len(near) {
			if at > 0 && isWord(near[at-1]) || !isWord(near[at]) {
				continue
			}
			instant, ok := readInstant(near[at:], s.clock, s.zones, s.zone())
			if h, valid := bounded(instant.Sub(s.clock), ok, bound); valid {
				return h, true
			}
		}
	}
	return hint{}, false
}

// zone is that of hours without one: nil, unless the text says elsewhere that it is Beijing's.
func (s sentences) zone() *time.Location {
	if s.contains(s.beijing) {
		return s.zones["beijing"]
	}
	return nil
}

// readInstant reads an instant at the start of a text in lower case. An hour without a zone is nothing, or in the zone given.
func readInstant(s string, now time.Time, zones zoneTable, otherwise *time.Location) (time.Time, bool) {
	day, rest, dated := readDate(s, now)
	rest = strings.TrimLeft(rest, " ,t")
	rest = strings.TrimPrefix(rest, "at ")
	clock, after, timed := readClock(rest)
	if !timed {
		// Without an hour only a whole date is one; `2026-10-12 soon` is as good.
		return day.start(time.UTC), dated && day.year > 0
	}
	zone, ok := zones.read(after)
	if !ok && otherwise == nil {
		return time.Time{}, false
	}
	zone = cmp.Or(zone, otherwise)
	guessed := day.year == 0
	if today := dateOf(now.In(zone)); !dated {
		day = today
	} else if guessed {
		day.year = today.year
	}
	instant := day.start(zone).Add(clock)
	switch {
	case !dated && !instant.After(now):
		instant = instant.AddDate(0, 0, 1)
	case guessed && !instant.After(now):
		instant = instant.AddDate(1, 0, 0)
	}
	return instant, true
}

// date is a day of a calendar. A year that is not told is 0.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time) date { return date{t.Year(), t.Month(), t.Day()} }

func (d date) start(zone *time.Location) time.Time {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, zone)
}

// readDate reads `2026-10-12`, `2026/10/12`, `oct 12, 2026`, `october 12th`, `12 oct 2026`, `tomorrow`.
func readDate(s string, now time.Time) (d date, rest string, ok bool) {
	if len(s) >= len(time.DateOnly) && digits(s) == 4 && (s[4] == '-' || s[4] == '/') {
		t, err := time.Parse(time.DateOnly, strings.ReplaceAll(s[:len(time.DateOnly)], "/", "-"))
		return dateOf(t), s[len(time.DateOnly):], err == nil
	}
	if d, rest, ok = chineseDate(s); ok {
		return d, rest, true
	}
	if rest, ok = strings.CutPrefix(s, "tomorrow"); ok {
		return dateOf(now.UTC().AddDate(0, 0, 1)), rest, true
	}
	if d, rest, ok = readWeekday(s, now); ok {
		return d, rest, true
	}
	rest = s
	if n := digits(s); n == 1 || n == 2 {
		d.day, rest = atoi(s[:n]), trimOrdinal(s[n:])
	}
	d.month, rest, ok = readMonth(strings.TrimLeft(rest, " "))
	if !ok {
		return date{}, s, false
	}
	rest = strings.TrimLeft(rest, " .")
	if n := digits(rest); d.day == 0 && (n == 1 || n == 2) {
		d.day, rest = atoi(rest[:n]), trimOrdinal(rest[n:])
	}
	if after := strings.TrimLeft(rest, " ,"); digits(after) == 4 {
		d.year, rest = atoi(after[:4]), after[4:]
	}
	return d, rest, 1 <= d.day && d.day <= 31
}

// chineseDate reads `2026年10月12日`, and `10月12日`.
func chineseDate(s string) (d date, rest string, ok bool) {
	rest = s
	if n := digits(rest); n == 4 {
		after, found := strings.CutPrefix(rest[n:], "年")
		if !found {
			return date{}, s, false
		}
		d.year, rest = atoi(rest[:n]), strings.TrimLeft(after, " ")
	}
	for _, part := range [...]struct {
		to   *int
		mark string
	}{{(*int)(&d.month), "月"}, {&d.day, "日"}} {
		n := digits(rest)
		after, found := strings.CutPrefix(strings.TrimLeft(rest[n:], " "), part.mark)
		if n == 0 || n > 2 || !found {
			return date{}, s, false
		}
		*part.to, rest = atoi(rest[:n]), strings.TrimLeft(after, " ")
	}
	return d, rest, 1 <= d.month && d.month <= 12 && 1 <= d.day && d.day <= 31
}

// readWeekday reads the name of a day of the week: the next one, which is not today.
func readWeekday(s string, now time.Time) (date, string, bool) {
	for after := 1; after <= 7; after++ {
		day := now.UTC().AddDate(0, 0, after)
		name := lower(day.Weekday().String())
		for _, written := range [...]string{name, name[:3]} {
			rest, ok := strings.CutPrefix(s, written)
			if !ok || rest != "" && isWord(rest[0]) {
				continue
			}
			if d, after, dated := readDate(strings.TrimLeft(rest, " ,."), now); dated {
				return d, after, true // `Sat, 10 Oct 2026`
			}
			return dateOf(day), rest, true
		}
	}
	return date{}, s, false
}

func trimOrdinal(s string) string {
	for _, suffix := range [...]string{"st", "nd", "rd", "th"} {
		if rest, ok := strings.CutPrefix(s, suffix); ok {
			return rest
		}
	}
	return s
}

func readMonth(s string) (time.Month, string, bool) {
	end := 0
	for end < len(s) && 'a' <= s[end] && s[end] <= 'z' {
		end++
	}
	const shortest = 3
	for month := time.January; end >= shortest && month <= time.December; month++ {
		if strings.HasPrefix(lower(month.String()), s[:end]) {
			return month, s[end:], true
		}
	}
	return 0, s, false
}

// readClock reads `10:00`, `10:00:30.5`, `3pm`, `3:04 pm`, `midnight` as the time since the start of the day.
func readClock(s string) (since time.Duration, rest string, ok bool) {
	if rest, ok = strings.CutPrefix(s, "midnight"); ok {
		return 0, rest, true
	}
	n := digits(s)
	if n == 0 || n > 2 {
		return 0, s, false
	}
	hour, rest := atoi(s[:n]), s[n:]
	since = time.Duration(hour) * time.Hour
	for _, unit := range [...]time.Duration{time.Minute, time.Second} {
		if len(rest) < 3 || rest[0] != ':' || digits(rest[1:]) != 2 {
			break
		}
		since, rest, ok = since+time.Duration(atoi(rest[1:3]))*unit, rest[3:], true
	}
	if strings.HasPrefix(rest, ".") {
		rest = rest[1+digits(rest[1:]):]
	}
	trimmed := strings.TrimLeft(rest, " ")
	if half := strings.HasPrefix(trimmed, "pm"); half || strings.HasPrefix(trimmed, "am") {
		since, rest, ok = since%(12*time.Hour), trimmed[2:], true
		if half {
			since += 12 * time.Hour
		}
	}
	return since, rest, ok && hour < 24
}
