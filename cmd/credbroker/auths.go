package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

func (a *app) authsCommand() *cobra.Command {
	return group("auths", "Look at the pool and change it",
		a.authsListCommand(), a.authsGetCommand(), a.authsEnableCommand(), a.authsDisableCommand(),
		a.authsClearCommand(), a.authsInvalidateCommand())
}

// oneAuth is a command about the auth that its argument names.
func oneAuth(use, short string) *cobra.Command {
	return &cobra.Command{Use: use + " ID", Short: short, Args: cobra.ExactArgs(1)}
}

// authCommand is clientCommand for what oneAuth makes: its argument completes.
func (a *app) authCommand(cmd *cobra.Command, do action) *cobra.Command {
	c := a.newClient(cmd, do)
	cmd.ValidArgsFunction = c.completeAuth
	return cmd
}

// completeAuth offers the ids of the broker's auths, at most one page of them, and nothing if it does not answer.
func (c *client) completeAuth(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(args) > 0 {
		return nil, none
	}
	s, err := c.open(cmd)
	if err != nil {
		return nil, none
	}
	defer func() { _ = s.conn.Close() }()
	s.timeout = min(s.timeout, time.Second) // somebody is waiting at the prompt
	resp, err := call(cmd.Context(), s, s.pool.ListAuths, &credbrokerv1.ListAuthsRequest{PageSize: pageSize})
	if err != nil {
		return nil, none
	}
	var ids []string
	for _, auth := range resp.GetAuths() {
		ids = append(ids, clean(auth.GetConfig().GetId())+"\t"+clean(auth.GetConfig().GetLabel()))
	}
	return ids, none
}

func (a *app) authsGetCommand() *cobra.Command {
	return a.authCommand(oneAuth("get", "Show one auth: configuration, state, cooldowns, sessions"),
		func(ctx context.Context, s *session, args []string) error {
			resp, err := call(ctx, s, s.pool.GetAuth, &credbrokerv1.GetAuthRequest{AuthId: args[0]})
			if err != nil {
				return err
			}
			if s.output == formatJSON {
				return printJSON(s.stdout, resp)
			}
			return s.printAuth(resp.GetAuth())
		})
}

func (a *app) authsEnableCommand() *cobra.Command {
	return a.authCommand(oneAuth("enable", "Put an auth back into rotation"),
		func(ctx context.Context, s *session, args []string) error {
			resp, err := call(ctx, s, s.pool.EnableAuth, &credbrokerv1.EnableAuthRequest{AuthId: args[0]})
			if err != nil {
				return err
			}
			if s.output == formatJSON {
				return printJSON(s.stdout, resp)
			}
			return s.printAuthLines([]*credbrokerv1.Auth{resp.GetAuth()})
		})
}

func (a *app) authsDisableCommand() *cobra.Command {
	var reason string
	cmd := oneAuth("disable", "Take an auth out of rotation; its sessions stay bound to it")
	cmd.Flags().StringVar(&reason, "reason", "", "text that is shown in listings")
	return a.authCommand(cmd, func(ctx context.Context, s *session, args []string) error {
		resp, err := call(ctx, s, s.pool.DisableAuth, &credbrokerv1.DisableAuthRequest{AuthId: args[0], Reason: reason})
		if err != nil {
			return err
		}
		if s.output == formatJSON {
			return printJSON(s.stdout, resp)
		}
		return s.printAuthLines([]*credbrokerv1.Auth{resp.GetAuth()})
	})
}

func (a *app) authsClearCommand() *cobra.Command {
	var model string
	cmd := oneAuth("clear-cooldown", "End the cooldowns of an auth")
	cmd.Flags().StringVar(&model, "model", "", "end only the cooldowns of this model; empty: all of the auth")
	return a.authCommand(cmd, func(ctx context.Context, s *session, args []string) error {
		resp, err := call(ctx, s, s.pool.ClearCooldown, &credbrokerv1.ClearCooldownRequest{AuthId: args[0], Model: model})
		if err != nil {
			return err
		}
		if s.output == formatJSON {
			return printJSON(s.stdout, resp)
		}
		_, err = fmt.Fprintf(s.stdout, "cleared %s of %s, which is %s now\n", plural(int64(resp.GetCleared()), "cooldown"),
			cell(args[0]), enumName(resp.GetAuth().GetState(), prefixState))
		return err
	})
}

func (a *app) authsInvalidateCommand() *cobra.Command {
	var req credbrokerv1.InvalidateAuthRequest
	cmd := oneAuth("invalidate", "Release every session of an auth")
	cmd.Flags().StringVar(&req.Reason, "reason", "", "text that is shown in listings")
	cmd.Flags().BoolVar(&req.Disable, "disable", false, "also take the auth out of rotation")
	return a.authCommand(cmd, func(ctx context.Context, s *session, args []string) error {
		req.AuthId = args[0]
		resp, err := call(ctx, s, s.broker.InvalidateAuth, &req)
		if err != nil {
			return err
		}
		if s.output == formatJSON {
			return printJSON(s.stdout, resp)
		}
		_, err = fmt.Fprintf(s.stdout, "released %s of %s\n", plural(resp.GetReleasedSessions(), "session"), cell(args[0]))
		return err
	})
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
