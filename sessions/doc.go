// Package sessions identifies the session that a request belongs to. Which auth that session is bound to is the
// business of sessions/bindings.
//
// It finds the ids of a session in the client's headers and body: Headers, Identify and Caller; and in what it was
// answered: ReadAnswer and Answered. The rules stand in docs/sessions.md. It takes any bytes as a body, never fails,
// passes over the body once, allocates a handful of objects whatever the size, and keeps nothing of it.
// What it decodes as a whole is JSON inside a string: Claude Code's user id, and arguments of tool calls. It does not
// validate JSON: broken bodies are read as far as they go, in time linear in their size.
//
// The digests of messages and answers are published, and clients compute them too: they must not change.
//
// It does no input or output, reads no clock, starts no goroutine and has no state: its functions may be called
// concurrently. A Headers value belongs to one request.
package sessions
