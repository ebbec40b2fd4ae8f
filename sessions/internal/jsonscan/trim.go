package jsonscan

// Trim is a string without the white space around it, be it escaped or not.
func (v Value) Trim() Value { return v.TrimLeft().TrimRight() }

// TrimLeft is a string without the white space before it.
func (v Value) TrimLeft() Value {
	raw := v.Raw
	for len(raw) > 0 {
		char, size := rune(raw[0]), 1
		if char == '\\' {
			char, size = unescapeStrict(raw)
		}
		if !blank(char) || size == 0 {
			break
		}
		raw = raw[size:]
	}
	v.Raw = raw
	return v
}

// TrimRight is a string without the white space behind it.
func (v Value) TrimRight() Value {
	raw := v.Raw
	for len(raw) > 0 {
		size := 0
		switch char := raw[len(raw)-1]; {
		case blank(rune(char)) && char != '\\':
			size = 1
		case len(raw) >= 2 && (char == 'n' || char == 'r' || char == 't') && escaped(raw[:len(raw)-1]):
			size = 2
		case len(raw) >= 6 && raw[len(raw)-5] == 'u' && escaped(raw[:len(raw)-5]):
			if char, n := unescapeStrict(raw[len(raw)-6:]); n == 6 && blank(char) {
				size = 6
			}
		}
		if size == 0 {
			break
		}
		raw = raw[:len(raw)-size]
	}
	v.Raw = raw
	return v
}

func blank(char rune) bool { return char == ' ' || char == '\n' || char == '\t' || char == '\r' }
