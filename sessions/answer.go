package sessions

// AnswerDigest is the digest of an answer for Answered, worked out of the assistant's message or of the response that
// holds it, in any of the wire formats. It is empty if the answer says nothing.
func AnswerDigest(_ []byte) string {
	return ""
}

// Answered are the ids, with their prefixes, that the next request of a conversation names if the request with this
// Identity.State got the answer with this digest. It is empty for a state or digest that is none.
func Answered(_, _ string) []string {
	return nil
}

// ValidDigest reports whether a text can be the digest of an answer.
func ValidDigest(digest string) bool { return digest != "" }
