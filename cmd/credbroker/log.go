package main

import (
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/server"
)

// Messages of the log of serve. They are constant; what varies is in fields.
const (
	logListening = "listening"
	logServing   = "serving"
	logStopping  = "stopping"
	logStopped   = "stopped"
	logCutOff    = "calls were cancelled after the time that --shutdown-timeout gives them"
	logReloaded  = "configuration reloaded"
	logProblem   = "configuration problem"
	logSolved    = "configuration problem solved"
	logWarning   = "configuration warning"
	logHangup    = "asked to reload"
	logEmptyPool = "the pool is empty"
	logCallers   = "callers are known"
	logNoCallers = "no callers are configured: whoever can connect may do everything"

	logAudited      = "releases and acts are audited"
	logAuditTouched = "somebody touched the audit log"
	logAuditDown    = "the audit log cannot be written"
	logAuditUp      = "the audit log can be written again"
	logAuditLost    = "the end of the audit log is lost"

	logLoaded      = "state loaded"
	logRepaired    = "state was repaired"
	logUnread      = "state of the fleet cannot be read"
	logDisbelieved = "what the store of the fleet answers is refused"
	logKept        = "state is kept"
	logMemoryOnly  = "state is kept in memory only: it ends with the process"
	logRedisOnly   = "state is kept in Redis only: a failover may lose what was acknowledged; state.path keeps it"
	logEngineDown  = "a state engine does not work"
	logEngineUp    = "a state engine works again"
	logNotFlushed  = "state that was not kept yet is lost"
	logNotClosed   = "a state engine could not be closed"
)

// Names of fields of the log of serve.
const (
	fieldKey        = "key"
	fieldAddress    = "address"
	fieldVersion    = "version"
	fieldConfig     = "config"
	fieldGeneration = "generation"
	fieldPut        = "auths_put"
	fieldRemoved    = "auths_removed"
	fieldSettings   = "settings_changed"
	fieldProblems   = "new_problems"
	fieldSolved     = "solved_problems"
	fieldProblem    = "problem"
	fieldWarning    = "warning"
	fieldUptime     = "uptime"
	fieldRecords    = "records"
	fieldBindings   = "bindings"
	fieldTook       = "took"
	fieldWhat       = "what"
	fieldEngine     = "engine"
	fieldCause      = "cause"
	fieldNamespace  = "namespace"
	fieldPath       = "path"
	fieldShared     = "shared"
	fieldTLS        = "tls"
	fieldServices   = "services"
	fieldCallers    = "callers"
	fieldKeyed      = "keyed"
	fieldDropped    = "dropped"
)

// logOutput is where the log goes. Level and format can change while loggers that were made of it are in use.
type logOutput struct {
	level   atomic.Int32
	console atomic.Bool
	plain   *server.LogBuffer
	pretty  io.Writer
}

var _ zerolog.LevelWriter = (*logOutput)(nil)

// newLog returns a logger that writes to w and the means to change what it writes.
func (p *process) newLog(w *server.LogBuffer, settings config.Log) (zerolog.Logger, *logOutput) {
	o := &logOutput{plain: w, pretty: zerolog.ConsoleWriter{Out: w, NoColor: true, TimeFormat: "15:04:05.000"}}
	o.configure(settings)
	// The sampler decides before a line is built, so a level that is off costs nothing.
	return zerolog.New(o).Sample(o).Hook(timestamp{p.now}), o
}

// timestamp gives every line its time. The library's own has seconds only, unless a variable of its package is changed.
type timestamp struct{ now func() time.Time }

// Run is part of zerolog.Hook.
func (t timestamp) Run(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, t.now().UTC().Format("2006-01-02T15:04:05.000Z"))
}

// configure changes level and format.
func (o *logOutput) configure(settings config.Log) {
	level, err := zerolog.ParseLevel(settings.Level)
	if err != nil {
		level = zerolog.InfoLevel // config has refused all others
	}
	o.level.Store(int32(level))
	o.console.Store(settings.Format == "console")
}

// Sample is part of zerolog.Sampler.
func (o *logOutput) Sample(level zerolog.Level) bool { return int32(level) >= o.level.Load() }

func (o *logOutput) Write(line []byte) (int, error) { return o.WriteLevel(zerolog.NoLevel, line) }

// WriteLevel is part of zerolog.LevelWriter.
func (o *logOutput) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	if !o.console.Load() {
		return o.plain.WriteLevel(level, visible(line))
	}
	n, err := o.pretty.Write(line)
	if err == nil && level >= zerolog.ErrorLevel && level != zerolog.NoLevel {
		err = o.plain.Flush()
	}
	return n, err
}

// visible escapes characters of a line of JSON that nobody sees and terminals obey: C1 controls, those that turn the
// direction of text, those of no width. What is below space is escaped already.
func visible(line []byte) []byte {
	// Nearly all lines are ASCII, and looking at bytes is quick.
	if !slices.ContainsFunc(line, func(b byte) bool { return b >= utf8.RuneSelf }) {
		return line
	}
	plain := func(r rune) bool { return r < utf8.RuneSelf || unicode.IsGraphic(r) }
	shown := make([]byte, 0, 2*len(line))
	for _, r := range string(line) {
		switch {
		case plain(r):
			shown = utf8.AppendRune(shown, r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			shown = fmt.Appendf(shown, `\u%04x\u%04x`, high, low)
		default:
			shown = fmt.Appendf(shown, `\u%04x`, r)
		}
	}
	return shown
}
