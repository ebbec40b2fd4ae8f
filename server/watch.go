package server

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
)

// watchPage is how many auths of a snapshot are held at a time.
const watchPage = 4096

// WatchAuths sends every auth, and then those that change. What changes while the caller does not read is kept as a set
// of ids, so a slow reader costs no more than the ids of the pool.
func (p *authPool) WatchAuths(req *credbrokerv1.WatchAuthsRequest, stream grpc.ServerStreamingServer[credbrokerv1.WatchAuthsResponse]) error {
	var v violations
	v.size("provider", len(req.GetProvider()), maxProvider)
	if err := v.err(); err != nil {
		return err
	}
	// Before the snapshot, so that no change falls between the two.
	changes := p.config.Pool.Watch()
	defer changes.Close()
	w := &watch{server: p.Server, provider: req.GetProvider(), send: stream.Send, sent: make(map[string]struct{})}
	err := w.run(stream.Context(), changes)
	if errors.Is(context.Cause(stream.Context()), errStopping) {
		return nil
	}
	return err
}

// watch is one caller of WatchAuths.
type watch struct {
	server   *Server
	provider string
	send     func(*credbrokerv1.WatchAuthsResponse) error
	// sent are the ids that the caller knows, so that it hears of those only when they leave.
	sent map[string]struct{}
}

func (w *watch) run(ctx context.Context, changes *selector.Watcher) error {
	if err := w.snapshot(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changes.Changed():
		}
		for _, id := range changes.Take() {
			if err := w.change(id); err != nil {
				return err
			}
		}
	}
}

func (w *watch) snapshot(ctx context.Context) error {
	filter := selector.Filter{Provider: w.provider, Limit: watchPage}
	for ctx.Err() == nil {
		page, _ := w.server.config.Pool.List(filter, w.server.clock())
		for i := range page {
			if err := w.auth(&page[i]); err != nil {
				return err
			}
		}
		if len(page) < watchPage {
			return w.send(&credbrokerv1.WatchAuthsResponse{
				Event: &credbrokerv1.WatchAuthsResponse_SnapshotSize{SnapshotSize: int64(len(w.sent))},
			})
		}
		filter.After = page[len(page)-1].Auth.ID
	}
	return ctx.Err()
}

// change sends the auth as it is now, or that it is gone.
func (w *watch) change(id string) error {
	st, err := w.server.config.Pool.Status(id, w.server.clock())
	switch {
	case err == nil && (w.provider == "" || st.Auth.Provider == w.provider):
		return w.auth(&st)
	case err != nil && !errors.Is(err, selector.ErrUnknownAuth):
		return err
	}
	if _, known := w.sent[id]; !known {
		return nil
	}
	delete(w.sent, id)
	return w.send(&credbrokerv1.WatchAuthsResponse{
		Event: &credbrokerv1.WatchAuthsResponse_RemovedAuthId{RemovedAuthId: id},
	})
}

func (w *watch) auth(st *selector.Status) error {
	w.sent[st.Auth.ID] = struct{}{}
	return w.send(&credbrokerv1.WatchAuthsResponse{
		Event: &credbrokerv1.WatchAuthsResponse_Auth{Auth: w.server.authMessage(st, w.server.clock())},
	})
}
