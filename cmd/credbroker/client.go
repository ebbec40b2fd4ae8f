package main

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

const (
	addressVariable = "CREDBROKER_ADDRESS"
	defaultAddress  = "127.0.0.1:7420"
	defaultTimeout  = 5 * time.Second
	// maxAnswer is well above a full page of auths that each have many cooldowns.
	maxAnswer = 256 << 20
)

// client are the flags of every command that asks a broker, and the calls themselves.
type client struct {
	*app
	address  string
	identity identity
	timeout  time.Duration
	output   outputFormat
}

// action is what a client command does with an open connection.
type action func(ctx context.Context, s *session, args []string) error

// clientCommand gives cmd the flags of a client and makes it do something.
func (a *app) clientCommand(cmd *cobra.Command, do action) *cobra.Command {
	a.newClient(cmd, do)
	return cmd
}

func (a *app) newClient(cmd *cobra.Command, do action) *client {
	c := &client{app: a, output: formatTable}
	f := cmd.Flags()
	f.StringVar(&c.address, "address", defaultAddress, "where the broker listens: host:port or unix:///path; "+addressVariable+" sets the default")
	c.identity.flags(cmd)
	f.DurationVar(&c.timeout, "timeout", defaultTimeout, "longest wait for each answer")
	f.VarP(&c.output, "output", "o", "what to print")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{string(formatTable), string(formatJSON)}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := c.open(cmd)
		if err != nil {
			return err
		}
		defer func() { _ = s.conn.Close() }()
		return s.finish(do(cmd.Context(), s, args))
	}
	return c
}

// session is one command's connection to a broker.
type session struct {
	*client
	conn   *grpc.ClientConn
	broker credbrokerv1.CredentialBrokerClient
	pool   credbrokerv1.AuthPoolClient
}

func (c *client) open(cmd *cobra.Command) (*session, error) {
	if value, set := c.getenv(addressVariable); set && value != "" && !cmd.Flags().Changed("address") {
		c.address = value
	}
	target, err := dialTarget(c.address)
	if err != nil {
		return nil, err
	}
	if c.timeout <= 0 {
		return nil, usageErrorf("--timeout must be above zero, not %s", c.timeout)
	}
	options, err := c.identity.dialOptions(c.getenv, c.address)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(target, append(options,
		// The broker is a neighbour: a proxy for the internet has no business in between.
		grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)))...)
	if err != nil {
		return nil, usageErrorf("--address %q: %w", c.address, err)
	}
	return &session{
		client: c, conn: conn,
		broker: credbrokerv1.NewCredentialBrokerClient(conn),
		pool:   credbrokerv1.NewAuthPoolClient(conn),
	}, nil
}

// dialTarget turns an address, written as in the configuration, into what grpc dials.
func dialTarget(address string) (string, error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		if !strings.HasPrefix(path, "/") {
			return "", usageErrorf("--address %q: a Unix socket is written unix:///path", address)
		}
		return address, nil
	}
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return "", usageErrorf("--address %q: must be host:port or unix:///path", address)
	}
	return "dns:///" + address, nil
}

// finish prints an error of the broker where programs look for it: with --output json, standard output holds one
// document whatever happens.
func (s *session) finish(err error) error {
	st, ok := status.FromError(err)
	if err == nil || !ok || isUsage(err) {
		return err
	}
	if s.output == formatJSON {
		if err := printStatus(s.stdout, st); err != nil {
			return err
		}
	}
	return &rpcError{status: st, address: s.address}
}

// call makes one unary call with the timeout of the command line.
func call[Req, Resp any](ctx context.Context, s *session, method func(context.Context, Req, ...grpc.CallOption) (Resp, error), req Req) (Resp, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return method(ctx, req)
}
