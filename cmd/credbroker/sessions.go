package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

func (a *app) sessionsCommand() *cobra.Command {
	return group("sessions", "Look at the sessions that are bound to auths, and release them",
		a.sessionsListCommand(), a.sessionsReleaseCommand())
}

func (a *app) sessionsListCommand() *cobra.Command {
	var (
		auth  string
		limit int
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List bound sessions, most recently used first",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().StringVar(&auth, "auth", "", "only sessions bound to the auth of this id")
	cmd.Flags().IntVar(&limit, "limit", 100, "list at most this many; 0: all")
	return a.clientCommand(cmd, func(ctx context.Context, s *session, _ []string) error {
		if limit < 0 {
			return usageErrorf("--limit must not be below zero")
		}
		return s.listSessions(ctx, auth, limit)
	})
}

// maxSessionsPage is the largest page that the broker gives.
const maxSessionsPage = 1000

// listSessions prints the first limit sessions as one answer; its next_page_token stays set if there are more.
func (s *session) listSessions(ctx context.Context, auth string, limit int) error {
	all := &credbrokerv1.ListSessionsResponse{}
	for {
		size := maxSessionsPage
		if limit > 0 {
			size = min(size, limit-len(all.GetSessions()))
		}
		page, err := call(ctx, s, s.pool.ListSessions, &credbrokerv1.ListSessionsRequest{
			AuthId: auth, PageSize: int32(size), PageToken: all.GetNextPageToken(),
		})
		if err != nil {
			return err
		}
		all.Sessions = append(all.Sessions, page.GetSessions()...)
		all.NextPageToken, all.TotalBindings = page.GetNextPageToken(), page.GetTotalBindings()
		if all.GetNextPageToken() == "" || limit > 0 && len(all.GetSessions()) >= limit {
			break
		}
	}
	if s.output == formatJSON {
		return printJSON(s.stdout, all)
	}
	return s.printSessions(all)
}

func (s *session) printSessions(all *credbrokerv1.ListSessionsResponse) error {
	w := newTable(s.stdout)
	row(w, "SESSION", "SOURCE", "AUTH", "LEFT", "IDS")
	for _, b := range all.GetSessions() {
		row(w, cell(b.GetSessionHash()), enumName(b.GetSource(), prefixSource), cell(b.GetAuthId()),
			s.timeLeft(b.GetExpiresAt()), strconv.Itoa(int(b.GetAliases())))
	}
	if err := w.Flush(); err != nil || all.GetNextPageToken() == "" {
		return err
	}
	_, err := fmt.Fprintf(s.stdout, "%d shown of %d bindings in all; --limit 0 lists every one\n",
		len(all.GetSessions()), all.GetTotalBindings())
	return err
}

func (a *app) sessionsReleaseCommand() *cobra.Command {
	var name credbrokerv1.SessionName
	cmd := &cobra.Command{
		Use:   "release [HASH]",
		Short: "End the binding of one session; its next pick is a first pick",
		Long: "release ends the binding of one session, named by the hash that `sessions list` shows, or by --session,\n" +
			"--provider and --model as its picks have them.",
		Args: cobra.MaximumNArgs(1),
	}
	fs := cmd.Flags()
	fs.StringVar(&name.SessionId, "session", "", "session id with its source prefix, such as header:abc")
	fs.StringVar(&name.Provider, "provider", "", "provider of the session's picks, as given there")
	fs.StringVar(&name.Model, "model", "", "model of the session's picks")
	return a.clientCommand(cmd, func(ctx context.Context, s *session, args []string) error {
		req := &credbrokerv1.ReleaseSessionRequest{Session: &credbrokerv1.ReleaseSessionRequest_Name{Name: &name}}
		if len(args) == 1 {
			req.Session = &credbrokerv1.ReleaseSessionRequest_SessionHash{SessionHash: args[0]}
		}
		if (len(args) == 1) == (name.GetSessionId() != "") {
			return usageErrorf("name the session either by its HASH or by --session")
		}
		resp, err := call(ctx, s, s.pool.ReleaseSession, req)
		if err != nil {
			return err
		}
		if s.output == formatJSON {
			return printJSON(s.stdout, resp)
		}
		_, err = fmt.Fprintf(s.stdout, "released a session of %s\n", cell(resp.GetAuthId()))
		return err
	})
}
