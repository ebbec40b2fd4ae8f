// Package providers knows the names of providers: what people call each of them, in which header it takes a secret, and whose
// manner its answers have.
//
// It exists because the configuration asks what follows from `provider: anthropic`, the pool asks which auths a request for
// `anthropic` means, and both must agree. Lookup is that one table:
//
//	p, known := providers.Lookup("Anthropic") // Name "claude", KeyHeader "x-api-key"
//	p.DialectOf(true)                         // "claude-code": an account's
//
// Refusal tells of a secret that would be sent where its vendor does not take it. Names that the table has not are nobody's
// mistake: a relay can be called anything.
//
// All of it is pure and without memory.
package providers
