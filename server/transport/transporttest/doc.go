// Package transporttest makes what tests of encrypted connections need: an authority with its certificates, and a SPIFFE
// Workload API. It is for tests.
//
// An Authority and a WorkloadAPI may be used concurrently.
package transporttest
