package config

import (
	"fmt"
	"strings"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector"
)

// State is where runtime state is kept beyond the process. Changing it takes a restart.
type State struct {
	// Path of the file of the embedded engine, a relative one already joined to the folder of the file; empty: nothing is
	// kept on this machine.
	Path string
	// Redis shares state with other replicas.
	Redis Redis
}

// Redis is a server, or several, that replicas share.
type Redis struct {
	// Addresses of the server, of nodes of a cluster, or of the sentinels; none: nothing is shared.
	Addresses []string
	// Namespace keeps fleets that share a server apart.
	Namespace string
	// Username of the ACL; empty: the default user.
	Username string
	Password selector.Secret
	// Database to select, on a server that is no cluster.
	Database int
	// Secret of the fleet, for MACs; empty: there are none.
	Secret selector.Secret
	TLS    RedisTLS
	// Sentinel says how to find the server, if it has a Master.
	Sentinel Sentinel
}

// RedisTLS is how connections are encrypted.
type RedisTLS struct {
	// Enabled where any of the others is given, unless it says otherwise.
	Enabled bool
	// CA is the path of the certificates that are trusted; empty: those of the system.
	CA string
	// Cert and Key are the paths of the certificate that the broker shows; empty: none.
	Cert string
	Key  string
	// ServerName that certificates must be for; empty: the host of the address.
	ServerName string
	// Insecure trusts every certificate.
	Insecure bool
}

// Sentinel is who watches the servers and knows the present master.
type Sentinel struct {
	Master   string
	Username string
	Password selector.Secret
}

const (
	// defaultStateFile lies beside the YAML file.
	defaultStateFile = "credbroker.db"
	defaultNamespace = "default"

	maxNamespace = 64
	maxRedis     = 64
	maxDatabase  = 1023
	maxUsername  = 256

	minFleetSecret = 32
)

func (l *loader) state() document.Type {
	s := &l.into.State
	return document.Object(document.Keys{
		"path": orEmpty(&s.Path, l.path).With(document.Schema{"default": defaultStateFile}).
			Doc("File of this broker alone. A relative one lies beside this file. Empty: nothing is kept on this machine."),
		"redis": l.redis(&s.Redis).Doc("Redis or Valkey that brokers share."),
	})
}

func (l *loader) redis(r *Redis) document.Type {
	return document.Object(document.Keys{
		"addresses": document.List(&r.Addresses, maxRedis, server).
			Doc("host:port of the server, of nodes of a cluster, or of sentinels. Absent or empty: nothing is shared."),
		"namespace": document.Text(&r.Namespace, maxNamespace, wrongNamespace).
			With(document.Schema{"pattern": "^[A-Za-z0-9._-]{1,64}$"}).Doc("Keeps fleets that share a server apart."),
		"username": authdoc.Line(&r.Username, maxUsername).Doc("User of the ACL. Absent: the default user."),
		"password": l.password(&r.Password).Doc("Password of the user."),
		"secret": l.fleetSecret(&r.Secret).Doc("Secret of the fleet, the same for all its brokers, of 32 bytes or more: what stands in " +
			"the store without its MAC is passed over. Absent: everything is believed."),
		"database": document.Integer(&r.Database, 0, maxDatabase).Doc("Database to select, on a server that is no cluster."),
		"tls":      l.redisTLS(&r.TLS).Doc("How connections are encrypted."),
		"sentinel": l.sentinel(&r.Sentinel).Doc("Sentinels that know which server is the master; addresses are theirs then."),
	}).Then(func(v document.Value) {
		if v.Len() > 0 && !v.Has("addresses") {
			v.Problemf("has no addresses; allowed: addresses with the other keys, or none of them")
		}
	})
}

func server(to *string) document.Type {
	return document.Text(to, maxPath, wrongServer).
		With(document.Schema{"pattern": "^.+:[0-9]{1,5}$", "not": document.Schema{"pattern": "^unix:"}})
}

func (l *loader) password(to *selector.Secret) document.Type {
	return l.secret(func(text string) { *to = selector.NewSecret(text) })
}

// fleetSecret is a secret that is long enough to be nobody's guess.
func (l *loader) fleetSecret(to *selector.Secret) document.Type {
	size := 0
	return l.secret(func(text string) { *to, size = selector.NewSecret(text), len(text) }).Then(func(v document.Value) {
		if size > 0 && size < minFleetSecret {
			v.Problemf("has %d bytes; allowed: at least %d, such as those of `openssl rand -base64 32`", size, minFleetSecret)
		}
	})
}

func (l *loader) redisTLS(t *RedisTLS) document.Type {
	return document.Object(document.Keys{
		"enabled": document.Boolean(&t.Enabled).With(document.Schema{"default": nil}).
			Doc("Connections are encrypted. Absent: they are if any other of these keys is there."),
		"ca":          l.path(&t.CA).Doc("File of the certificates that are trusted. Absent: those of the system."),
		"cert":        l.path(&t.Cert).Doc("File of the certificate that the broker shows."),
		"key":         l.path(&t.Key).Then(func(document.Value) { l.noteExposed(t.Key) }).Doc("File of the key of that certificate."),
		"server_name": authdoc.Line(&t.ServerName, maxUsername).Doc("Name that the server's certificate must be for. Absent: the host of the address."),
		"insecure":    document.Boolean(&t.Insecure).Doc("Every certificate is trusted."),
	}).With(document.Schema{"dependentRequired": map[string][]string{"cert": {"key"}, "key": {"cert"}}}).Then(func(v document.Value) {
		if v.Len() > 0 && !v.Has("enabled") {
			t.Enabled = true
		}
		if v.Has("cert") != v.Has("key") {
			v.Problemf("has one of cert and key; allowed: both or none")
		}
	})
}

func (l *loader) sentinel(s *Sentinel) document.Type {
	return document.Object(document.Keys{
		"master":   authdoc.Line(&s.Master, maxUsername).Doc("Name that they watch the server by."),
		"username": authdoc.Line(&s.Username, maxUsername).Doc("User at the sentinels. Absent: the default user."),
		"password": l.password(&s.Password).Doc("Password at the sentinels."),
	}).Then(func(v document.Value) {
		if v.Len() > 0 && !v.Has("master") {
			v.Problemf("has no master; allowed: the name that the sentinels watch the server by")
		}
	})
}

func wrongServer(text string) string {
	if strings.HasPrefix(text, "unix:") || wrongAddress(text) != "" || strings.HasPrefix(text, ":") {
		return document.Quote(text) + " is no address of a server; allowed: host:port"
	}
	return ""
}

func wrongNamespace(text string) string {
	allowed := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return !allowed(r) }) {
		return fmt.Sprintf("%s is no namespace; allowed: 1 to %d letters, digits, `.`, `_` and `-`", document.Quote(text), maxNamespace)
	}
	return ""
}
