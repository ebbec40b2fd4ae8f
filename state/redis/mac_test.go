package redis

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state"
)

func testMACs(t testing.TB, secret string) *macs {
	t.Helper()
	m, err := newMACs([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What the MACs cover cannot be changed, and a record cannot be put in the place of another.
func TestMACsCoverWhatIsSigned(t *testing.T) {
	m, other := testMACs(t, "one secret"), testMACs(t, "another secret")
	tag, body, _ := strings.Cut(m.signRecord("identity:a", "name-1", `{"v":1}`), " ")
	if err := m.checkRecord("identity:a", tag, body); err != nil {
		t.Errorf("what was signed: %v", err)
	}
	for name, err := range map[string]error{
		"another field":     m.checkRecord("identity:b", tag, body),
		"another tag":       m.checkRecord("identity:a", "x"+tag, body),
		"another body":      m.checkRecord("identity:a", tag, body+" "),
		"a moved border":    m.checkRecord("identity:an", tag[1:], body),
		"no MAC":            m.checkRecord("identity:a", "name-1", body),
		"half a MAC":        m.checkRecord("identity:a", tag[:len(tag)-8], body),
		"nothing":           m.checkRecord("identity:a", "", ""),
		"another secret":    other.checkRecord("identity:a", tag, body),
		"the binding's key": (&macs{records: m.bindings, bindings: m.records}).checkRecord("identity:a", tag, body),
	} {
		if !errors.Is(err, errMAC) {
			t.Errorf("%s: %v, want %v", name, err, errMAC)
		}
	}
	if err := (*macs)(nil).checkRecord("identity:a", "name-1", body); err != nil {
		t.Errorf("without a secret: %v", err)
	}
}

func TestSignedBindingIsReadAsWritten(t *testing.T) {
	m, other := testMACs(t, "one secret"), testMACs(t, "another secret")
	rapid.Check(t, func(t *rapid.T) {
		want := state.BoundSession{
			Key: selector.SessionKey{Hi: 1, Lo: 2}, Source: rapid.Byte().Draw(t, "source"), Identity: rapid.String().Draw(t, "identity"),
			Bound: rapid.Int64().Draw(t, "bound"), Caller: rapid.StringN(0, -1, 64).Draw(t, "caller"), Ends: 5_000_000,
		}
		if want.Group = want.Key; rapid.Bool().Draw(t, "grouped") {
			want.Group.Lo = 3
		}
		value := m.signBinding(&want)
		for name, reader := range map[string]*macs{"with the secret": m, "without": nil} {
			if got, err := reader.readBinding(want.Key, 5, value); err != nil || got != want {
				t.Fatalf("read %s %+v, %v, want %+v", name, got, err, want)
			}
		}
		if _, err := other.readBinding(want.Key, 5, value); !errors.Is(err, errMAC) {
			t.Fatalf("read with another secret: %v", err)
		}
		if _, err := m.readBinding(want.Key, 5, formatBinding(&want)); !errors.Is(err, errMAC) {
			t.Fatalf("read without a MAC: %v", err)
		}
		forged := want
		forged.Identity += "x"
		if _, err := m.readBinding(want.Key, 5, value[:bindingIdentity+macSize]+m.signBinding(&forged)[bindingIdentity+macSize:]); !errors.Is(err, errMAC) {
			t.Fatalf("read with another identity: %v", err)
		}
	})
	for _, value := range []string{"\x05", "\x06" + strings.Repeat("\x00", 20), "\x08" + strings.Repeat("\x00", 25) + "\x01a"} {
		if _, err := m.readBinding(selector.SessionKey{}, 0, value); !errors.Is(err, state.ErrDamaged) {
			t.Errorf("readBinding(%q) = %v, want %v", value, err, state.ErrDamaged)
		}
	}
}

// What is below stands in Redis servers out there.
func TestSignedFormsInRedisStay(t *testing.T) {
	m := testMACs(t, "0123456789abcdef0123456789abcdef")
	b := state.BoundSession{Source: 3, Identity: "account:claude:1", Bound: 1_800_000_000_123_456_789}
	const head, identity = "\x05\x03\x18\xfa\xe2\x76\x9b\x0f\xcd\x15", "account:claude:1"
	if got := m.signBinding(&b); !strings.HasPrefix(got, head) || !strings.HasSuffix(got, identity) || len(got) != len(head)+macSize+len(identity) {
		t.Errorf("a binding is %q", got)
	}
	for name, test := range map[string]struct{ got, want string }{
		"a record": {m.signRecord("identity:a", "name-1", `{"v":1}`), `name-1.LQOHyGjQdgXTZFDleV4mKw {"v":1}`},
		"a MAC":    {fmt.Sprintf("%x", m.ofBinding(&b)), "cff359c052b88d5dee4501a8c07a0ebd"},
	} {
		if test.got != test.want {
			t.Errorf("%s is %q, want %q", name, test.got, test.want)
		}
	}
}

// BenchmarkMAC is what a MAC costs, and what HMAC-SHA-256 would: of a binding, of a usual record, and of a long one.
func BenchmarkMAC(b *testing.B) {
	m := testMACs(b, "secret")
	for _, size := range []int{50, 1 << 10, 1 << 20} {
		text := make([]byte, size)
		b.Run(fmt.Sprintf("siphash/%d bytes", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				_ = sum(m.records, text)
			}
		})
		b.Run(fmt.Sprintf("hmac-sha256/%d bytes", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				h := hmac.New(sha256.New, text[:16])
				h.Write(text)
				_ = h.Sum(nil)
			}
		})
	}
}
