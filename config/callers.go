package config

import (
	"fmt"
	"math"
	"time"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/internal/document"
)

// The limits of a caller.
const (
	maxEvidence = 64 // of each kind
	maxTokens   = 8
	maxAllow    = 256
	maxURI      = 2 << 10
	maxDNS      = 255
	maxInFlight = 1_000_000
	maxPicks    = 10_000_000
	maxStreams  = 100_000
)

func (l *loader) callers() document.Type {
	var given []document.Value
	to := &l.into.Callers
	one := func(c *access.Caller) document.Type { return caller(c, &given) }
	return document.List(to, access.MaxCallers, one).With(document.Schema{"minItems": 1}).Then(func(v document.Value) {
		if v.Kind() == document.KindList && v.Len() == 0 {
			v.Problemf("is empty; allowed: at least one caller, or no callers key, which lets everybody do everything who can connect")
		}
		if len(*to) < len(given) {
			return // some are not what they should be
		}
		_, conflicts := access.NewPolicy(*to)
		for _, c := range conflicts {
			at := given[c.Caller].Under(c.Field)
			if c.Field == "name" {
				at.Problemf("is the name of another caller, on line %d", given[c.Other].Line)
				continue
			}
			at.Problemf("number %d is one of the caller %q too, or can be; allowed: what shows one caller only", c.Index+1, (*to)[c.Other].Name)
		}
	})
}

func caller(c *access.Caller, given *[]document.Value) document.Type {
	secrets := true
	return document.Object(document.Keys{
		"name": document.Text(&c.Name, access.MaxName, access.WrongName).Doc("Names the caller in the log and in metrics."),
		"roles": roles(&c.Roles).Doc("What it may do: pick credentials, report what came of them, read the state, operate on auths and " +
			"sessions, write auths, read the metrics beyond this machine."),
		"uris": document.List(&c.URIs, maxEvidence, ruled(maxURI, access.WrongURI)).
			Doc("URI names of its certificate, SPIFFE ids among them; globs behind the first slash of the path."),
		"dns": document.List(&c.DNS, maxEvidence, ruled(maxDNS, access.WrongDNS)).Doc("DNS names of its certificate, or globs."),
		"uids": document.List(&c.UIDs, maxEvidence, func(to *uint32) document.Type {
			return document.Integer(to, 0, math.MaxUint32).With(document.Schema{"default": nil})
		}).Doc("Users of this machine that connect over a Unix socket."),
		"tokens": document.List(&c.Tokens, maxTokens, token).Doc("Bearer tokens, as `credbroker token new` prints them; two overlap while one is replaced."),
		"allow":  document.List(&c.Allow, maxAllow, allow).Doc("Auths that it may get: those that one of the rules names. Absent: all."),
		"limits": callerLimits(&c.Limits).Doc("How much it may ask for."),
		"return_secrets": document.Boolean(&secrets).Doc("Credentials that it picks hold the headers to send and the proxy. " +
			"Without them it learns which auth it is."),
	}).Requires("name", "roles").Then(func(v document.Value) {
		*given = append(*given, v)
		c.NoSecrets = !secrets
		if !v.Has("uris") && !v.Has("dns") && !v.Has("uids") && !v.Has("tokens") {
			v.Problemf("has nothing to be known by; allowed: one or more of uris, dns, uids and tokens")
		}
	})
}

func ruled(limit int, rule func(string) string) func(*string) document.Type {
	return func(to *string) document.Type { return document.Text(to, limit, rule) }
}

func roles(to *access.Roles) document.Type {
	var names []string
	return document.List(&names, len(access.RoleNames()), func(name *string) document.Type {
		return document.Enum(name, access.RoleNames()...)
	}).With(document.Schema{"type": "array", "minItems": 1}).Then(func(v document.Value) {
		if v.IsNull() || v.Kind() == document.KindList && v.Len() == 0 {
			v.Problemf("is empty; allowed: at least one role")
		}
		for _, name := range names {
			*to |= access.RoleNamed(name)
		}
	})
}

// token is one of a caller. A message never repeats what stands there: it may be the token itself.
func token(to *access.Token) document.Type {
	return document.Object(document.Keys{
		"sha256": document.NewType(func() document.Schema {
			return document.Schema{"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}
		}, func(v document.Value) {
			text, ok := v.Scalar(maxPath)
			if !ok {
				return
			}
			if to.Hash, ok = access.ParseHash(text); !ok {
				v.Problemf("is no hash; allowed: 64 hexadecimal digits, as `credbroker token new` prints them; the token itself does not belong here")
			}
		}).Doc("SHA-256 of the token, in hexadecimal digits."),
		"expires": instant(&to.Expires).Doc("When it ends, as 2027-01-31T12:00:00Z. Absent: never."),
	}).Requires("sha256")
}

// instant is a time as RFC 3339 writes it.
func instant(to *time.Time) document.Type {
	return document.NewType(func() document.Schema {
		return document.Schema{"type": "string", "format": "date-time"}
	}, func(v document.Value) {
		text, ok := v.Text(64)
		if !ok {
			return
		}
		var err error
		if *to, err = time.Parse(time.RFC3339, text); err != nil {
			v.Problemf("%s is no time; allowed: a time such as 2027-01-31T12:00:00Z", document.Quote(text))
		}
	})
}

func allow(r *access.Rule) document.Type {
	globs := func(to *[]string) document.Type { return document.List(to, maxAllow, authdoc.Glob) }
	return document.Object(document.Keys{
		"providers": globs(&r.Providers).Doc("Globs on the provider's name. Absent: any."),
		"labels":    globs(&r.Labels).Doc("Globs on the label. Absent: any."),
		"ids":       globs(&r.IDs).Doc("Globs on the id. Absent: any."),
		"domains":   globs(&r.Domains).Doc("Globs on the limit domains, of which one has to match. Absent: any."),
		"models":    globs(&r.Models).Doc("Globs on the model keys that it may ask for. Absent: any."),
	}).Then(func(v document.Value) {
		if v.Len() == 0 {
			v.Problemf("names nothing; allowed: one or more of providers, labels, ids, domains and models")
		}
	})
}

func callerLimits(to *access.Limits) document.Type {
	some := func(to *int, most int64) document.Type {
		return document.Integer(to, 1, most).With(document.Schema{"default": nil})
	}
	return document.Object(document.Keys{
		"in_flight":        some(&to.InFlight, maxInFlight).Doc("Calls that may run at once, streams left out. Absent: any number."),
		"picks_per_second": some(&to.PicksPerSecond, maxPicks).Doc("Picks that may begin in a second. Absent: any number."),
		"streams":          some(&to.Streams, maxStreams).Doc("Streams that may be open. Absent: any number."),
	})
}

// Policy is who may ask; nil where no callers are configured.
func (c *Config) Policy() *access.Policy {
	if len(c.Callers) == 0 {
		return nil
	}
	policy, conflicts := access.NewPolicy(c.Callers)
	if len(conflicts) > 0 {
		panic(fmt.Sprint("the loader lets conflicts pass: ", conflicts))
	}
	return policy
}
