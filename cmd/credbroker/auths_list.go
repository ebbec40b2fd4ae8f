package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// pageSize keeps a page far below the limit of an answer even if each auth has the most cooldowns that it can have.
const pageSize = 500

// listFlags are the flags of auths list as given.
type listFlags struct {
	request credbrokerv1.ListAuthsRequest
	state   string
	watch   bool
}

func (a *app) authsListCommand() *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the auths of the pool, sorted by id",
		Args:  cobra.NoArgs,
	}
	fs := cmd.Flags()
	fs.StringVar(&f.request.Provider, "provider", "", "only auths of this provider")
	fs.StringVar(&f.request.Model, "model", "", "only auths that serve this model; --state is then about this model")
	fs.StringVar(&f.state, "state", "", "only auths in this state: "+strings.Join(stateNames(), ", "))
	fs.BoolVar(&f.watch, "watch", false, "go on with a line for every auth that changes, until interrupted")
	cmd.MarkFlagsMutuallyExclusive("watch", "model")
	cmd.MarkFlagsMutuallyExclusive("watch", "state")
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(stateNames(), cobra.ShellCompDirectiveNoFileComp))
	return a.clientCommand(cmd, func(ctx context.Context, s *session, _ []string) error {
		if f.watch {
			return s.watchAuths(ctx, f.request.GetProvider())
		}
		state, err := parseState(f.state)
		if err != nil {
			return err
		}
		f.request.State = state
		return s.listAuths(ctx, &f.request)
	})
}

// listAuths prints every page as one.
func (s *session) listAuths(ctx context.Context, req *credbrokerv1.ListAuthsRequest) error {
	req.PageSize = pageSize
	all := &credbrokerv1.ListAuthsResponse{}
	for {
		page, err := call(ctx, s, s.pool.ListAuths, req)
		if err != nil {
			return err
		}
		all.Auths = append(all.Auths, page.GetAuths()...)
		all.TotalSize = page.GetTotalSize()
		req.PageToken = page.GetNextPageToken()
		if req.GetPageToken() == "" {
			break
		}
	}
	if s.output == formatJSON {
		return printJSON(s.stdout, all)
	}
	return s.printAuthLines(all.GetAuths())
}

// stateNames are the values of --state.
func stateNames() []string { return []string{"ready", "cooling", "blocked", "disabled"} }

func parseState(name string) (credbrokerv1.AuthState, error) {
	if name == "" {
		return credbrokerv1.AuthState_AUTH_STATE_UNSPECIFIED, nil
	}
	for _, known := range stateNames() {
		if strings.EqualFold(name, known) {
			return credbrokerv1.AuthState(credbrokerv1.AuthState_value[prefixState+strings.ToUpper(known)]), nil
		}
	}
	return 0, usageErrorf("--state %q: must be one of %s", name, strings.Join(stateNames(), ", "))
}
