package config

import (
	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector"
)

// Audit is who had which credential and who changed what, in a file of its own. Changing it takes a restart.
type Audit struct {
	// File is its path, a relative one already joined to the folder of the file; empty: nothing is written.
	File string
	// MaxSize of the file in bytes; then it is rotated.
	MaxSize int64
	// Keep is how many rotated files are kept; 0: all.
	Keep int
	// Secret is the key of the hashes; empty: there is none.
	Secret selector.Secret
	// OnFailure is what becomes of what cannot be written: `refuse` or `drop`.
	OnFailure string
}

// The values of Audit.OnFailure.
const (
	OnFailureRefuse = "refuse"
	OnFailureDrop   = "drop"
)

// minAuditSecret is in bytes: what is shorter can be guessed.
const minAuditSecret = 16

func defaultAudit() Audit { return Audit{MaxSize: 128 << 20, Keep: 30, OnFailure: OnFailureRefuse} }

func (l *loader) audit() document.Type {
	a := &l.into.Audit
	return document.Object(document.Keys{
		"file": l.path(&a.File).Doc("File with one line for each release of a credential and each administrative act. A relative one " +
			"lies beside this file. Absent: nothing is written."),
		"max_size": document.Size(&a.MaxSize, 1<<20, 1<<40).Doc("Size of the file from which on the next one is begun: 1MiB to 1024GiB."),
		"keep":     document.Integer(&a.Keep, 0, 100_000).Doc("How many earlier files are kept; 0: all."),
		"secret": l.auditSecret(&a.Secret).
			Doc("Key of the hashes, at least 16 bytes: without it nobody can make the lines anew. Absent: hashes without a key."),
		"on_failure": document.Enum(&a.OnFailure, OnFailureRefuse, OnFailureDrop).
			Doc("What is done when the file cannot be written: picks and administrative acts are refused, or done without their lines."),
	}).Then(func(v document.Value) {
		if v.Len() > 0 && !v.Has("file") {
			v.Problemf("has no file; allowed: file with the other keys, or none of them")
		}
	})
}

func (l *loader) auditSecret(to *selector.Secret) document.Type {
	short := false
	return l.secret(func(text string) {
		*to, short = selector.NewSecret(text), len(text) < minAuditSecret
	}).Then(func(v document.Value) {
		if short {
			v.Problemf("is too short; allowed: at least %d bytes", minAuditSecret)
		}
	})
}
