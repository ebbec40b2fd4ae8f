package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/transport"
)

// spiffeTimeout is how long the first certificate of a Workload API may take at the start.
const spiffeTimeout = 30 * time.Second

// port is a listener that is open.
type port struct {
	net.Listener // marked for gRPC; nil: none
	*transport.Port

	key  string
	conf config.Listener
}

func (p *port) close() {
	if p.Listener != nil {
		_ = p.Listener.Close()
	}
}

// listen opens what serve listens on.
func (d *daemon) listen(ctx context.Context, l config.Listen) error {
	for i, conf := range l.GRPC {
		services := make([]string, 0, len(conf.Services))
		for _, part := range conf.Services {
			services = append(services, server.ServiceNames(part)...)
		}
		p, err := d.openPort(ctx, fmt.Sprintf("listen.grpc[%d]", i), conf, transport.NewPort(services...))
		if err != nil {
			return err
		}
		p.Listener = p.Listen(p.Listener)
		d.grpc = append(d.grpc, p)
	}
	if l.HTTP.Address == "" {
		return nil
	}
	var err error
	d.http, err = d.openPort(ctx, "listen.http", l.HTTP, transport.NewHTTPPort())
	return err
}

func (d *daemon) openPort(ctx context.Context, key string, conf config.Listener, t *transport.Port) (p port, err error) {
	p = port{Port: t, key: key, conf: conf}
	if conf.TLS != nil {
		secure := conf.TLS.Files
		if conf.TLS.SPIFFE != nil {
			source, err := openSPIFFE(ctx, key, conf.TLS)
			if err != nil {
				return p, err
			}
			d.spiffe = append(d.spiffe, source)
			secure = source.TLS()
		}
		t.Configure(secure)
	}
	file, err := d.socketFile(key, &conf.Socket)
	if err != nil {
		return p, err
	}
	p.Listener, err = listen(ctx, key, conf.Address, file)
	return p, err
}

func openSPIFFE(ctx context.Context, key string, conf *config.TLS) (*transport.SPIFFE, error) {
	wait, cancel := context.WithTimeout(ctx, spiffeTimeout)
	defer cancel()
	source, err := transport.OpenSPIFFE(wait, conf.SPIFFE.Socket, conf.SPIFFE.TrustDomains, conf.MinVersion)
	if err != nil {
		return nil, fmt.Errorf("%s.tls.spiffe: %w", key, err)
	}
	return source, nil
}

// socketFile is how the file of a Unix socket is made.
type socketFile struct {
	mode     fs.FileMode
	uid, gid int // -1: the broker's
}

func (d *daemon) socketFile(key string, conf *config.Socket) (f socketFile, err error) {
	f = socketFile{mode: fs.FileMode(d.flags.socketMode), uid: -1, gid: -1}
	if conf.Mode != nil {
		f.mode = *conf.Mode
	}
	if conf.Owner != "" {
		if f.uid, err = numberOf(conf.Owner, func(name string) (string, error) {
			u, err := user.Lookup(name)
			if err != nil {
				return "", err
			}
			return u.Uid, nil
		}); err != nil {
			return f, fmt.Errorf("%s.socket.owner: %w", key, err)
		}
	}
	if conf.Group != "" {
		if f.gid, err = numberOf(conf.Group, func(name string) (string, error) {
			g, err := user.LookupGroup(name)
			if err != nil {
				return "", err
			}
			return g.Gid, nil
		}); err != nil {
			return f, fmt.Errorf("%s.socket.group: %w", key, err)
		}
	}
	return f, nil
}

// numberOf is the number of a user or group that is given by name or number.
func numberOf(name string, lookup func(string) (string, error)) (int, error) {
	const bits = 31
	if n, err := strconv.ParseUint(name, 10, bits); err == nil {
		return int(n), nil
	}
	text, err := lookup(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, bits)
	return int(n), err
}

// own gives the file of a socket away, before anybody but the broker may connect.
func (f *socketFile) own(path string) error {
	if f.uid < 0 && f.gid < 0 {
		return nil
	}
	return os.Lchown(path, f.uid, f.gid)
}

func (d *daemon) closeSources() {
	for _, source := range d.spiffe {
		_ = source.Close()
	}
	d.spiffe = nil
}

// secureWeb encrypts the HTTP port, and keeps the metrics for their role where other machines reach it.
func (d *daemon) secureWeb(web *http.Server) {
	if d.http.Listener == nil {
		return
	}
	web.TLSConfig = d.http.Server()
	if !d.http.conf.IsLocal() {
		open := d.source.Config().Listen.Insecure || d.http.conf.Insecure
		web.Handler = d.server.BeyondMachine(web.Handler, d.http.Port, open)
	}
}

// logPorts says where the broker listens, and who may ask there.
func (d *daemon) logPorts() {
	for _, p := range append(d.grpc, d.http) {
		if p.Listener == nil {
			continue
		}
		line := d.log.Info().Str(fieldKey, p.key).Str(fieldAddress, p.Addr().String()).Bool(fieldTLS, p.Encrypts())
		if len(p.conf.Services) > 0 {
			line.Str(fieldServices, strings.Join(p.conf.Services, ", "))
		}
		line.Msg(logListening)
	}
	callers := d.source.Config().Callers
	if len(callers) == 0 {
		d.log.Info().Msg(logNoCallers)
		return
	}
	d.log.Info().Int(fieldCallers, len(callers)).Msg(logCallers)
}

// renewCertificates puts what files of certificates hold now into force.
func (d *daemon) renewCertificates(l *config.Listen) {
	for i, p := range d.grpc {
		p.renew(&l.GRPC[i])
	}
	if d.http.Listener != nil {
		d.http.renew(&l.HTTP)
	}
}

func (p *port) renew(l *config.Listener) {
	if l.TLS != nil && l.TLS.Files != nil {
		p.Configure(l.TLS.Files)
	}
}
