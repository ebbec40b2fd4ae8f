// Command credbroker is the broker and its command line.
//
// `credbroker serve` wires the packages of this module into a running broker; nothing else in the module does. All
// other commands but `config` and `version` are clients: they reach a running broker through the gRPC API that
// everybody has, and hold no rule of their own.
//
// The process's surroundings (arguments, streams, environment, clock, signals) come in as values, so that every command
// runs inside a test. Only main exits, and only serve changes something of the process: how often it collects garbage.
//
// A command runs on one goroutine; serve starts one for each listener and one for each loop, and waits for all of them
// before it returns.
package main
