package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestDocumentedCommands executes every command of README.md and docs/*.md that docs_parse_test.go finds, with the real
// grpcurl and a real broker process on examples/quickstart.yaml.
func TestDocumentedCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out documents that run")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir() // the only folder that is put before the user's PATH
	if err := os.Symlink(findGrpcurl(t, root), filepath.Join(tools, "grpcurl")); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(tools, "credbroker")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		examples, err := examplesOf(string(text))
		if err != nil {
			t.Errorf("%s: %v", page, err)
		}
		if len(examples) == 0 {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			d := &documented{root: root, tools: tools, broker: startQuickstart(t, root, binary)}
			for _, e := range examples {
				d.check(t, e)
			}
		})
	}
}

// findGrpcurl looks where GRPCURL points, in bin, on the PATH and where make installs it.
func findGrpcurl(t *testing.T, root string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = "" // nothing is found there
	}
	for _, name := range []string{
		os.Getenv("GRPCURL"), filepath.Join(root, "bin", "grpcurl"), "grpcurl",
		filepath.Join(cache, "credbroker-tools", "grpcurl@"+pinned(t, root, "GRPCURL"), "grpcurl"),
	} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			if path, err = filepath.Abs(path); err == nil {
				return path
			}
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("grpcurl is missing: tools/setup.sh test installs it")
	}
	t.Skip("grpcurl is missing: tools/setup.sh test installs it, and GRPCURL can name it")
	return ""
}

// pinned is the version of a tool that make installs.
func pinned(t *testing.T, root, name string) string {
	t.Helper()
	versions, err := os.ReadFile(filepath.Join(root, "tools", "versions"))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?m)^` + name + `=(\S+)$`).FindSubmatch(versions)
	if match == nil {
		t.Fatalf("tools/versions has no %s", name)
	}
	return string(match[1])
}

// brokerProcess is a credbroker of its own process.
type brokerProcess struct{ grpc, http string }

// startQuickstart starts a broker on a copy of the examples with free ports, and stops it when the test ends.
func startQuickstart(t *testing.T, root, binary string) brokerProcess {
	t.Helper()
	folder := t.TempDir()
	const name = "examples/quickstart.yaml" // answers show it as it was given
	if err := os.CopyFS(filepath.Join(folder, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`127\.0\.0\.1:742[01]`).ReplaceAll(text, []byte("127.0.0.1:0"))
	text = bytes.ReplaceAll(text, []byte("format: console"), []byte("format: json"))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}

	lines := newLogLines()
	cmd := exec.Command(binary, "serve", "--config", name)
	cmd.Dir = folder
	cmd.Stdout, cmd.Stderr = lines, lines
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		lines.close()
		exited <- err
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-exited; err != nil {
			t.Errorf("the broker ended with %v; its log:\n%s", err, lines)
		}
	})
	lines.wait(t, logServing)
	var p brokerProcess
	for _, line := range lines.all(logListening) {
		if line["key"] == "listen.http" {
			p.http = line["address"].(string)
		} else {
			p.grpc = line["address"].(string)
		}
	}
	return p
}

// documented runs the commands of one document.
type documented struct {
	root, tools string
	broker      brokerProcess
}

func (d *documented) check(t *testing.T, e example) {
	t.Helper()
	command := e.command
	if strings.HasPrefix(command, "credbroker serve") {
		command += " --help"
	}
	command = strings.ReplaceAll(command, defaultAddress, d.broker.grpc)
	command = strings.ReplaceAll(command, "127.0.0.1:7421", d.broker.http)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = d.root
	cmd.Env = append(os.Environ(), "PATH="+d.tools+":"+os.Getenv("PATH"), addressVariable+"="+d.broker.grpc)
	var stdout bytes.Buffer
	all := newLogLines() // written to from two sides
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, all), all
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatalf("line %d: %s: %v", e.line, e.command, err)
	}
	if code := cmd.ProcessState.ExitCode(); code != e.exit {
		t.Errorf("line %d: %s\nexit code %d, want %d\n%s", e.line, e.command, code, e.exit, all)
	}
	diff := ""
	switch e.kind {
	case "json":
		diff = diffJSON(e.answer, stdout.String())
	case "text":
		diff = diffText(e.answer, all.String())
	}
	if diff != "" {
		t.Errorf("line %d: %s\nanswer (-document +broker):\n%s\nit was:\n%s", e.line, e.command, diff, all)
	}
}

// TestExamplesAreGood checks the configurations that are promised to run as they are.
func TestExamplesAreGood(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	// Auth files get the mode that they should have; git gives them another.
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "auths"), os.DirFS("../../examples/auths")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "chmod", "-R", "go=", dir).CombinedOutput(); err != nil {
		t.Fatalf("chmod: %v\n%s", err, out)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		file = filepath.Join(dir, filepath.Base(file))
		replaceFile(t, file, string(text))
		var env []string
		for _, match := range regexp.MustCompile(`env: *"?([A-Za-z0-9_]+)`).FindAllStringSubmatch(string(text), -1) {
			env = append(env, match[1]+"=made-up")
		}
		got := command(t, env, "config", "check", file)
		if got.code != exitOK || !strings.HasPrefix(got.stdout, "ok: ") {
			t.Errorf("config check %s = %d\n%s%s", file, got.code, got.stdout, got.stderr)
		}
	}
}

func TestConfigCheckNamesEveryProblem(t *testing.T) {
	path := writeConfig(t, "auths:\n  - {id: a, provider: claude, priority: high, secret: {env: NONE}}\nbogus: 1\n")
	got := command(t, nil, "config", "check", path)
	if got.code != exitFailed || got.stderr != "credbroker: "+path+" has 3 problems\n" {
		t.Errorf("config check = %d %q, want %d and a sum", got.code, got.stderr, exitFailed)
	}
	lines := strings.Split(got.stdout, "\n")
	for i, want := range []string{":2: auths[0].priority: ", ":2: auths[0].secret.env: ", ":3: bogus: "} {
		if !strings.HasPrefix(lines[i], path+want) {
			t.Errorf("line %d = %q, want %s%s...", i, lines[i], path, want)
		}
	}
	missing := filepath.Join(t.TempDir(), "none.yaml")
	got = command(t, nil, "config", "check", missing)
	if got.code != exitFailed || !strings.Contains(got.stdout, missing+": cannot be read: "+fs.ErrNotExist.Error()) &&
		!strings.Contains(got.stdout, "no such file") {
		t.Errorf("config check of a missing file = %d %q", got.code, got.stdout)
	}
}

func TestConfigSchemaIsJSON(t *testing.T) {
	got := command(t, nil, "config", "schema")
	if diff := diffJSON(got.stdout, got.stdout); got.code != exitOK || diff != "" || !strings.Contains(got.stdout, `"$schema"`) {
		t.Errorf("config schema = %d, %s", got.code, diff)
	}
}
