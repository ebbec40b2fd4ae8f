package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/credbroker/credbroker/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks to stop. From then on the signals have their usual effect, so a second one kills.
	context.AfterFunc(ctx, stop)
	// A setting of the process, so it is not for run, of which tests have several at once.
	if err := server.TuneBuffers(); err != nil {
		fmt.Fprintln(os.Stderr, "credbroker:", err)
		os.Exit(exitFailed)
	}
	os.Exit(run(ctx, os.Args[1:], process{
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		getenv: os.LookupEnv,
		now:    time.Now,
		hangup: hangups,

		withholdMemory: withholdMemory,
	}))
}

// hangups delivers SIGHUP until release is called. Without a caller SIGHUP ends the process, as it should a client.
func hangups() (signals <-chan os.Signal, release func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
