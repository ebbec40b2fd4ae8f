// Package authdoc is the form of an auth: what the members of an auth file and the keys of an auth of the YAML file may hold,
// and the selector.Auth that follows.
//
// It exists because the same form is read by the configuration, written by PutAuth, and checked where tests stand in for the
// configuration; a limit or a name must be said once. Parse reads an auth file, Encode writes one, Draft.Keys are those of
// the YAML file. Build closes the secrets; until then a Draft holds them open.
//
// It opens no file and follows no reference to a secret: what reads one is handed in. A Draft belongs to one goroutine.
package authdoc
