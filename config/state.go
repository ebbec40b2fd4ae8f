package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/selector"
)

// State is where runtime state is kept beyond the process. Changing it takes a restart.
type State struct {
	// Path of the file of the embedded engine, a relative one already joined to the folder of the file; empty: nothing is
	// kept on this machine.
	Path string `yaml:"path"`
	// Redis shares state with other replicas.
	Redis Redis `yaml:"redis"`
}

// Redis is a server, or several, that replicas share.
type Redis struct {
	// Addresses of the server, of nodes of a cluster, or of the sentinels; none: nothing is shared.
	Addresses []string `yaml:"addresses"`
	// Namespace keeps fleets that share a server apart.
	Namespace string `yaml:"namespace"`
	// Username of the ACL; empty: the default user.
	Username string          `yaml:"username"`
	Password selector.Secret `yaml:"password"`
	// Database to select, on a server that is no cluster.
	Database int      `yaml:"database"`
	TLS      RedisTLS `yaml:"tls"`
	// Sentinel says how to find the server, if it has a Master.
	Sentinel Sentinel `yaml:"sentinel"`
}

// RedisTLS is how connections are encrypted.
type RedisTLS struct {
	// Enabled where any of the others is given, unless it says otherwise.
	Enabled bool `yaml:"enabled"`
	// CA is the path of the certificates that are trusted; empty: those of the system.
	CA string `yaml:"ca"`
	// Cert and Key are the paths of the certificate that the broker shows; empty: none.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// ServerName that certificates must be for; empty: the host of the address.
	ServerName string `yaml:"server_name"`
	// Insecure trusts every certificate.
	Insecure bool `yaml:"insecure"`
}

// Sentinel is who watches the servers and knows the present master.
type Sentinel struct {
	Master   string          `yaml:"master"`
	Username string          `yaml:"username"`
	Password selector.Secret `yaml:"password"`
}

const (
	// defaultStateFile lies beside the YAML file.
	defaultStateFile = "credbroker.db"
	defaultNamespace = "default"

	maxNamespace = 64
	maxRedis     = 64
	maxDatabase  = 1023
	maxUsername  = 256
)

func (d *document) state(v value) {
	s := &d.into.State
	v.object(fields{
		"path": func(v value) {
			d.into.lines["state.path"] = v.line
			s.Path = d.optionalPath(v)
		},
		"redis": func(v value) {
			d.into.lines["state.redis"] = v.line
			d.redis(v)
		},
	})
}

// optionalPath is a path, or empty text for none.
func (d *document) optionalPath(v value) string {
	if text, ok := v.text(maxPath); !ok || text == "" {
		return ""
	}
	text, ok := v.checked(maxPath, wrongPath)
	if !ok {
		return ""
	}
	return beside(d.file, text)
}

func (d *document) redis(v value) {
	r := &d.into.State.Redis
	present := v.object(fields{
		"addresses": func(v value) { r.Addresses = v.texts(maxRedis, maxPath, wrongServer) },
		"namespace": func(v value) { r.Namespace, _ = v.checked(maxNamespace, wrongNamespace) },
		"username":  func(v value) { r.Username, _ = v.checked(maxUsername, wrongLine) },
		"password":  func(v value) { r.Password = d.password(v) },
		"database": func(v value) {
			n, _ := v.integer(0, maxDatabase)
			r.Database = int(n)
		},
		"tls":      func(v value) { d.redisTLS(v, &r.TLS) },
		"sentinel": func(v value) { d.sentinel(v, &r.Sentinel) },
	})
	if len(present) > 0 && !present["addresses"] {
		v.problemf("has no addresses; allowed: addresses with the other keys, or none of them")
	}
}

func (d *document) password(v value) selector.Secret {
	text, ok := d.secret(v)
	if !ok {
		return selector.Secret{}
	}
	return selector.NewSecret(text)
}

func (d *document) redisTLS(v value, t *RedisTLS) {
	present := v.object(fields{
		"enabled":     func(v value) { t.Enabled = v.boolean() },
		"ca":          func(v value) { t.CA = d.path(v) },
		"cert":        func(v value) { t.Cert = d.path(v) },
		"key":         func(v value) { t.Key = d.path(v) },
		"server_name": func(v value) { t.ServerName, _ = v.checked(maxUsername, wrongLine) },
		"insecure":    func(v value) { t.Insecure = v.boolean() },
	})
	if len(present) > 0 && !present["enabled"] {
		t.Enabled = true
	}
	if present["cert"] != present["key"] {
		v.problemf("has one of cert and key; allowed: both or none")
	}
}

// path is that of a file.
func (d *document) path(v value) string {
	text, ok := v.checked(maxPath, wrongPath)
	if !ok {
		return ""
	}
	return beside(d.file, text)
}

func (d *document) sentinel(v value, s *Sentinel) {
	present := v.object(fields{
		"master":   func(v value) { s.Master, _ = v.checked(maxUsername, wrongLine) },
		"username": func(v value) { s.Username, _ = v.checked(maxUsername, wrongLine) },
		"password": func(v value) { s.Password = d.password(v) },
	})
	if len(present) > 0 && !present["master"] {
		v.problemf("has no master; allowed: the name that the sentinels watch the server by")
	}
}

func wrongServer(text string) string {
	if strings.HasPrefix(text, "unix:") || wrongAddress(text) != "" || strings.HasPrefix(text, ":") {
		return quoted(text) + " is no address of a server; allowed: host:port"
	}
	return ""
}

func wrongNamespace(text string) string {
	allowed := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return !allowed(r) }) {
		return fmt.Sprintf("%s is no namespace; allowed: 1 to %d letters, digits, `.`, `_` and `-`", quoted(text), maxNamespace)
	}
	return ""
}

// equal reports whether both say the same.
func (r *Redis) equal(o *Redis) bool {
	return slices.Equal(r.Addresses, o.Addresses) && r.Namespace == o.Namespace && r.Username == o.Username &&
		r.Password.Equal(o.Password) && r.Database == o.Database && r.TLS == o.TLS &&
		r.Sentinel.Master == o.Sentinel.Master && r.Sentinel.Username == o.Sentinel.Username && r.Sentinel.Password.Equal(o.Sentinel.Password)
}
