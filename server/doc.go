// Package server is the gRPC edge of the broker: both services of credbroker.v1, health, reflection, metrics and the
// access log.
//
// It promises that every request is checked against the limits of docs/api.md before the core sees it, that every error
// of the core leaves as one code, one reason and the details of docs/errors.md (translate is the only place that knows
// them), that a panic ends one call and not the process, and that secrets leave in Credential messages only
// (credential.go is the only file that reveals them).
//
// It decides nothing: each method checks, converts, makes one call into broker and converts the answer. Who may make a call says
// access, by the table of roles.go, before anything else is done. It reads no files and keeps no state but counters, and what callers have in
// use. Package transport has what connections show of who is at their other end; without callers everybody may do everything.
//
// Everything may be used concurrently. Serve blocks; Stop ends every Serve, watch and call, and returns when they ended.
package server
