package verdict

import "strings"

// xmlError is an error as older services of AWS, and stores of objects, write it: <Error><Code>...</Code><Message>...
type xmlError struct{ name, message string }

func readXML(text string) xmlError {
	if !strings.HasPrefix(text, "<") {
		return xmlError{}
	}
	folded := lower(text)
	name := element(text, folded, "code")
	if name == "" {
		name = exceptionElement(text)
	}
	return xmlError{name: name, message: element(text, folded, "message")}
}

// exceptionElement returns the name of an element that is called after the exception in it.
func exceptionElement(text string) string {
	const head = 512
	for tag := range strings.SplitSeq(text[:min(len(text), head)], "<") {
		if name, _ := letters(tag); strings.HasSuffix(name, "Exception") && strings.HasPrefix(tag, name) {
			return name
		}
	}
	return ""
}

// element returns what is in the first element of a name, in any case of letters; folded is the text in lower case.
func element(text, folded, name string) string {
	start := strings.Index(folded, "<"+name+">")
	if start < 0 {
		return ""
	}
	start += len(name) + 2
	end := strings.Index(folded[start:], "</"+name+">")
	if end < 0 {
		return ""
	}
	return strings.TrimSpace(text[start : start+end])
}
