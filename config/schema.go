package config

import _ "embed" // the schema is a file, so that editors can be pointed at it

//go:embed schema.json
var schemaJSON string

// Schema is the JSON Schema (draft 2020-12) of the YAML file, for editors. It knows shapes and bounds; what it cannot
// say, such as that ids are unique, Load checks.
func Schema() []byte { return []byte(schemaJSON) }
