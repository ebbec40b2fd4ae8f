// Package sessions answers two questions about a request: whose conversation is it, and which auth is that conversation
// bound to.
//
// Recognition works out the ids of a conversation from the client's headers and body: Headers, Identify and Caller; and
// from what it was answered: AnswerDigest and Answered. Its rules stand in docs/sessions.md. It takes any bytes as a
// body, never fails, passes over the body once, allocates a handful of objects whatever the size, and keeps nothing of it.
// What it decodes as a whole is JSON inside a string: Claude Code's user id, and arguments of tool calls. It does not
// validate JSON: broken bodies are read as far as they go, in time linear in their size.
//
// The digests of messages and answers are published, and clients compute them too: they must not change.
//
// The table remembers bindings: which slot of the selector's pool each session uses, for a sliding time, within a bound
// on their number. It holds keyed hashes instead of ids. One that records tells what changed, for those who keep bindings
// beyond the process, and can be filled with what they kept.
//
// Neither does input or output, reads a clock or starts a goroutine. Recognition has no state: its functions may be
// called concurrently, a Headers value belongs to one request. The table may be used concurrently.
package sessions
