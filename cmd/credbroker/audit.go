package main

import (
	"fmt"
	"strconv"

	"github.com/credbroker/credbroker/audit"
	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/selector"
)

// openAudit goes on with the audit log, if the configuration names one.
func (d *daemon) openAudit(c *config.Audit) error {
	if c.File == "" {
		return nil
	}
	var err error
	d.audit, err = audit.Open(audit.Config{
		Path: c.File, MaxSize: c.MaxSize, Keep: c.Keep, Key: []byte(c.Secret.Reveal()), Drop: c.OnFailure == config.OnFailureDrop,
		Health: d.auditHealth,
		Note:   func(what string) { d.log.Warn().Str(fieldWhat, what).Msg(logAuditTouched) },
	})
	if err != nil {
		return fmt.Errorf("audit.file: %w", err)
	}
	d.log.Info().Str(fieldPath, c.File).Bool(fieldKeyed, !c.Secret.IsEmpty()).Msg(logAudited)
	return nil
}

// auditHealth writes a line when the audit log cannot be written, and when it can again.
func (d *daemon) auditHealth(err error) {
	if err != nil {
		d.log.Error().Str(fieldCause, oneLine(err.Error())).Int64(fieldDropped, d.audit.Stats().Dropped).Msg(logAuditDown)
		return
	}
	d.log.Info().Int64(fieldDropped, d.audit.Stats().Dropped).Msg(logAuditUp)
}

// closeAudit writes what waits.
func (d *daemon) closeAudit() {
	if err := d.audit.Close(); err != nil {
		d.log.Error().AnErr(fieldCause, err).Msg(logAuditLost)
	}
}

// auditStart says with what the broker starts.
func (d *daemon) auditStart() {
	_, auths := d.broker.Auths(broker.Caller{}, selector.Filter{Limit: 1}, d.app.now())
	conf := d.source.Config()
	d.audit.Write(&audit.Entry{Time: d.clock(), Action: audit.ActionStart, After: audit.Facts{
		"version": version(), "config": d.flags.config, "generation": strconv.FormatUint(d.source.Status().Generation, 10),
		"auths": strconv.Itoa(auths), "callers": strconv.Itoa(len(conf.Callers)),
	}})
}

// auditReload says what changed in the files.
func (d *daemon) auditReload(r *config.Reload) {
	d.audit.Write(&audit.Entry{Time: d.clock(), Action: audit.ActionReload, After: audit.Facts{
		"generation": strconv.FormatUint(r.Generation, 10), "auths_put": strconv.Itoa(r.Put), "auths_removed": strconv.Itoa(r.Removed),
		"settings_changed": strconv.FormatBool(r.ConfigChanged), "new_problems": strconv.Itoa(len(r.New)),
	}})
}
