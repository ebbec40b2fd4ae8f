package server

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/reflect/protoreflect"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is the text below a heading, up to the next one of its level.
func section(t *testing.T, doc, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(doc, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("there is no heading %q", heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	text, _, _ := strings.Cut(rest, "\n"+level+" ")
	return text
}

// firstCells are the words in the first column of the tables of a text, sorted.
func firstCells(text string) []string {
	var cells []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(text, -1) {
		cells = append(cells, m[1])
	}
	slices.Sort(cells)
	return cells
}

func TestErrorsAreDocumented(t *testing.T) {
	tree, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Reason" {
			reason, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Error(err)
			}
			reasons = append(reasons, reason)
		}
		return true
	})
	slices.Sort(reasons)
	doc := readDoc(t, "errors.md")
	if diff := cmp.Diff(reasons, firstCells(section(t, doc, "## Reasons"))); diff != "" {
		t.Errorf("reasons in errors.go and in docs/errors.md (-code +docs):\n%s", diff)
	}
}

func TestMetricsAreDocumented(t *testing.T) {
	c := Config{Metrics: prometheus.NewRegistry()}
	m, err := newMetrics(&c)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := NewStateMetrics(c.Metrics)
	if err != nil {
		t.Fatal(err)
	}
	collectors := []prometheus.Collector{
		m.picks, m.reports, m.results, m.outages, m.tokens, m.panics, m.refused, m.handledBy, m.durations, m.build, m.callers, m.unproven, newStateCollector(nil), &auditCollector{},
		kept.saves, kept.failures, kept.lag, kept.claims, kept.claimTimes, kept.refused,
	}
	var names []string
	for _, collector := range collectors {
		descs := make(chan *prometheus.Desc, 16)
		collector.Describe(descs)
		close(descs)
		for d := range descs {
			name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1]
			names = append(names, name)
		}
	}
	slices.Sort(names)
	doc := readDoc(t, "metrics.md")
	before, labels, _ := strings.Cut(doc, "\n## Labels\n")
	if diff := cmp.Diff(names, firstCells(before)); diff != "" {
		t.Errorf("metrics in the code and in docs/metrics.md (-code +docs):\n%s", diff)
	}
	for _, class := range modelClasses {
		if !strings.Contains(labels, "`"+class.class+"`") {
			t.Errorf("model class %s is not in docs/metrics.md", class.class)
		}
	}
}

func TestMessagesOfAuthPoolAreDocumented(t *testing.T) {
	doc := readDoc(t, "api.md")
	pool := section(t, doc, "## AuthPool, for operators")
	file := credbrokerv1.File_credbroker_v1_pool_proto
	for i := range file.Messages().Len() {
		message := file.Messages().Get(i)
		row := regexp.MustCompile("(?m)^\\| `" + string(message.Name()) + "` \\|.*$").FindString(pool)
		if row == "" {
			t.Errorf("%s is not in docs/api.md", message.Name())
			continue
		}
		for j := range message.Fields().Len() {
			if field := message.Fields().Get(j).Name(); !strings.Contains(row, "`"+string(field)+"`") {
				t.Errorf("%s.%s is not in docs/api.md", message.Name(), field)
			}
		}
	}
	services := file.Services().Get(0)
	for i := range services.Methods().Len() {
		if name := services.Methods().Get(i).Name(); !strings.Contains(pool, "AuthPool/"+string(name)) {
			t.Errorf("docs/api.md has no example of %s", name)
		}
	}
	values := credbrokerv1.CandidateReason(0).Descriptor().Values()
	for i := 1; i < values.Len(); i++ {
		if name := short(values.Get(i)); !slices.Contains(firstCells(section(t, doc, "### Explanation")), name) {
			t.Errorf("reason %s is not in docs/api.md", name)
		}
	}
}

func short(v protoreflect.EnumValueDescriptor) string {
	return strings.TrimPrefix(string(v.Name()), "CANDIDATE_REASON_")
}
