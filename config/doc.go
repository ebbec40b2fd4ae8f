// Package config reads the configuration: the YAML file, the secrets that it refers to, and folders of auth files.
//
// Open reads one YAML file and reports everything that is wrong with it at once, by file, line and field. Check does that
// for the auth files beside it too. Auths are made by Source.Attach, for which the caller needs the key that is kept with
// the state: where that is, Source.Config says. From then on a Source hands what changes to its Target; Run watches the
// files, Put and Delete change them. docs/configuration.md describes every key.
//
// # Promises
//
//   - A YAML file is in force as a whole or not at all; a broken auth file is refused alone. What was in force before
//     goes on, and Status tells why.
//   - An auth that did not change is not handed over again.
//   - A file that is written in place is read again before it is called broken.
//   - No secret is in an error, an event or a printed Config. Secrets become a selector.Secret here, and nothing in this
//     package takes them out again; what programs printed is kept beside them, for the next reload.
//   - Sizes are bounded: of files, of folders, of every text and list.
//
// # What it does not do
//
// It does not log, tell the time but for the pace of its scans, know environment variables or run programs by itself: a hook, a
// clock, a lookup and a runner are handed in.
// It does not refresh tokens, and it listens to nobody.
//
// # Concurrency
//
// A Source may be used concurrently. Changes happen one after the other under one lock, which is held over the reading
// and writing of files; Status and Config do not wait for it. Programs that print secrets are run under it only for a file that
// is read, not when they are run again. Run has the only goroutines, those of the watcher and of the programs, which it stops; it
// is the caller's.
package config
