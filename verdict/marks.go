package verdict

import "strings"

// marks are what the names of headers say at a glance.
type marks struct {
	failure bool // one of them turns a 2xx into a failure
	window  bool // some may tell of quota windows
}

// marksOf looks at names in any case. Successes are most of the traffic: it looks at single letters first and makes nothing.
func marksOf(headers map[string]string) (m marks) {
	for name, value := range headers {
		if len(name) < len(prefixCodex) {
			continue
		}
		switch name[0] | 0x20 {
		case 'x':
			switch name[2] | 0x20 {
			case 'a':
				m.failure = m.failure || strings.EqualFold(name, headerErrorType)
			case 'c':
				m.window = m.window || hasPrefixFold(name, prefixCodex)
			case 'r':
				m.window = m.window || hasPrefixFold(name, prefixRemaining)
			}
		case 'a':
			m.window = m.window || hasPrefixFold(name, prefixAnthropic)
		case 'c':
			m.failure = m.failure || strings.EqualFold(name, headerMitigated)
		case 'g':
			m.failure = m.failure || value != "0" && strings.EqualFold(name, headerGRPCStatus)
		case ':':
			m.failure = m.failure || strings.EqualFold(name, headerException) || strings.EqualFold(name, headerErrorCode)
		}
	}
	return m
}

func hasPrefixFold(name, prefix string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}
