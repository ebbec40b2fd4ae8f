package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// The values of error.code in the ready HTTP answers.
const (
	bodyModelCooldown   = "model_cooldown"
	bodyAuthUnavailable = "auth_unavailable"
	bodySessionPinned   = "session_pinned"
)

// errorBody is the JSON that a gateway passes on. The members are sorted by name, because the bytes are part of the
// contract; encoding/json escapes <, >, &, U+2028 and U+2029 as it asks for.
type errorBody struct {
	Error struct {
		Code         string `json:"code"`
		Message      string `json:"message"`
		Model        string `json:"model"`
		Provider     string `json:"provider,omitempty"`
		ResetSeconds *int64 `json:"reset_seconds,omitempty"`
		ResetTime    string `json:"reset_time,omitempty"`
	} `json:"error"`
}

// cooldownAnswer is the ready answer when every candidate is in a quota cooldown, the first of them for wait more.
func cooldownAnswer(model, provider string, wait time.Duration) *credbrokerv1.HttpError {
	wait = max(wait, 0)
	b := newErrorBody(bodyModelCooldown, model, provider)
	b.Error.Message = cooldownMessage(model, provider)
	return b.answer(http.StatusTooManyRequests, &wait)
}

// unavailableAnswer is the ready answer when no auth can be used. A wait of 0 means that no time is known.
func unavailableAnswer(model, provider string, wait time.Duration) *credbrokerv1.HttpError {
	b := newErrorBody(bodyAuthUnavailable, model, provider)
	b.Error.Message = unavailableMessage(model, provider)
	if wait <= 0 {
		return b.answer(http.StatusServiceUnavailable, nil)
	}
	return b.answer(http.StatusServiceUnavailable, &wait)
}

func cooldownMessage(model, provider string) string {
	return fmt.Sprintf("All credentials for model %s are cooling down%s", shownModel(model), viaProvider(provider))
}

func unavailableMessage(model, provider string) string {
	return fmt.Sprintf("No credential for model %s can be used%s", shownModel(model), viaProvider(provider))
}

func shownModel(model string) string {
	if model == "" {
		return "requested model"
	}
	return model
}

func viaProvider(provider string) string {
	if provider == "" || provider == broker.MixedProvider {
		return ""
	}
	return " via provider " + provider
}

func newErrorBody(code, model, provider string) *errorBody {
	b := &errorBody{}
	b.Error.Code, b.Error.Model = code, model
	if provider != broker.MixedProvider {
		b.Error.Provider = provider
	}
	return b
}

func (b *errorBody) answer(status int32, wait *time.Duration) *credbrokerv1.HttpError {
	headers := map[string]string{"Content-Type": "application/json"}
	if wait != nil {
		seconds := secondsUp(*wait)
		b.Error.ResetSeconds, b.Error.ResetTime = &seconds, shownDuration(*wait)
		headers["Retry-After"] = strconv.FormatInt(seconds, 10)
	}
	body, _ := json.Marshal(b) //nolint:errchkjson // text and numbers only
	return &credbrokerv1.HttpError{Status: status, Headers: headers, Body: body}
}

// secondsUp rounds up, so that nobody who obeys comes back too early.
func secondsUp(d time.Duration) int64 {
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
