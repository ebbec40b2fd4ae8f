package verdict

import (
	"slices"
	"strings"
	"time"
)

// zoneTable are the zones that upstreams name, by their names in lower case.
type zoneTable map[string]*time.Location

// zoneNames are the zones of the IANA database that may be named in a sentence: where most people live. Judging reads no
// files, so they are loaded with the rules.
var zoneNames = [...]string{
	"UTC", "Etc/UTC", "America/Los_Angeles", "America/Denver", "America/Phoenix", "America/Chicago", "America/New_York", "America/Toronto",
	"America/Vancouver", "America/Mexico_City", "America/Bogota", "America/Sao_Paulo", "America/Buenos_Aires", "Europe/London", "Europe/Dublin",
	"Europe/Lisbon", "Europe/Madrid", "Europe/Paris", "Europe/Brussels", "Europe/Amsterdam", "Europe/Berlin", "Europe/Zurich", "Europe/Vienna",
	"Europe/Rome", "Europe/Prague", "Europe/Warsaw", "Europe/Stockholm", "Europe/Oslo", "Europe/Copenhagen", "Europe/Helsinki",
	"Europe/Athens", "Europe/Bucharest", "Europe/Kiev", "Europe/Istanbul", "Europe/Moscow", "Africa/Cairo", "Africa/Lagos",
	"Africa/Johannesburg", "Asia/Jerusalem", "Asia/Dubai", "Asia/Tehran", "Asia/Karachi", "Asia/Kolkata", "Asia/Calcutta", "Asia/Dhaka",
	"Asia/Bangkok", "Asia/Saigon", "Asia/Ho_Chi_Minh", "Asia/Jakarta", "Asia/Singapore", "Asia/Kuala_Lumpur", "Asia/Manila",
	"Asia/Hong_Kong", "Asia/Shanghai", "Asia/Taipei", "Asia/Seoul", "Asia/Tokyo", "Australia/Perth", "Australia/Brisbane",
	"Australia/Sydney", "Australia/Melbourne", "Pacific/Auckland",
}

// zoneShort are short names that mean one zone only. CST is none: it is Chicago's and Beijing's.
var zoneShort = [...]struct{ name, zone string }{
	{"utc", "UTC"}, {"gmt", "UTC"}, {"z", "UTC"}, {"pst", "America/Los_Angeles"}, {"pdt", "America/Los_Angeles"},
	{"pt", "America/Los_Angeles"}, {"pacific", "America/Los_Angeles"}, {"est", "America/New_York"}, {"edt", "America/New_York"},
	{"et", "America/New_York"}, {"eastern", "America/New_York"}, {"cet", "Europe/Berlin"}, {"cest", "Europe/Berlin"},
	{"jst", "Asia/Tokyo"}, {"kst", "Asia/Seoul"}, {"sgt", "Asia/Singapore"}, {"beijing", "Asia/Shanghai"},
}

func loadZones() zoneTable {
	zones := make(zoneTable, len(zoneNames)+len(zoneShort))
	for _, name := range zoneNames {
		if zone, err := time.LoadLocation(name); err == nil {
			zones[lower(name)] = zone
		}
	}
	for _, short := range zoneShort {
		zones[short.name] = zones[lower(short.zone)]
	}
	return zones
}

// read reads a zone at the start of a text: `utc`, `(america/los_angeles)`, `+08:00`, `utc+8`, `+0800 cst`.
func (z zoneTable) read(s string) (*time.Location, bool) {
	s = strings.TrimLeft(s, " (（")
	if strings.HasPrefix(s, "北京时间") {
		return z["beijing"], true
	}
	if zone, ok := readOffset(s); ok {
		return zone, true
	}
	end := strings.IndexFunc(s, func(r rune) bool { return r != '/' && r != '_' && (r < 'a' || r > 'z') })
	if end < 0 {
		end = len(s)
	}
	name := s[:end]
	if slices.Contains([]string{"utc", "gmt"}, name) {
		if zone, ok := readOffset(s[end:]); ok {
			return zone, true
		}
	}
	zone, ok := z[name]
	return zone, ok
}

// readOffset reads `+08:00`, `-0400`, `+8`.
func readOffset(s string) (*time.Location, bool) {
	if s == "" || s[0] != '+' && s[0] != '-' {
		return nil, false
	}
	var hours, minutes int
	switch n := digits(s[1:]); {
	case n == 4:
		hours, minutes = atoi(s[1:3]), atoi(s[3:5])
	case (n == 1 || n == 2) && len(s) >= n+4 && s[n+1] == ':' && digits(s[n+2:]) == 2:
		hours, minutes = atoi(s[1:1+n]), atoi(s[n+2:n+4])
	case n == 1 || n == 2:
		hours = atoi(s[1 : 1+n])
	default:
		return nil, false
	}
	const furthest = 14 // hours
	if hours > furthest || minutes > 59 {
		return nil, false
	}
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), true
}
