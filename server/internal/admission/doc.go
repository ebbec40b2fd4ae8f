// Package admission bounds what peers can make the transport of the gRPC server hold, and how much of its time a
// connection takes.
//
// A Guard wraps the server's transport credentials, so that it sees the bytes of each connection above TLS. It walks over
// the HTTP/2 frames that gRPC reads, in place, and knows of each call how much of its message has come (Stream). A call
// takes its share of a Budget before anything of it is read, and a large message before the window for it is opened: a call
// that there is no room for ends at once and never waits for another one. Whoever receives calls Stream.Receive in place
// of receiving itself.
//
// It promises that the calls of all connections hold no more than the Budgets (what the server decodes of a message, and
// its answers, come on top), that a connection can never take what is free as a whole, that a message that has begun
// arrives in time or its call ends, and that a connection which starts more calls than its share is read more slowly, the
// others not.
//
// It does not look into headers or messages, and it knows connections, not who is behind them.
//
// One goroutine reads a connection; the methods of a Stream are for the goroutine of its call; all else may be used
// concurrently. It relies on gRPC reading a connection frame by frame: the server must be made with Options.
package admission
