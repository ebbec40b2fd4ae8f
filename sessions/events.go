package sessions

import (
	"bytes"
	"slices"
)

// events calls f with the data of each event of a stream of server-sent events. An event that the end of the stream cuts
// off counts as far as it goes.
func events(stream []byte, f func(data []byte)) {
	var data []byte
	for len(stream) > 0 {
		var line []byte
		line, stream = cutLine(stream)
		if len(line) == 0 {
			if data != nil {
				f(data)
			}
			data = nil
			continue
		}
		value, isData := bytes.CutPrefix(line, []byte("data"))
		if !isData || len(value) > 0 && value[0] != ':' {
			continue
		}
		value = bytes.TrimPrefix(bytes.TrimPrefix(value, []byte(":")), []byte(" "))
		if data == nil {
			data = slices.Clip(value) // more lines of it go elsewhere
		} else {
			data = append(append(data, '\n'), value...)
		}
	}
	if data != nil {
		f(data)
	}
}

// cutLine cuts the first line off, which ends with a line feed, a carriage return, or both.
func cutLine(stream []byte) (line, rest []byte) {
	end := bytes.IndexAny(stream, "\r\n")
	if end < 0 {
		return stream, nil
	}
	line, rest = stream[:end], stream[end+1:]
	if stream[end] == '\r' {
		rest = bytes.TrimPrefix(rest, []byte("\n"))
	}
	return line, rest
}

// isEvents reports whether a text begins as a stream of server-sent events does.
func isEvents(text []byte) bool {
	line, _ := cutLine(text)
	name, _, _ := bytes.Cut(line, []byte(":"))
	switch string(name) {
	case "":
		return len(line) > 0 // a comment
	case "data", "event", "id", "retry":
		return true
	default:
		return false
	}
}
