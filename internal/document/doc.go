// Package document reads YAML and JSON documents by a table of their keys, and says what is wrong with them by file, line and
// field.
//
// It exists because the configuration, auth files and rules of verdicts are read with the same care: everything that is
// wrong is reported at once, unknown keys with the nearest known one, and no message repeats what may be a secret. The table
// that reads a document also gives its JSON Schema.
//
//	file := document.NewFile("c.yaml")
//	if root, ok := file.YAML(data); ok {
//		root.Read(document.Object(document.Keys{
//			"ttl":   document.Duration(&s.TTL, time.Second, time.Hour).Doc("How long it lives."),
//			"rules": document.List(&s.Rules, 100, rule),
//		}))
//	}
//	return file.Problems() // c.yaml:2: ttl: "2h" is out of range; allowed: a duration from 1s to 1h, such as 30m
//
// It opens no file and keeps nothing. Depth, number of values and number of problems are bounded, aliases included. A File
// and its values belong to one goroutine.
package document
