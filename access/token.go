package access

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// TokenPrefix begins every token, so that one that leaks is found by those who look for secrets.
const TokenPrefix = "credbroker_"

const (
	// tokenBytes of randomness: nobody guesses them.
	tokenBytes = 32
	tokenSize  = len(TokenPrefix) + (tokenBytes*8+5)/6
)

// Hash is the SHA-256 of a token. As the token is random and long, a plain hash is as good as a slow one.
type Hash [sha256.Size]byte

// NewToken writes a token with the random bytes that are given.
func NewToken(random [tokenBytes]byte) string {
	return TokenPrefix + base64.RawURLEncoding.EncodeToString(random[:])
}

// HashOf is the hash of a token. False: it is no token, so that no hash can be its.
func HashOf(token string) (Hash, bool) {
	var text [tokenSize]byte
	if len(token) != tokenSize || !strings.HasPrefix(token, TokenPrefix) {
		return Hash{}, false
	}
	copy(text[:], token) // which spares an allocation
	return sha256.Sum256(text[:]), true
}

// ParseHash reads 64 hexadecimal digits.
func ParseHash(text string) (h Hash, ok bool) {
	if len(text) != 2*len(h) {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(text))
	return h, err == nil
}

// String is what ParseHash reads.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }
