package config

import "time"

// Options are what this package must be told. The zero value reads no environment variable.
type Options struct {
	// LookupEnv is os.LookupEnv in the program.
	LookupEnv func(name string) (value string, set bool)
	// Clock is time.Now in the program.
	Clock func() time.Time
	// OnConfig is told the configuration when something in it changed that is not an auth. Keys that take a restart keep
	// their value. It must not call the Source.
	OnConfig func(*Config)
	// OnReload is told what came of each change that was seen after Attach, for the log. It must not call the Source.
	OnReload func(Reload)
}

// load reads a YAML file and the secrets that it refers to. Auth files are not read, auths not built, and without rules of
// the file's own there are none. An empty path gives the defaults. With problems, the configuration tells only which files
// it wanted.
func load(path string, o Options) (*Config, Problems) {
	c := Default()
	if path == "" {
		return c, nil
	}
	c.Path, c.lines = path, make(map[string]int)
	c.State.Path = beside(path, defaultStateFile)
	d := &document{into: c, o: o, ids: make(map[string]int)}
	d.file = path
	data, _, err := readFile(path, maxConfigFile)
	if err != nil {
		return c, Problems{{File: path, Message: err.Error()}}
	}
	if root, ok := d.parseYAML(data); ok && root != nil {
		d.config(d.at(root, root.Line, ""))
	}
	d.judge()
	return c, append(d.all(), d.broken...)
}
