package clientanswer

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/sessions"
)

// words are how the APIs write a problem.
type words struct {
	status, anthropicStatus   int
	anthropic, openAI, gemini string // error.type of both, error.status
	code                      string // error.code of OpenAI's
}

// statusOverloaded is Anthropic's own.
const statusOverloaded = 529

func wordsOf(p broker.Problem) words {
	switch p {
	case broker.ProblemLimited:
		return words{429, 429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED", "model_cooldown"}
	case broker.ProblemOverloaded:
		return words{503, statusOverloaded, "overloaded_error", "server_error", "UNAVAILABLE", "upstream_overloaded"}
	case broker.ProblemFailed:
		return words{500, 500, "api_error", "server_error", "INTERNAL", "upstream_error"}
	case broker.ProblemModel:
		return words{404, 404, "not_found_error", "invalid_request_error", "NOT_FOUND", "model_not_found"}
	case broker.ProblemRequest:
		return words{400, 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", "request_refused"}
	case broker.ProblemPinned:
		return words{503, 503, "api_error", "server_error", "UNAVAILABLE", "session_pinned"}
	case broker.ProblemReference:
		return words{400, 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", "previous_response_not_found"}
	case broker.ProblemTooLarge:
		return words{413, 413, "request_too_large", "invalid_request_error", "INVALID_ARGUMENT", "request_too_large"}
	default:
		return words{503, 503, "api_error", "server_error", "UNAVAILABLE", "auth_unavailable"}
	}
}

// Write writes an answer.
func Write(a *broker.Answer) *credbrokerv1.HttpError {
	w := wordsOf(a.Problem)
	headers := map[string]string{"Content-Type": "application/json"}
	if timed(a) {
		headers["Retry-After"] = strconv.FormatInt(SecondsUp(a.Wait), 10)
	}
	status := w.status
	var body any
	switch a.Format {
	case sessions.FormatAnthropic:
		status, body = w.anthropicStatus, anthropicBody(a, &w)
	case sessions.FormatGemini:
		body = geminiBody(a, &w)
	default:
		body = openAIBody(a, &w)
	}
	text, _ := json.Marshal(body)                                                       //nolint:errchkjson // text and numbers only
	return &credbrokerv1.HttpError{Status: int32(status), Headers: headers, Body: text} //nolint:gosec // one of a table
}

// timed: the answer says when to come back.
func timed(a *broker.Answer) bool { return a.Wait > 0 || a.Problem == broker.ProblemLimited }

// SecondsUp rounds up, so that nobody who obeys comes back too early.
func SecondsUp(d time.Duration) int64 {
	seconds := int64(d / time.Second)
	if d%time.Second > 0 {
		seconds++
	}
	return seconds
}

// shownDuration is for humans to read: the nearest second, but never 0s for a wait that is not over.
func shownDuration(d time.Duration) string {
	if d > 0 && d < time.Second {
		d = time.Second
	}
	return d.Round(time.Second).String()
}
