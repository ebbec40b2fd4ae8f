package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/verdict"
)

// Problem is one thing that is wrong with the configuration, or with a file that it refers to.
type Problem = document.Problem

// Problems is everything that is wrong, in the order of the file.
type Problems = document.Problems

// maxConfigFile is the size of the YAML file. Pools too large for it belong into auth files.
const maxConfigFile = 8 << 20

// Options are what this package must be told. The zero value reads no environment variable.
type Options struct {
	// LookupEnv is os.LookupEnv in the program.
	LookupEnv func(name string) (value string, set bool)
	// RunHelper runs a program without a shell, for so long at most, and returns what it wrote to standard output. Its errors are
	// to be put behind "the program", and hold neither arguments nor output. Without it no program is run.
	RunHelper func(argv []string, timeout time.Duration) (output []byte, err error)
	// Clock is time.Now in the program.
	Clock func() time.Time
	// OnConfig is told the configuration when something in it changed that is not an auth. Keys that take a restart keep
	// their value. It must not call the Source.
	OnConfig func(*Config)
	// OnReload is told what came of each change that was seen after Attach, for the log. It must not call the Source.
	OnReload func(Reload)
}

// load reads a YAML file and the secrets that it refers to. Auth files are not read, auths not built, and without rules of
// the file's own there are none. With problems, the configuration tells only which files
// it wanted.
func load(path string, o Options) (*Config, Problems) {
	c := Default()
	c.Path = path
	c.State.Path = beside(path, defaultStateFile)
	data, _, err := readFile(path, maxConfigFile)
	if err != nil {
		return c, Problems{{File: path, Message: err.Error()}}
	}
	return c, c.read(data, o)
}

func (c *Config) read(data []byte, o Options) Problems {
	file := document.NewFile(c.Path)
	l := &loader{into: c, o: o, ids: make(map[string]int)}
	c.startLines = make(map[string]int)
	if len(bytes.TrimSpace(data)) == 0 {
		// A file that is being written is empty for a moment; no pool must vanish by that.
		file.Add(0, "", "is empty; allowed: at least one key or comment")
	} else if root, ok := file.YAML(data); ok {
		root.Read(l.config())
		for key := range c.startKeys() {
			c.startLines[key] = root.LineOf(key)
		}
	}
	problems := file.Problems()
	if c.rules = l.rules; len(c.rules) > 0 {
		var err error
		c.Rules, err = verdict.Load(c.rules...)
		if broken, ok := errors.AsType[Problems](err); ok {
			problems = append(problems, broken...)
		}
	}
	return problems
}

// Schema is the JSON Schema (draft 2020-12) of the YAML file, for editors. It knows shapes and bounds; what it cannot say,
// such as that ids are unique, Open checks.
func Schema() ([]byte, error) {
	l := &loader{into: Default()}
	schema := l.config().With(document.Schema{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         "https://github.com/credbroker/credbroker/config/schema.json",
		"title":       "credbroker configuration",
		"description": "The YAML file of `credbroker serve --config`. Every key is optional.",
	}).Schema()
	text, err := json.MarshalIndent(schema, "", "  ")
	return append(text, '\n'), err
}
