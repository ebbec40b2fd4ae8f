package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// canaries are secrets of a test, by what they are. They must not be found where they do not belong, in whichever form.
type canaries map[string]string

// plant makes a secret that stands nowhere else.
func (c canaries) plant(what string) string {
	c[what] = fmt.Sprintf("canary.%02d_%s-9f86d081", len(c), strings.Repeat("QZ", 6))
	return c[what]
}

// forms are what of a text shows in any text that holds it: as it is, in hexadecimal digits, or in base64 at each of three places.
func forms(secret string) []string {
	list := []string{secret, hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	for shift := range 3 {
		text := append(bytes.Repeat([]byte{'x'}, shift), secret...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString(text)
			from := (shift*8 + 5) / 6 // digits before hold bits of what stands before
			to := len(text) * 8 / 6   // digits behind, of what stands behind
			list = append(list, encoded[from:to])
		}
	}
	return list
}

// in says which canaries a text holds.
func (c canaries) in(text string) (found []string) {
	for what, secret := range c {
		for _, form := range forms(secret) {
			if strings.Contains(text, form) {
				found = append(found, what)
				break
			}
		}
	}
	return found
}

// What finds canaries finds them in each form, wherever they stand, and not where they are not.
func TestCanariesAreFound(t *testing.T) {
	c := canaries{}
	secret := c.plant("a secret")
	for before := range 7 {
		for after := range 7 {
			text := strings.Repeat("\xff", before) + secret + strings.Repeat("\x00", after)
			for name, shown := range map[string]string{
				"plain": text, "hex": hex.EncodeToString([]byte(text)), "HEX": fmt.Sprintf("%X", text),
				"base64": base64.StdEncoding.EncodeToString([]byte(text)), "base64url": base64.URLEncoding.EncodeToString([]byte(text)),
				"raw base64": base64.RawStdEncoding.EncodeToString([]byte(text)),
			} {
				if len(c.in("some text "+shown+" more")) != 1 {
					t.Errorf("not found as %s behind %d bytes and before %d", name, before, after)
				}
			}
		}
	}
	if found := c.in(strings.Replace(secret, "QZ", "QY", 1)); len(found) > 0 {
		t.Errorf("%v found in something else", found)
	}
}
