package redis

import (
	"errors"

	"github.com/credbroker/credbroker/state"
)

// formatKeys is how the keys are kept: one after the other. None are nothing.
func formatKeys(k state.Keys) string {
	if k == (state.Keys{}) {
		return ""
	}
	return string(append(k.Fingerprint[:], k.Session[:]...))
}

func parseKeys(text string) (k state.Keys, err error) {
	if text == "" {
		return k, nil
	}
	if len(text) != len(k.Fingerprint)+len(k.Session) {
		return k, errors.New("the keys in redis are not what credbroker keeps: another program uses this namespace")
	}
	copy(k.Fingerprint[:], text)
	copy(k.Session[:], text[len(k.Fingerprint):])
	return k, nil
}
