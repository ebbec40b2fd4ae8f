// Package corpus reads the data that several packages test with, and plays recorded conversations.
//
// The data is no part of the repository: conformance cases, answers of upstreams and recorded traffic, in folders that
// CREDBROKER_CONFORMANCE, CREDBROKER_VERDICTS and CREDBROKER_TRAFFIC list, else in the folder `shared` beside the clone,
// where there is one, in a folder of the kind's name and in a second one of that name with a 2. Where there is no data the
// test is skipped by name, but in continuous integration (CI is set) that is a failure, so that nothing goes untested
// unnoticed. CREDBROKER_SHARED=none says that there is none, and the tests are skipped there too.
//
// A file or a line that can not be read ends the test. The package knows nothing of the code under test, and is for
// tests alone: the house rules see to it that nothing else imports it. Its functions are called from the test's own
// goroutine.
package corpus
