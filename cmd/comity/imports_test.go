package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// importRule says which packages may not import which. Both are decided on paths inside the module, "" being its top.
type importRule struct {
	name   string
	broken func(importer, imported string) bool
}

const module = "comity/"

// within reports whether a package is one of the trees or below one.
func within(pkg string, trees ...string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool { return pkg == tree || strings.HasPrefix(pkg, tree+"/") })
}

// importRules are DESIGN section 2: cmd → broker, agent → schemas, pki. They hold for tests as well.
var importRules = []importRule{
	{"broker and agent never import each other", func(a, b string) bool {
		return within(a, "broker") && within(b, module+"agent") || within(a, "agent") && within(b, module+"broker")
	}},
	{"a child never imports the package that composes it", func(a, b string) bool {
		own := strings.TrimPrefix(b, module)
		return slices.Contains([]string{"broker", "agent", "cmd/comity"}, own) && own != b && strings.HasPrefix(a, own+"/")
	}},
	{"schemas imports nothing of the program but schemas", func(a, b string) bool {
		return within(a, "schemas") && strings.HasPrefix(b, module) && !within(b, module+"schemas")
	}},
	{"pki imports only schemas", func(a, b string) bool {
		return within(a, "pki") && strings.HasPrefix(b, module) && !within(b, module+"pki", module+"schemas")
	}},
	{"nothing below cmd imports cmd", func(a, b string) bool {
		return !within(a, "cmd") && within(b, module+"cmd")
	}},
	{"deploy holds data: it imports nothing of the program but schemas", func(a, b string) bool {
		return within(a, "deploy") && strings.HasPrefix(b, module) && !within(b, module+"deploy", module+"schemas")
	}},
	{"only pki/jose imports go-jose", func(a, b string) bool {
		return strings.HasPrefix(b, "github.com/go-jose/") && a != "pki/jose"
	}},
	{"NATS is imported in broker/bus, broker/relay, agent/link and the bench alone", func(a, b string) bool {
		return strings.HasPrefix(b, "github.com/nats-io/") && !slices.Contains([]string{"broker/bus", "broker/relay", "agent/link", "cmd/comity/bench"}, a)
	}},
	{"only agent/store and agent/register open a database", func(a, b string) bool {
		return (b == "database/sql" || strings.HasPrefix(b, "modernc.org/sqlite")) && !slices.Contains([]string{"agent/store", "agent/store/storetest", "agent/register"}, a)
	}},
}

// vagueNames are directories that would say nothing about what is in them.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "lib"}

// violations lists every import and directory of the tree that breaks a rule.
func violations(tree fs.FS) ([]string, error) {
	var found []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != ".":
			return fs.SkipDir
		case d.IsDir() && slices.Contains(vagueNames, d.Name()):
			found = append(found, name+": a directory's name says what is in it")
		case !d.IsDir() && strings.HasSuffix(name, ".go"):
			broken, err := brokenImports(tree, name)
			found = append(found, broken...)
			return err
		}
		return nil
	})
	return found, err
}

func brokenImports(tree fs.FS, name string) ([]string, error) {
	source, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		for _, rule := range importRules {
			if rule.broken(path.Dir(name), imported) {
				found = append(found, fmt.Sprintf("%s imports %s: %s", name, imported, rule.name))
			}
		}
	}
	return found, nil
}

func TestImportRules(t *testing.T) {
	found, err := violations(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

// TestImportRulesCatch seeds one violation of each rule, so that a rule that catches nothing is noticed.
func TestImportRulesCatch(t *testing.T) {
	seeded := []struct{ file, imported, rule string }{
		{"broker/relay/x.go", "comity/agent/envelope", "broker and agent never import each other"},
		{"agent/link/x_test.go", "comity/broker", "broker and agent never import each other"},
		{"agent/store/x.go", "comity/agent", "a child never imports the package that composes it"},
		{"broker/bus/x.go", "comity/broker", "a child never imports the package that composes it"},
		{"schemas/lifecycle/x.go", "comity/pki", "schemas imports nothing of the program but schemas"},
		{"pki/ca/x.go", "comity/agent/people", "pki imports only schemas"},
		{"agent/x.go", "comity/cmd/comity/sandbox", "nothing below cmd imports cmd"},
		{"deploy/samples/x.go", "comity/agent", "deploy holds data: it imports nothing of the program but schemas"},
		{"agent/envelope/x.go", "github.com/go-jose/go-jose/v4", "only pki/jose imports go-jose"},
		{"broker/x.go", "github.com/nats-io/nats.go", "NATS is imported in broker/bus, broker/relay, agent/link and the bench alone"},
		{"cmd/comity/sandbox/x.go", "github.com/nats-io/nats-server/v2/server", "NATS is imported in broker/bus, broker/relay, agent/link and the bench alone"},
		{"broker/x_test.go", "comity/agent/envelope", "broker and agent never import each other"},
		{"cmd/comity/x_test.go", "github.com/nats-io/nats.go", "NATS is imported in broker/bus, broker/relay, agent/link and the bench alone"},
		{"cmd/comity/x.go", "modernc.org/sqlite", "only agent/store and agent/register open a database"},
		{"agent/register/name/x.go", "database/sql", "only agent/store and agent/register open a database"},
	}
	caught := map[string]bool{}
	for _, s := range seeded {
		tree := fstest.MapFS{s.file: {Data: []byte("package x\n\nimport _ \"" + s.imported + "\"\n")}}
		found, err := violations(tree)
		want := s.file + " imports " + s.imported + ": " + s.rule
		if err != nil || !slices.Contains(found, want) {
			t.Errorf("got %q, %v; want %q among it", found, err, want)
		}
		caught[s.rule] = true
	}
	for _, rule := range importRules {
		if !caught[rule.name] {
			t.Errorf("no seeded violation for the rule %q", rule.name)
		}
	}
	found, err := violations(fstest.MapFS{"agent/utils/x.go": {Data: []byte("package utils\n")}})
	if err != nil || len(found) != 1 {
		t.Errorf("a directory named utils: got %q, %v", found, err)
	}
}

// TestEveryPackageSaysWhatItIs: each begins with what it does, what it trusts and what it must never see.
func TestEveryPackageSaysWhatItIs(t *testing.T) {
	documented := map[string]string{}
	tree := os.DirFS("../..")
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		documented[path.Dir(name)] += file.Doc.Text()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg, doc := range documented {
		if !strings.Contains(doc, "trust") || !strings.Contains(doc, "must never") {
			t.Errorf("package comment of %s does not say what it trusts and what it must never see or do", pkg)
		}
	}
}
