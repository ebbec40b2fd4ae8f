// Package guard stands between a connection to Redis and the library that reads it. The library trusts servers: it
// allocates what a header announces, follows nesting as deep as it goes, and panics where an answer comes that nothing asked for. Conn
// reads along, in whatever pieces replies come, and ends the connection before the library sees what is too large or out of place.
//
// What it promises: nothing is allocated for more than Limits say of one reply, and no reply leads the library to a panic
// that is known. Replies within the limits pass unchanged. It keeps a few hundred bytes of a connection, and of each request that is under
// way a few.
//
// What it does not: it does not judge what replies say, and does not bound how many connections there are.
//
// A Conn is used as any net.Conn: one goroutine may read while another writes.
package guard
