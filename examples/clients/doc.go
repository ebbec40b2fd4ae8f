// Package clients holds no code: it is the place of the test that runs the example clients as their users do, as
// processes of their own against a broker that is a process too.
//
// The test promises that each client can be copied as it stands. It does not test the broker's rules, and it starts
// nothing that it does not stop.
package clients
