package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func prepareGo(t *testing.T) (command, env []string) {
	binary := filepath.Join(t.TempDir(), "client")
	output(t, "go", "build", "-o", binary, "./go")
	return []string{binary}, nil
}

// preparePython generates the stubs into a folder of the test's own, so that those of a user stay as they are.
func preparePython(t *testing.T) (command, env []string) {
	interpreter := python(t)
	need(t, "protoc", "protobuf-compiler and libprotobuf-dev")
	need(t, "grpc_python_plugin", "protobuf-compiler-grpc")
	stubs := t.TempDir()
	output(t, "python/generate.sh", stubs)
	return []string{interpreter, "-B", "python/client.py"}, []string{"PYTHONPATH=" + stubs}
}

// python is the first interpreter that has gRPC: the first on the PATH may be one without Debian's packages.
func python(t *testing.T) string {
	t.Helper()
	var candidates []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		candidates = append(candidates, filepath.Join(dir, "python3"))
	}
	for _, candidate := range append(candidates, "/usr/bin/python3") {
		if exec.CommandContext(t.Context(), candidate, "-c", "import grpc, google.protobuf").Run() == nil {
			return candidate
		}
	}
	missing(t, "a python3 that can import grpc", "python3-grpcio and python3-protobuf")
	return ""
}

func prepareNode(t *testing.T) (command, env []string) {
	interpreter := need(t, "node", "nodejs")
	if _, err := os.Stat("node/node_modules/@grpc/grpc-js"); err != nil {
		missing(t, "@grpc/grpc-js", "`npm ci` in examples/clients/node")
	}
	// Node warns that the name of a server should not be an address, between the lines of the client.
	return []string{interpreter, "node/client.js"}, []string{"NODE_NO_WARNINGS=1"}
}

// need returns the path of a program.
func need(t *testing.T, program, from string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, program, from)
	}
	return path
}

// missing skips a client that this machine cannot run. CI can run all of them.
func missing(t *testing.T, what, from string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("no %s: it comes with %s", what, from)
	}
	t.Skipf("no %s: it comes with %s; `make test` installs it", what, from)
}
