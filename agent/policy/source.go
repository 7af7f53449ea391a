package policy

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"comity/schemas"

	_ "embed"
)

// Source knows something about a message that stands neither in its bytes nor in the directory: a protection register
// knows persons, a scanner reads free text. Rules read it as context.<name>.
//
// Facts must be complete: every attribute that Shape declares, or an error. An error blocks the message, so a Source
// that can tell "unknown" apart from "none" says so in an attribute and leaves it to the rules to hold. It is called
// from many goroutines, must honour ctx, and must put no personal data into an error.
type Source interface {
	// Name is the member of the context: lower-case letters and underscores.
	Name() string
	// Shape declares the attributes of the record, all of them required.
	Shape() ast.RecordType
	Facts(ctx context.Context, m Message) (cedar.Record, error)
}

// Message is what a Source is asked about: one payload to one recipient, read from the bytes that would be sealed.
type Message struct {
	From, To schemas.AuthorityID
	Payload  *schemas.Payload
}

//go:embed schema.cedarschema
var schemaText []byte

const circumstances ast.Ident = "Circumstances"

var sourceNameForm = regexp.MustCompile(`^[a-z][a-z_]{1,30}$`)

// compileSchema is the Cedar schema with the record of each Source added to the context.
func compileSchema(sources []Source) (*validate.Validator, error) {
	var s schema.Schema
	s.SetFilename("schema.cedarschema")
	if err := s.UnmarshalCedar(schemaText); err != nil {
		return nil, fmt.Errorf("parsing the policy schema: %w", err)
	}
	tree := s.AST()
	common, found := tree.CommonTypes[circumstances]
	record, isRecord := common.Type.(ast.RecordType)
	if !found || !isRecord {
		return nil, errors.New("parsing the policy schema: no record type Circumstances")
	}
	for _, source := range sources {
		name := cedar.String(source.Name())
		if !sourceNameForm.MatchString(string(name)) {
			return nil, fmt.Errorf("fact source %q: name is not lower-case letters and underscores", name)
		}
		if _, taken := record[name]; taken {
			return nil, fmt.Errorf("fact source %q: name is taken", name)
		}
		for attribute, declared := range source.Shape() {
			if declared.Optional {
				return nil, fmt.Errorf("fact source %q: attribute %q is optional; a fact that may be absent is a fact that may be lost", name, attribute)
			}
		}
		record[name] = ast.Attribute{Type: source.Shape()}
	}
	tree.CommonTypes[circumstances] = ast.CommonType{Annotations: common.Annotations, Type: record}
	resolved, err := schema.NewSchemaFromAST(tree).Resolve()
	if err != nil {
		return nil, fmt.Errorf("resolving the policy schema: %w", err)
	}
	return validate.New(resolved), nil
}
