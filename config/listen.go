package config

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/internal/document"
)

// Listen is where the broker can be reached.
type Listen struct {
	// GRPC has at least one listener.
	GRPC []Listener
	// HTTP is for metrics and health; without an address: off.
	HTTP Listener
	// Insecure is that of every listener.
	Insecure bool
	// Reflection: the gRPC listeners tell callers which methods there are.
	Reflection bool
}

// Listener is one address, and what is asked of those who connect.
type Listener struct {
	// Address is `host:port`, or `unix:///path` for a socket.
	Address string
	// TLS encrypts; nil: nothing does.
	TLS *TLS
	// Services that are served there, each a constant below; none: all.
	Services []string
	// Socket is the file of a Unix socket.
	Socket Socket
	// Insecure allows what other machines can reach to be neither encrypted nor authenticated.
	Insecure bool
}

// The services of a gRPC listener.
const (
	ServiceGateway = "gateway"
	ServiceAdmin   = "admin"
	ServiceHealth  = "health"
)

// Socket is how the file of a Unix socket is made.
type Socket struct {
	// Mode is its permissions; nil: as the command line says.
	Mode *fs.FileMode
	// Owner and Group by name or number; empty: the broker's.
	Owner, Group string
}

// TLS is how connections are encrypted, and who may make them.
type TLS struct {
	// Cert and Key are the paths of the certificate that the broker shows.
	Cert, Key string
	// ClientCA is the path of the authorities whose certificates clients must have; empty: they need none.
	ClientCA string
	// MinVersion of the protocol, as crypto/tls numbers it.
	MinVersion uint16
	// SPIFFE takes the place of the files.
	SPIFFE *SPIFFE

	// Files is what the files hold; nil with SPIFFE.
	Files  *tls.Config
	digest [sha256.Size]byte // of the files
}

// SPIFFE is where certificates and trust come from.
type SPIFFE struct {
	// Socket of the Workload API, as `unix:///path`.
	Socket string
	// TrustDomains of clients; none: the broker's own.
	TrustDomains []string
}

const (
	maxTrustDomains = 64
	maxTrustDomain  = 255
	maxPEM          = 1 << 20
	maxUser         = 64
)

// IsLocal tells whether only this machine reaches the listener.
func (l *Listener) IsLocal() bool { return isLocal(l.Address) }

func (l *loader) listen() document.Type {
	listen := &l.into.Listen
	return document.Object(document.Keys{
		"grpc":     l.listeners(&listen.GRPC).Doc("Addresses of the gRPC API."),
		"http":     l.orOff(&listen.HTTP).Doc("Address of metrics and health. Empty text: off."),
		"insecure": document.Boolean(&listen.Insecure).Doc("Says insecure for every address."),
		"reflection": document.Boolean(&listen.Reflection).
			Doc("The gRPC addresses tell which services and methods there are, as grpcurl asks for."),
	})
}

// listeners take the place of the default ones.
func (l *loader) listeners(to *[]Listener) document.Type {
	defaults := *to
	addresses := make([]string, len(defaults))
	for i, d := range defaults {
		addresses[i] = d.Address
	}
	one := func(to *Listener) document.Type { return l.listener(to, ServiceGateway, ServiceAdmin, ServiceHealth) }
	list := document.List(to, maxListen, one).With(document.Schema{"type": "array", "minItems": 1, "default": addresses})
	return list.Then(func(v document.Value) {
		if v.IsNull() || v.Kind() == document.KindList && v.Len() == 0 {
			v.Problemf("is empty; allowed: at least one address")
		}
		*to = (*to)[len(defaults):]
	})
}

// orOff also takes empty text, which stands for no listener.
func (l *loader) orOff(to *Listener) document.Type {
	return document.NewType(func() document.Schema {
		return document.Schema{
			"anyOf":   []document.Schema{l.listener(new(Listener)).Schema(), {"const": ""}},
			"default": to.Address,
		}
	}, func(v document.Value) {
		if *to = (Listener{}); v.Kind() != document.KindText || v.Literal() != "" {
			v.Read(l.listener(to))
		}
	})
}

// written is a listener, and where it stands in the file.
type written struct {
	value    document.Value
	listener *Listener
	http     bool // metrics keep to themselves what needs more
}

// listener is an address, or a mapping that has one.
func (l *loader) listener(to *Listener, services ...string) document.Type {
	alone := address(&to.Address)
	keys := document.Keys{
		"address":  address(&to.Address).Doc("host:port, or unix:///path."),
		"tls":      document.Optional(&to.TLS, l.serverTLS).Doc("Encrypts connections, and says who may make them."),
		"socket":   socket(&to.Socket).Doc("The file of a Unix socket."),
		"insecure": document.Boolean(&to.Insecure).Doc("Allows an address that other machines can reach without encryption and callers."),
	}
	if len(services) > 0 {
		one := func(to *string) document.Type { return document.Enum(to, services...) }
		keys["services"] = document.List(&to.Services, len(services), one).
			Doc("What is served there: the API for gateways, the one for operators, health checks. Absent: all.")
	}
	whole := document.Object(keys).Requires("address").Then(func(v document.Value) {
		unix := strings.HasPrefix(to.Address, unixPrefix)
		if unix && v.Has("tls") {
			v.Under("tls").Problemf("is for host:port; a Unix socket does not need it")
		}
		if !unix && v.Has("socket") {
			v.Under("socket").Problemf("is for unix:///path")
		}
	})
	schema := func() document.Schema {
		return whole.With(alone.Schema()).With(document.Schema{"type": []any{"string", "object"}, "default": nil}).Schema()
	}
	return document.NewType(schema, func(v document.Value) {
		if v.Kind() == document.KindMapping {
			v.Read(whole)
			l.written = append(l.written, written{v.Under("address"), to, len(services) == 0})
			return
		}
		v.Read(alone)
		l.written = append(l.written, written{v, to, len(services) == 0})
	})
}

func address(to *string) document.Type {
	return document.Text(to, maxPath, wrongAddress).With(document.Schema{"anyOf": []document.Schema{
		{"pattern": "^unix:///.*[^/]$", "maxLength": 110}, {"pattern": ":[0-9]{1,5}$"},
	}})
}

// checkListeners looks at what each address by itself cannot show.
func (l *loader) checkListeners() {
	seen := make(map[string]bool)
	for _, w := range l.written {
		text := w.listener.Address
		if text == "" {
			continue // off, or refused
		}
		if seen[text] && !strings.HasSuffix(text, ":0") {
			w.value.Problemf("%s is listed twice", document.Quote(text))
		}
		seen[text] = true
		if isLocal(text) || l.into.Listen.Insecure || w.listener.Insecure || w.http || slices.Equal(w.listener.Services, []string{ServiceHealth}) {
			continue
		}
		switch {
		case w.listener.TLS == nil:
			w.value.Problemf("%s can be reached from other machines, and what is sent there is neither encrypted nor authenticated; "+
				"allowed: a loopback address such as 127.0.0.1:7420, unix:///path, tls with callers, services: [health], or insecure: true",
				document.Quote(text))
		case len(l.into.Callers) == 0:
			w.value.Problemf("%s can be reached from other machines, and everybody there could do everything; "+
				"allowed: callers, services: [health], or insecure: true", document.Quote(text))
		}
	}
}

func socket(s *Socket) document.Type {
	return document.Object(document.Keys{
		"mode":  octal(&s.Mode).Doc("Permissions in octal, such as 0660. Absent: as --socket-mode says."),
		"owner": authdoc.Line(&s.Owner, maxUser).Doc("User that it belongs to, by name or number. Absent: the broker's."),
		"group": authdoc.Line(&s.Group, maxUser).Doc("Group that it belongs to, by name or number. Absent: the broker's."),
	})
}

func octal(to **fs.FileMode) document.Type {
	return document.NewType(func() document.Schema {
		return document.Schema{"type": []any{"string", "integer"}, "pattern": "^[0-7]{3,4}$"}
	}, func(v document.Value) {
		text, ok := v.Scalar(maxUser)
		if !ok {
			return
		}
		bits, err := strconv.ParseUint(text, 8, 9)
		if err != nil {
			v.Problemf("is not the mode of a file; allowed: permission bits in octal, such as 0600 or 0660")
			return
		}
		*to = new(fs.FileMode(bits))
	})
}

func (l *loader) serverTLS(t *TLS) document.Type {
	t.MinVersion = tls.VersionTLS13
	return document.Object(document.Keys{
		"cert":        l.path(&t.Cert).Doc("File of the certificate that the broker shows, with its chain, as PEM."),
		"key":         l.path(&t.Key).Doc("File of the key of that certificate."),
		"client_ca":   l.path(&t.ClientCA).Doc("File of the authorities of clients: who has no certificate of theirs cannot connect. Absent: clients need none."),
		"min_version": version(&t.MinVersion).Doc("The least version of TLS."),
		"spiffe":      document.Optional(&t.SPIFFE, spiffe).Doc("Certificates and trust come from a Workload API instead; clients must have certificates."),
	}).Then(func(v document.Value) {
		switch {
		case t.SPIFFE != nil && (v.Has("cert") || v.Has("key") || v.Has("client_ca")):
			v.Problemf("has spiffe and files; allowed: one or the other")
		case v.Has("spiffe"):
		case !v.Has("cert") || !v.Has("key"):
			v.Problemf("has no certificate; required: cert and key, or spiffe")
		default:
			l.readTLS(t, v)
		}
	})
}

func version(to *uint16) document.Type {
	return document.NewType(func() document.Schema {
		return document.Schema{"enum": []any{"1.2", "1.3", 1.2, 1.3}, "default": "1.3"}
	}, func(v document.Value) {
		switch text, _ := v.Scalar(maxUser); text {
		case "1.2":
			*to = tls.VersionTLS12
		case "1.3":
			*to = tls.VersionTLS13
		default:
			v.Problemf("is no version of TLS; allowed: 1.2 and 1.3")
		}
	})
}

func spiffe(s *SPIFFE) document.Type {
	return document.Object(document.Keys{
		"socket": document.Text(&s.Socket, maxPath, wrongWorkloadSocket).With(document.Schema{"pattern": "^unix:///.*[^/]$"}).
			Doc("Socket of the Workload API, such as unix:///run/spire/agent.sock."),
		"trust_domains": document.List(&s.TrustDomains, maxTrustDomains, ruled(maxTrustDomain, wrongTrustDomain)).
			Doc("Trust domains of clients. Absent: that of the broker's own certificate."),
	}).Requires("socket")
}

// readTLS reads the files. What is in them is not repeated.
func (l *loader) readTLS(t *TLS, v document.Value) {
	cert, certOK := l.readFile(v.Under("cert"), t.Cert, maxPEM)
	key, keyOK := l.readSecret(v.Under("key"), t.Key, maxPEM)
	var authorities []byte
	authoritiesOK := true
	if t.ClientCA != "" {
		authorities, authoritiesOK = l.readFile(v.Under("client_ca"), t.ClientCA, maxPEM)
	}
	if !certOK || !keyOK || !authoritiesOK {
		return
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		v.Problemf("cert and key cannot be used: %s", strings.TrimPrefix(err.Error(), "tls: "))
		return
	}
	t.Files = &tls.Config{MinVersion: t.MinVersion, Certificates: []tls.Certificate{pair}}
	t.digest = sha256.Sum256(slices.Concat(cert, []byte{0}, key, []byte{0}, authorities))
	if t.ClientCA == "" {
		return
	}
	t.Files.ClientAuth, t.Files.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !t.Files.ClientCAs.AppendCertsFromPEM(authorities) {
		v.Under("client_ca").Problemf("the file %s holds no certificate; allowed: certificates as PEM", t.ClientCA)
	}
}

// started is the part of a listener that takes a restart: all but what its files hold.
func (l Listener) started() Listener {
	if l.TLS != nil {
		t := *l.TLS
		t.Files, t.digest = nil, [sha256.Size]byte{}
		l.TLS = &t
	}
	return l
}

// started are the parts of Listen that take a restart.
func (l *Listen) started() (grpc []Listener, http Listener) {
	for _, listener := range l.GRPC {
		grpc = append(grpc, listener.started())
	}
	return grpc, l.HTTP.started()
}

// digests tell whether files of certificates changed.
func (l *Listen) digests() [][sha256.Size]byte {
	var list [][sha256.Size]byte
	for _, listener := range append(slices.Clone(l.GRPC), l.HTTP) {
		if listener.TLS != nil {
			list = append(list, listener.TLS.digest)
		}
	}
	return list
}
