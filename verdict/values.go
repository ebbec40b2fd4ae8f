package verdict

import (
	"math"
	"slices"
	"strings"
	"time"
)

// hint is a delay from receipt that the upstream gave.
type hint struct {
	delay   time.Duration
	billing bool // the instant was named for a billing period: nothing is to be gained by trying earlier
}

// extend keeps the later of two hints.
func (h *hint) extend(other hint, ok bool) {
	if ok && other.delay > h.delay {
		*h = other
	}
}

// bounded drops what no sane server asks for: nothing, the past, and more than its class allows.
func bounded(d time.Duration, ok bool, bound time.Duration) (hint, bool) {
	if !ok || d <= 0 || d > bound {
		return hint{}, false
	}
	return hint{delay: d}, true
}

const (
	maxDigits = 14 // more than any delay or instant has, and few enough that no arithmetic below overflows
	maxValue  = 64 // bytes of a value worth reading
)

// number is a decimal as upstreams write them: digits and perhaps a fraction. Signs, exponents, NaN and Infinity are none.
type number struct {
	whole    int64
	fraction float64
}

// readNumber reads a number at the start of s and returns what follows it.
func readNumber(s string) (n number, rest string, ok bool) {
	end := digits(s)
	if end > maxDigits {
		return number{}, s, false
	}
	for i := range end {
		n.whole = n.whole*10 + int64(s[i]-'0')
	}
	rest = s[end:]
	if !strings.HasPrefix(rest, ".") {
		return n, rest, end > 0
	}
	places := digits(rest[1:])
	if places == 0 {
		return n, rest, end > 0
	}
	scale := 0.1
	for i := 1; i <= min(places, maxDigits); i++ {
		n.fraction += float64(rest[i]-'0') * scale
		scale /= 10
	}
	return n, rest[1+places:], true
}

func digits(s string) int {
	end := 0
	for end < len(s) && '0' <= s[end] && s[end] <= '9' {
		end++
	}
	return end
}

// in returns the number of units as a duration. One that is too long comes out as the longest there is.
func (n number) in(unit time.Duration) time.Duration {
	if n.whole >= math.MaxInt64/int64(unit)-1 {
		return math.MaxInt64
	}
	return time.Duration(n.whole)*unit + time.Duration(math.Round(n.fraction*float64(unit)))
}

func parseDecimal(s string) (float64, bool) {
	n, rest, ok := readNumber(strings.TrimSpace(s))
	return float64(n.whole) + n.fraction, ok && rest == ""
}

func parseUnits(s string, unit time.Duration) (time.Duration, bool) {
	n, rest, ok := readNumber(strings.TrimSpace(s))
	return n.in(unit), ok && rest == ""
}

// parseDuration reads `6m0s`, `1h34m52.896s`, `6m 11.52s`, `120ms`, `PT90S`, and nothing else.
func parseDuration(s string) (time.Duration, bool) {
	d, rest, ok := readDuration(strings.TrimPrefix(lower(strings.TrimSpace(s)), "pt"))
	return d, ok && rest == ""
}

// spokenDuration reads what people write where programs write numbers: `a minute`, `two hours`, `00:05:30`, `pt90s`.
func spokenDuration(s string) (time.Duration, bool) {
	if len(s) >= len("00:00:00") && s[2] == ':' && s[5] == ':' {
		if since, _, ok := readClock(s[:len("00:00:00")]); ok {
			return since, true
		}
	}
	word, rest, _ := strings.Cut(s, " ")
	if word == "an" {
		word = "a"
	}
	if n := slices.Index(numberWords[:], word); n >= 0 {
		unit, _ := readUnit(rest)
		return time.Duration(max(n, 1)) * unit, unit > 0
	}
	d, _, ok := readDuration(strings.TrimPrefix(s, "pt"))
	return d, ok
}

// numberWords are the numbers that stand for themselves; the first is an article.
var numberWords = [...]string{"a", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

// readDuration reads a duration at the start of s, with short or long units, parts perhaps set apart by spaces or words.
func readDuration(s string) (total time.Duration, rest string, ok bool) {
	const maxParts = 6
	rest = s
	for range maxParts {
		n, after, found := readNumber(trimBetween(rest, ok))
		if !found {
			return total, rest, ok
		}
		unit, after := readUnit(strings.TrimPrefix(after, " "))
		if unit == 0 {
			return total, rest, ok
		}
		part := n.in(unit)
		if part > math.MaxInt64-total {
			return 0, s, false
		}
		total, rest, ok = total+part, after, true
	}
	return total, rest, ok
}

// trimBetween takes away what may stand between the parts of a duration.
func trimBetween(s string, begun bool) string {
	s = strings.TrimLeft(s, " ")
	if !begun {
		return s
	}
	s = strings.TrimLeft(strings.TrimPrefix(s, ","), " ")
	return strings.TrimLeft(strings.TrimPrefix(s, "and "), " ")
}

func readUnit(s string) (time.Duration, string) {
	end := 0
	for end < len(s) && 'a' <= s[end] && s[end] <= 'z' {
		end++
	}
	if end == 0 {
		return chineseUnit(s)
	}
	return unitOf(s[:end]), s[end:]
}

func chineseUnit(s string) (time.Duration, string) {
	s = strings.TrimPrefix(s, "个") // a counter: 2 个小时
	for _, unit := range [...]struct {
		word   string
		length time.Duration
	}{
		{"毫秒", time.Millisecond}, {"秒钟", time.Second}, {"秒", time.Second}, {"分钟", time.Minute}, {"分", time.Minute},
		{"小时", time.Hour}, {"时", time.Hour}, {"天", 24 * time.Hour}, {"日", 24 * time.Hour},
	} {
		if rest, ok := strings.CutPrefix(s, unit.word); ok {
			return unit.length, rest
		}
	}
	return 0, s
}

func unitOf(word string) time.Duration {
	switch word {
	case "ms", "msec", "millisecond", "milliseconds":
		return time.Millisecond
	case "s", "sec", "secs", "second", "seconds":
		return time.Second
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour
	case "d", "day", "days":
		return 24 * time.Hour
	case "w", "week", "weeks":
		return 7 * 24 * time.Hour
	default:
		return 0
	}
}

// parseHTTPDate reads the forms that RFC 9110 allows.
func parseHTTPDate(s string) (time.Time, bool) {
	if s == "" || len(s) > maxValue {
		return time.Time{}, false
	}
	for _, layout := range [...]string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC, time.RFC1123Z} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// parseInstant reads RFC 3339, an HTTP date, or a Unix time in seconds or milliseconds, told apart by their size.
func parseInstant(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxValue {
		return time.Time{}, false
	}
	if t, err := time.Parse(time.RFC3339, strings.ToUpper(s)); err == nil {
		return t, true
	}
	if n, rest, ok := readNumber(s); ok && rest == "" {
		return n.instant()
	}
	return parseHTTPDate(s)
}

const (
	leastUnix   = 1_000_000_000   // below, a number in a header with `reset` in its name is a delay
	leastMillis = 100_000_000_000 // above, it counts milliseconds
)

func (n number) instant() (time.Time, bool) {
	switch {
	case n.whole > leastMillis:
		return time.UnixMilli(n.whole).Add(time.Duration(n.fraction * float64(time.Millisecond))), true
	case n.whole >= leastUnix:
		return time.Unix(n.whole, int64(n.fraction*float64(time.Second))), true
	default:
		return time.Time{}, false
	}
}
