package config

import (
	"context"
	"time"
)

// refreshing is what is known of the programs that print secrets, by command.
type refreshing struct {
	printed map[string]printed   // the last secret of each
	due     map[string]time.Time // when it is to be run again; absent: never
	faults  map[string]failed    // why the last secret goes on, by id of the auth
	changed chan struct{}        // has a token when due may be another one
}

// failed is a program that did not print what it should.
type failed struct{ command, wrong string }

// adopt makes the helpers of a configuration those that are run.
func (r *refreshing) adopt(c *Config, now time.Time) {
	due, faults := make(map[string]time.Time), make(map[string]failed)
	for _, h := range c.helpers {
		if fault, ok := r.faults[h.draft.Auth.ID]; ok && fault.command == h.command() {
			faults[h.draft.Auth.ID] = fault
		}
		if h.refresh == 0 {
			continue
		}
		at := now.Add(h.refresh)
		if before, ran := r.due[h.command()]; ran && before.Before(at) {
			at = before
		}
		if other, shared := due[h.command()]; !shared || at.Before(other) {
			due[h.command()] = at
		}
	}
	r.printed, r.due, r.faults = c.printed, due, faults
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// next is when a helper is to be run; false: none ever.
func (r *refreshing) next() (at time.Time, ok bool) {
	for _, due := range r.due {
		if !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// refreshSecrets runs programs again whose time has come, until ctx is cancelled.
func (s *Source) refreshSecrets(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.refreshing.changed:
		case <-timer.C:
			s.refreshDue(time.Now())
		}
		s.changing.Lock()
		at, ok := s.refreshing.next()
		s.changing.Unlock()
		timer.Stop()
		if ok {
			timer.Reset(time.Until(at))
		}
	}
}

// refreshDue runs what is due. Nobody waits for it: the programs run while nothing is locked.
func (s *Source) refreshDue(now time.Time) {
	s.changing.Lock()
	var due []*helper
	for _, h := range s.config.helpers {
		if at, ok := s.refreshing.due[h.command()]; ok && !now.Before(at) {
			due = append(due, h)
		}
	}
	s.changing.Unlock()
	if len(due) == 0 {
		return
	}
	results := s.o.runHelpers(due)
	s.changing.Lock()
	defer s.changing.Unlock()
	for _, h := range s.config.helpers {
		if result, ran := results[h.command()]; ran {
			s.renew(h, result, time.Now())
		}
	}
	s.publish(false)
}

// renew makes an auth anew of what its helper printed, or keeps it as it is.
func (s *Source) renew(h *helper, result printed, now time.Time) {
	command := h.command()
	if result.wrong == "" {
		result.wrong = h.take(result.text)
	}
	if result.wrong != "" {
		s.refreshing.faults[h.draft.Auth.ID] = failed{command, result.wrong}
		if h.refresh > 0 {
			s.refreshing.due[command] = now.Add(min(h.refresh, maxHelperRetry))
		}
		return
	}
	delete(s.refreshing.faults, h.draft.Auth.ID)
	s.refreshing.printed[command] = result
	if h.refresh > 0 {
		s.refreshing.due[command] = now.Add(h.refresh)
	}
	auth := h.draft.Build(s.fingerprintKey)
	s.catalog.put(origin{yamlRank, auth.ID}, auth)
}

// helperProblems are why secrets in force are not as new as they should be.
func (s *Source) helperProblems() Problems {
	var list Problems
	for _, h := range s.config.helpers {
		if fault, ok := s.refreshing.faults[h.draft.Auth.ID]; ok {
			list = append(list, h.problem(fault.wrong+"; the last secret goes on"))
		}
	}
	return list
}
