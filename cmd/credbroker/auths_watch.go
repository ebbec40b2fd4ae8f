package main

import (
	"context"
	"errors"
	"io"
	"text/tabwriter"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// watchAuths prints the pool and then every change, until ctx is cancelled. As JSON it prints one event a line.
func (s *session) watchAuths(ctx context.Context, provider string) error {
	stream, err := s.pool.WatchAuths(ctx, &credbrokerv1.WatchAuthsRequest{Provider: provider})
	if err != nil {
		return err
	}
	show := s.watchLines()
	if s.output == formatJSON {
		show = s.watchJSON
	}
	for {
		event, err := stream.Recv()
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // whoever asked for the end knows of it
		case errors.Is(err, io.EOF): // only a broker that stops ends a watch
			return status.Error(codes.Unavailable, "it ended the watch")
		case err != nil:
			return err
		}
		if err := show(event); err != nil {
			return err
		}
	}
}

func (s *session) watchJSON(event *credbrokerv1.WatchAuthsResponse) error {
	line, err := marshalJSON(event)
	if err != nil {
		return err
	}
	_, err = s.stdout.Write(append(line, '\n'))
	return err
}

// watchLines aligns the snapshot as one table. Later lines stand alone, in columns wide enough for most.
func (s *session) watchLines() func(*credbrokerv1.WatchAuthsResponse) error {
	w := newTable(s.stdout)
	s.authHeader(w)
	snapshot := true
	return func(event *credbrokerv1.WatchAuthsResponse) error {
		switch e := event.GetEvent().(type) {
		case *credbrokerv1.WatchAuthsResponse_Auth:
			if !snapshot {
				_, _ = io.WriteString(w, s.now().Format(time.TimeOnly)+"\t")
			}
			s.authLine(w, e.Auth)
		case *credbrokerv1.WatchAuthsResponse_RemovedAuthId:
			row(w, s.now().Format(time.TimeOnly), cell(e.RemovedAuthId), "removed")
		case *credbrokerv1.WatchAuthsResponse_SnapshotSize:
			snapshot = false
			if err := w.Flush(); err != nil {
				return err
			}
			w = tabwriter.NewWriter(s.stdout, 12, 0, 2, ' ', 0)
		}
		if snapshot {
			return nil
		}
		return w.Flush()
	}
}
