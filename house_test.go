// Package credbroker_test holds the rules of this repository that a program can check. Each failure says how to mend it.
//
// Run it with -count=1: what `go list` and git answer is not part of the key of Go's test cache.
package credbroker_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/credbroker/credbroker"

// What may not be exceeded, in lines. What to aim for is a fraction of it.
const (
	maxFile     = 500
	maxTestFile = 800
	maxFunction = 80
	maxReadme   = 150
)

// importTable says who may import whom. A folder stands for itself and what is below it, one that ends in a slash for itself
// only; it may always import itself.
// What a package must never reach counts over any number of steps. Test files are free to import what they test with.
var importTable = []importRule{
	{"internal/corpus", nil, slices.Concat(grpc, stores, []string{"internal/glob", "selector", "sessions", "verdict", "state", "server", "config"})},
	{"internal/authdoc", []string{"internal/document", "internal/providers", "selector"}, slices.Concat(grpc, stores, []string{"sessions", "state", "server", "config"})},
	{"internal", nil, slices.Concat(grpc, stores)},
	{"access", []string{"internal"}, slices.Concat(grpc, stores, []string{"selector", "sessions", "state", "server", "config"})},
	{"audit", nil, slices.Concat(grpc, stores, []string{"selector", "sessions", "state", "server", "config"})},
	{"selector/cooldown", []string{"internal"}, slices.Concat(grpc, stores, []string{"sessions", "state", "server"})},
	// Parts of the selector that know nothing of the rest of it.
	{"selector/internal", []string{"internal"}, slices.Concat(grpc, stores, []string{"selector/cooldown", "sessions", "state", "server"})},
	{"selector", []string{"internal"}, slices.Concat(grpc, stores, []string{
		"github.com/rs/zerolog", "github.com/tidwall/gjson", "sessions", "state", "server",
	})},
	{"sessions/internal", nil, slices.Concat(grpc, stores, []string{"selector", "sessions/bindings", "state", "server"})},
	{"sessions/bindings", []string{"selector"}, slices.Concat(grpc, stores, []string{"state", "server"})},
	{"sessions", nil, slices.Concat(grpc, stores, []string{"selector", "sessions/bindings", "state", "server"})},
	{"verdict", []string{"internal", "selector/cooldown"}, slices.Concat(grpc, stores, []string{"state", "server"})},
	{"state", []string{"selector", "sessions/bindings"}, slices.Concat(grpc, []string{"server"})},
	{"config", []string{"access", "selector", "verdict", "internal"}, []string{"gen", "state", "server"}},
	{"broker", []string{"access", "selector", "sessions", "verdict", "state"}, slices.Concat(grpc, []string{"state/redis", "state/journal", "config", "server"})},
	{"server/servertest", []string{"access", "audit", "gen", "internal/authdoc", "broker", "selector", "server", "sessions", "state"}, []string{"state/redis", "state/journal", "config"}},
	{"server/transport", []string{"access"}, slices.Concat(stores, []string{"gen", "broker", "selector", "config"})},
	{"server", []string{"access", "audit", "gen", "internal/authdoc", "broker", "selector/", "selector/cooldown", "sessions/", "verdict"}, []string{"state/redis", "state/journal", "config"}},
	{"cmd/credbroker", []string{"access", "audit", "gen", "selector", "sessions", "verdict", "state", "config", "broker", "server"}, nil},
	{"gen", nil, nil},
	// A client knows the contract and nothing else.
	{"examples", []string{"gen"}, nil},
}

// testSupport are the folders that only tests import.
var testSupport = []string{"internal/corpus", "server/servertest", "server/transport/transporttest", "state/statetest", "state/redis/redistest"}

type importRule struct {
	folder     string
	may, never []string
}

var (
	grpc   = []string{"google.golang.org/grpc", "gen"}
	stores = []string{"go.etcd.io/bbolt", "github.com/cockroachdb/pebble", "github.com/redis", "github.com/valkey-io"}
)

func TestHouseRules(t *testing.T) {
	r := readRepository(t)
	t.Run("packages import only what the table allows", r.checkImports)
	t.Run("the core takes the time as an argument", r.checkClock)
	t.Run("the selector, the verdicts, the policy and what they share do nothing but compute", r.checkPurity)
	t.Run("only the edge knows status codes", r.checkStatusCodes)
	t.Run("the edge makes its calls into the broker", r.checkEdge)
	t.Run("secrets are revealed in one file", r.checkReveal)
	t.Run("contexts come from the caller", r.checkContexts)
	t.Run("packages have no state of their own", r.checkGlobals)
	t.Run("tests sleep in virtual time only", r.checkSleep)
	t.Run("every package says what it is for", r.checkPackageComments)
	t.Run("files and functions are short", r.checkSizes)
	t.Run("packages and types can be surveyed", r.checkCounts)
	t.Run("package names say what is inside", r.checkPackageNames)
	t.Run("top-level folders are decided", r.checkFolders)
	t.Run("decisions are one page each", r.checkDecisions)
	t.Run("direct dependencies are decided", r.checkDependencies)
	t.Run("the README is short and the change log is kept", r.checkFrontPages)
	t.Run("no file names a path of somebody's machine", r.checkMachinePaths)
	t.Run("words are those of the field", r.checkWords)
	t.Run("the map and the glossary name what there is", r.checkPointers)
}

// repository is what git knows of, files that are not committed yet included.
type repository struct {
	files   []string
	fset    *token.FileSet
	sources []source
}

// source is one Go file that people write.
type source struct {
	path string // slashes, relative to the module root
	test bool
	ast  *ast.File
}

func readRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{fset: token.NewFileSet()}
	for file := range strings.SplitSeq(run(t, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		if _, err := os.Stat(file); file == "" || errors.Is(err, fs.ErrNotExist) { // removed, not committed yet
			continue
		}
		r.files = append(r.files, file)
		if path.Ext(file) != ".go" || below(file, "gen") || strings.Contains(file, "testdata/") {
			continue
		}
		parsed, err := parser.ParseFile(r.fset, file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("parse: %v", err)
		}
		r.sources = append(r.sources, source{file, strings.HasSuffix(file, "_test.go"), parsed})
	}
	if len(r.sources) == 0 {
		t.Fatal("git ls-files names no Go file: run the tests inside a clone")
	}
	return r
}

func (r *repository) checkImports(t *testing.T) {
	packages := json.NewDecoder(strings.NewReader(run(t, "go", "list", "-json=ImportPath,Imports,Deps", "./...")))
	for {
		var p struct {
			ImportPath    string
			Imports, Deps []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		name, ours := ourName(p.ImportPath)
		if !ours || name == "" {
			continue
		}
		row := slices.IndexFunc(importTable, func(rule importRule) bool { return below(name, rule.folder) })
		if row < 0 {
			t.Errorf("%s: not in the import table: add it there, and to docs/architecture.md", name)
			continue
		}
		rule := importTable[row]
		for _, imp := range p.Imports {
			if imported, _ := ourName(imp); belowAny(imported, slices.Concat(testSupport, []string{"testing"})) && !belowAny(name, testSupport) {
				t.Errorf("%s imports %s, which is for tests: move what it needs out of there", name, imported)
			}
			if imported, ours := ourName(imp); ours && !belowAny(imported, slices.Concat(rule.may, []string{rule.folder})) {
				t.Errorf("%s imports %s, but may import only %q of ours: declare the interface it needs in %s and let cmd/credbroker wire it",
					name, imported, rule.may, rule.folder)
			}
		}
		for _, dep := range p.Deps {
			if reached, _ := ourName(dep); belowAny(reached, rule.never) {
				t.Errorf("%s reaches %s, which it must never: find the way with `go mod why %s` and cut it", name, reached, dep)
			}
		}
	}
}

func (r *repository) checkClock(t *testing.T) {
	for _, s := range r.code("access", "internal", "selector", "sessions", "verdict") {
		r.eachUse(s, "time", func(at token.Position, name string) {
			if name == "Now" || name == "Since" || name == "Until" {
				t.Errorf("%s: time.%s: take the time as an argument; the edge reads the clock once per request", at, name)
			}
		})
	}
}

func (r *repository) checkPurity(t *testing.T) {
	outside := []string{"os", "net", "syscall", "log", "database"}
	for _, s := range r.code("access", "internal", "selector", "verdict") {
		if belowAny(s.path, testSupport) {
			continue
		}
		for _, imp := range s.ast.Imports {
			if name := strings.Trim(imp.Path.Value, `"`); belowAny(name, outside) && name != "net/url" { // it only parses
				t.Errorf("%s: import of %s: input and output belong to the caller", r.at(imp), name)
			}
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: goroutine: give the caller a method to call from its own", r.at(g))
			}
			return true
		})
	}
}

func (r *repository) checkStatusCodes(t *testing.T) {
	for _, s := range r.sources {
		if belowAny(s.path, []string{"server", "cmd", "examples"}) {
			continue
		}
		for _, imp := range s.ast.Imports {
			if name := strings.Trim(imp.Path.Value, `"`); name == "google.golang.org/grpc/codes" || name == "google.golang.org/grpc/status" {
				t.Errorf("%s: import of %s: return an error of the domain; server/errors.go knows its code", r.at(imp), name)
			}
		}
	}
}

// checkEdge type-checks server: what a call means does not show in its syntax.
func (r *repository) checkEdge(t *testing.T) {
	core := []string{"selector.Pool", "sessions/bindings.Table", "state.Persister"}
	export := map[string]string{}
	for line := range strings.SplitSeq(run(t, "go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "./server"), "\n") {
		name, file, _ := strings.Cut(line, " ")
		export[name] = file
	}
	conf := types.Config{Importer: importer.ForCompiler(r.fset, "gc", func(name string) (io.ReadCloser, error) { return os.Open(export[name]) })}
	var files []*ast.File
	for _, s := range r.code("server") {
		if path.Dir(s.path) == "server" {
			files = append(files, s.ast)
		}
	}
	info := types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}}
	if _, err := conf.Check(module+"/server", r.fset, files, &info); err != nil {
		t.Fatalf("check types of server: %v", err)
	}
	for at, selection := range info.Selections {
		method, ok := selection.Obj().(*types.Func)
		if !ok {
			continue
		}
		receiver := strings.TrimPrefix(types.TypeString(method.Signature().Recv().Type(), nil), "*")
		if name, ours := ourName(receiver); ours && slices.Contains(core, name) {
			t.Errorf("%s: call of %s.%s: order and durability are decided in broker: add a method there and call that",
				r.at(at), name, method.Name())
		}
	}
}

func (r *repository) checkReveal(t *testing.T) {
	for _, s := range r.code() {
		// The second is the type's own file; the third logs in to the broker's own store, the fourth gives the audit log its key.
		if slices.Contains([]string{"server/credential.go", "selector/secret.go", "state/redis/link.go", "cmd/credbroker/audit.go"}, s.path) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Reveal" {
				t.Errorf("%s: Reveal: pass the secret on as it is; server/credential.go alone takes the text out", r.at(sel))
			}
			return true
		})
	}
}

func (r *repository) checkContexts(t *testing.T) {
	for _, s := range r.code() {
		if belowAny(s.path, []string{"cmd", "examples"}) {
			continue
		}
		r.eachUse(s, "context", func(at token.Position, name string) {
			if name == "Background" || name == "TODO" {
				t.Errorf("%s: context.%s: take the context of the caller; only cmd makes one", at, name)
			}
		})
	}
}

func (r *repository) checkGlobals(t *testing.T) {
	for _, s := range r.sources {
		for _, decl := range s.ast.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init: do it in a constructor that the caller calls", r.at(f))
			}
		}
	}
	for _, s := range r.code() {
		for _, decl := range s.ast.Decls {
			if vars, ok := decl.(*ast.GenDecl); ok && vars.Tok == token.VAR {
				r.checkVariables(t, vars)
			}
		}
	}
}

// checkVariables allows sentinels, assertions of the kind `var _ I = (*T)(nil)`, embedded files, and arrays of fixed size, as
// the language has no constant ones.
func (r *repository) checkVariables(t *testing.T, vars *ast.GenDecl) {
	t.Helper()
	if vars.Doc != nil && slices.ContainsFunc(vars.Doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") }) {
		return
	}
	for _, spec := range vars.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for i, name := range v.Names {
			if name.Name == "_" || strings.HasPrefix(strings.ToLower(name.Name), "err") || len(v.Values) > i && isFixedArray(v.Values[i]) {
				continue
			}
			t.Errorf("%s: variable %s of the package: make it a constant, a function with a switch, an array of fixed size that "+
				"nothing writes, or a field", r.at(name), name.Name)
		}
	}
}

func isFixedArray(value ast.Expr) bool {
	literal, ok := value.(*ast.CompositeLit)
	if !ok {
		return false
	}
	array, ok := literal.Type.(*ast.ArrayType)
	return ok && array.Len != nil
}

func (r *repository) checkSleep(t *testing.T) {
	for _, s := range r.sources {
		if !s.test || slices.ContainsFunc(s.ast.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` }) {
			continue
		}
		r.eachUse(s, "time", func(at token.Position, name string) {
			if name == "Sleep" {
				t.Errorf("%s: time.Sleep: wait for the event itself, or test in a bubble of testing/synctest", at)
			}
		})
	}
}

func (r *repository) checkPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range r.code() {
		// A client is one file to copy from; its comment stands there.
		if dir := path.Dir(s.path); !below(s.path, "examples") {
			documented[dir] = documented[dir] || path.Base(s.path) == "doc.go" && s.ast.Doc.Text() != ""
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no doc.go with a package comment: say what it is for, what it promises, what it does not do, "+
				"and how it behaves under concurrency", dir)
		}
	}
}

func (r *repository) checkSizes(t *testing.T) {
	for _, s := range r.sources {
		limit := maxFile
		if s.test {
			limit = maxTestFile
		}
		if lines := r.fset.File(s.ast.FileStart).LineCount(); lines > limit {
			t.Errorf("%s: %d lines, the ceiling is %d: split it by what its parts are about", s.path, lines, limit)
		}
		for _, decl := range s.ast.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || s.test {
				continue
			}
			if lines := r.fset.Position(f.End()).Line - r.fset.Position(f.Pos()).Line + 1; lines > maxFunction {
				t.Errorf("%s: %s has %d lines, the ceiling is %d: name its steps and make them functions", r.at(f), f.Name.Name, lines, maxFunction)
			}
		}
	}
}

func (r *repository) checkPackageNames(t *testing.T) {
	meaningless := []string{
		"pkg", "util", "utils", "common", "types", "mock", "mocks", "helper", "helpers", "misc", "base", "shared", "lib", "impl", "interfaces",
	}
	for _, s := range r.sources {
		if name := strings.TrimSuffix(s.ast.Name.Name, "_test"); slices.Contains(meaningless, name) {
			t.Errorf("%s: package %s: name it after the one thing it is about", s.path, name)
		}
		for folder := range strings.SplitSeq(path.Dir(s.path), "/") {
			if slices.Contains(meaningless, folder) {
				t.Errorf("%s: folder %s: put the code where it is needed", s.path, folder)
			}
		}
	}
}

func (r *repository) checkFolders(t *testing.T) {
	decisions := r.decisions(t)
	first := map[string]string{}
	for _, file := range r.files {
		if folder, _, inFolder := strings.Cut(file, "/"); inFolder && first[folder] == "" {
			first[folder] = file
		}
	}
	for folder, file := range first {
		if !strings.Contains(decisions, "`"+folder+"/`") {
			t.Errorf("%s: no record in docs/decisions names the top-level folder `%s/`: write one, or put the file elsewhere", file, folder)
		}
	}
}

func (r *repository) checkDecisions(t *testing.T) {
	const maxPage = 70
	title := regexp.MustCompile(`^[0-9]{4}-[a-z0-9-]+\.md$`)
	numbers := map[string]string{}
	for _, file := range r.below("docs/decisions") {
		name := path.Base(file)
		if !title.MatchString(name) {
			t.Errorf("%s: name it NNNN-title.md, in lower case", file)
			continue
		}
		if other := numbers[name[:4]]; other != "" {
			t.Errorf("%s: has the number of %s: take the next free one", file, other)
		}
		numbers[name[:4]] = name
		text := readFile(t, file)
		for _, heading := range []string{"Context", "Choice", "Rejected", "Revisit when"} {
			if !strings.Contains(text, "\n## "+heading+"\n") {
				t.Errorf("%s: no heading `## %s`", file, heading)
			}
		}
		if lines := strings.Count(text, "\n"); lines > maxPage {
			t.Errorf("%s: %d lines are more than a page (%d)", file, lines, maxPage)
		}
	}
}

func (r *repository) checkDependencies(t *testing.T) {
	type required struct {
		Path     string
		Indirect bool
	}
	var mod struct{ Require, Tool []required }
	if err := json.Unmarshal([]byte(run(t, "go", "mod", "edit", "-json")), &mod); err != nil {
		t.Fatalf("read go.mod: %v", err)
	}
	decisions := r.decisions(t)
	for _, m := range slices.Concat(mod.Require, mod.Tool) {
		if !m.Indirect && !strings.Contains(decisions, "`"+m.Path+"`") {
			t.Errorf("go.mod: no record in docs/decisions names `%s`: add a line with what it replaces and what it pulls in", m.Path)
		}
	}
}

func (r *repository) checkFrontPages(t *testing.T) {
	if lines := strings.Count(readFile(t, "README.md"), "\n"); lines > maxReadme {
		t.Errorf("README.md: %d lines, the ceiling is %d: move what a first visitor does not need to docs/", lines, maxReadme)
	}
	if !strings.Contains(readFile(t, "CHANGELOG.md"), "\n## ") {
		t.Error("CHANGELOG.md: no heading `## ` of a version: keep what users will notice under `## Unreleased`")
	}
}

func (r *repository) checkMachinePaths(t *testing.T) {
	machine := regexp.MustCompile(`(^|[^\w./-])/(work|root|home)/`)
	for _, file := range r.files {
		base := path.Base(file)
		if base == "go.sum" || base == "package-lock.json" || strings.Contains(file, "testdata/") {
			continue
		}
		for i, line := range strings.Split(readFile(t, file), "\n") {
			if found := machine.FindString(line); found != "" {
				t.Errorf("%s:%d: %q: name a path relative to the repository, or an environment variable", file, i+1, strings.TrimSpace(found))
			}
		}
	}
}

// code returns the files that are not tests, below one of the folders, or all of them.
func (r *repository) code(folders ...string) []source {
	var code []source
	for _, s := range r.sources {
		if !s.test && (len(folders) == 0 || belowAny(s.path, folders)) {
			code = append(code, s)
		}
	}
	return code
}

func (r *repository) below(folder string) []string {
	return slices.DeleteFunc(slices.Clone(r.files), func(file string) bool { return !below(file, folder) })
}

// decisions returns the text of all decision records.
func (r *repository) decisions(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, file := range r.below("docs/decisions") {
		all.WriteString(readFile(t, file))
	}
	return all.String()
}

// eachUse calls found for every `name` of an imported package that a file mentions.
func (r *repository) eachUse(s source, imported string, found func(at token.Position, name string)) {
	local := ""
	for _, imp := range s.ast.Imports {
		if strings.Trim(imp.Path.Value, `"`) == imported {
			local = path.Base(imported)
			if imp.Name != nil {
				local = imp.Name.Name
			}
		}
	}
	if local == "" {
		return
	}
	ast.Inspect(s.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
				found(r.fset.Position(sel.Pos()), sel.Sel.Name)
			}
		}
		return true
	})
}

func (r *repository) at(n ast.Node) token.Position { return r.fset.Position(n.Pos()) }

// ourName returns an import path relative to the module, or as it is.
func ourName(importPath string) (name string, ours bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// below reports whether name is the folder or in it; the folder itself only, where that ends in a slash.
func below(name, folder string) bool {
	return name+"/" == folder || name == folder || strings.HasPrefix(name, folder+"/")
}

func belowAny(name string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return below(name, folder) })
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w: %s", cmd, err, &stderr))
	}
	return string(out)
}
