package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/state"
)

// serveFlags are the flags of serve as given.
type serveFlags struct {
	config          string
	shutdownTimeout time.Duration
	socketMode      octalMode
	dumpable        bool
}

func (a *app) serveCommand() *cobra.Command {
	f := serveFlags{socketMode: 0o600}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the broker",
		Long: "serve runs the broker until SIGINT or SIGTERM; a second one ends it at once. Changed configuration files are\n" +
			"picked up by themselves; SIGHUP looks at them now.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.shutdownTimeout < 0 {
				return usageErrorf("--shutdown-timeout must not be below zero")
			}
			return a.serve(cmd.Context(), f)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.config, "config", "", "configuration file; without it: defaults and an empty pool")
	fs.DurationVar(&f.shutdownTimeout, "shutdown-timeout", 10*time.Second, "longest wait for running calls at the end")
	fs.BoolVar(&f.dumpable, "dumpable", false, "allow core dumps and debuggers, which show every secret")
	fs.Var(&f.socketMode, "socket-mode", "permissions of Unix sockets")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}

// serve runs a broker until ctx is cancelled.
func (a *app) serve(ctx context.Context, f serveFlags) error {
	if !f.dumpable && a.withholdMemory != nil {
		if err := a.withholdMemory(); err != nil {
			return err
		}
	}
	defer a.collectLess()()
	defer a.respectContainer()()
	// From here on SIGHUP does not end the process, also while it starts.
	hangup, release := a.hangup()
	defer release()
	lines := server.NewLogBuffer(a.stderr)
	d, err := a.newDaemon(ctx, f, lines)
	if err == nil {
		d.hangup = hangup
		err = d.run(ctx)
	}
	return errors.Join(err, lines.Close())
}

// gcPercent makes the collector run less often than by default. A broker's live heap is small beside the garbage of its
// calls: with 64 small unary calls in flight the server took 0.65 times the CPU for each that it takes at 100 percent.
const gcPercent = 400

// collectLess sets gcPercent unless the environment has a word on it, until undo. GOMEMLIMIT is the runtime's own matter.
func (a *app) collectLess() (undo func()) {
	if _, set := a.getenv("GOGC"); set {
		return func() {}
	}
	before := debug.SetGCPercent(gcPercent)
	return func() { debug.SetGCPercent(before) }
}

// newSeed starts the generator of backoff jitter and group cursors.
func newSeed() uint64 {
	var seed [8]byte
	// crypto/rand ends the program rather than fail.
	_, _ = rand.Read(seed[:])
	return binary.LittleEndian.Uint64(seed[:])
}

// newKeys makes keys that nobody can foresee: whoever knows them could make sessions that collide, or find out whether a
// secret is in the pool.
func newKeys() state.Keys {
	var keys state.Keys
	_, _ = rand.Read(keys.Session[:])
	_, _ = rand.Read(keys.Fingerprint[:])
	return keys
}
