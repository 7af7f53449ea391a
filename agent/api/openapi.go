package api

import (
	"encoding"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"comity/agent/people"
)

// The document of the API is made from the same table that serves it, and its schemas from the types that are encoded: neither
// can say what the other does not.

// object is a JSON object of the document.
type object = map[string]any

// OpenAPIVersion is the version of the OpenAPI Specification that the document follows.
const OpenAPIVersion = "3.1.1"

// openAPI answers the description of the web door.
func (s *Server) openAPI(*request) (int, any, error) { return http.StatusOK, s.document(), nil }

func (s *Server) document() object {
	d := &document{schemas: object{}, types: map[string]reflect.Type{}}
	problem := d.schemaOf(reflect.TypeFor[ProblemDocument]())
	paths := map[string]object{}
	for _, r := range s.routes() {
		if r.doors&onWeb == 0 {
			continue
		}
		if paths[r.path] == nil {
			paths[r.path] = object{}
		}
		paths[r.path][strings.ToLower(r.method)] = d.operation(r)
	}
	return object{
		"openapi": OpenAPIVersion,
		"info": object{
			"title": "Comity: the API of an authority's agent", "version": "1",
			"description": "For national case systems (bearer tokens) and the console (its session). A machine drafts and reads; it never approves. " +
				"Nobody but protection officers is told why a message is under review.",
		},
		"servers": []any{object{"url": webPrefix}},
		"paths":   paths,
		"components": object{
			"schemas": d.schemas,
			"securitySchemes": object{
				"token":   object{"type": "http", "scheme": "bearer", "description": "comity client add NAME --role ROLE makes one"},
				"session": object{"type": "apiKey", "in": "cookie", "name": "__Host-comity", "description": "of a person at the console; what changes something needs the header Comity-CSRF as well"},
			},
			"responses": object{"problem": object{
				"description": "What was asked is not done (RFC 9457)", "content": object{"application/problem+json": object{"schema": problem}},
			}},
		},
	}
}

// document collects the schemas of named types.
type document struct {
	schemas object
	types   map[string]reflect.Type // of the schemas: no two types of one name
}

var pathParameter = regexp.MustCompile(`\{([a-z0-9]+)\}`)

// queryHelp says what each parameter is.
var queryHelp = map[string]string{
	"limit": "at most so many, 1000 at the most", "cursor": "next of the page before", "state": "messages in this state only",
	"case": "messages of this case only", "peer": "messages with this authority only", "all": "true: also what peers owe",
	"for": "the reader: an authority such as QN/justice, or a State", "log": "the log's origin; without it the home log",
	"words": "1 to 12 words, folded like names: case, accents and script make no difference",
	"from":  "the first day of the period", "to": "its last day",
}

func (d *document) operation(r route) object {
	op := object{
		"operationId": operationID(r), "summary": r.about.summary, "x-comity-act": string(r.act),
		"responses": object{
			strconv.Itoa(r.about.code): object{"description": http.StatusText(r.about.code), "content": d.contentOf(r.about.answer)},
			"default":                  object{"$ref": "#/components/responses/problem"},
		},
	}
	if r.act == people.Anybody {
		op["security"] = []any{}
	} else {
		op["security"] = []any{object{"token": []any{}}, object{"session": []any{}}}
	}
	var parameters []any
	for _, found := range pathParameter.FindAllStringSubmatch(r.path, -1) {
		parameters = append(parameters, object{"name": found[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, name := range r.about.queries {
		schema := object{"type": "string"}
		if name == "limit" {
			schema = object{"type": "integer", "minimum": 1, "maximum": MaxPage}
		}
		parameters = append(parameters, object{"name": name, "in": "query", "description": queryHelp[name], "schema": schema})
	}
	if r.keyed() {
		parameters = append(parameters, object{"name": KeyHeader, "in": "header", "schema": object{"type": "string", "minLength": 1, "maxLength": maxKey},
			"description": "The same key with the same request does it once, and answers as the first time, for 24 hours"})
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	switch {
	case r.about.body == reflect.TypeFor[binary]():
		op["requestBody"] = object{"required": true, "content": object{"application/octet-stream": object{}}}
	case r.about.body != nil:
		op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": d.schemaOf(r.about.body)}}}
	case r.about.text:
		op["requestBody"] = object{"content": object{"text/plain": object{"schema": object{"type": "string"}}}}
	}
	return op
}

func operationID(r route) string {
	words := strings.FieldsFunc(r.path, func(c rune) bool { return !('a' <= c && c <= 'z' || '0' <= c && c <= '9') })
	return strings.ToLower(r.method) + "-" + strings.Join(words, "-")
}

func (d *document) contentOf(answer reflect.Type) object {
	switch answer {
	case reflect.TypeFor[binary]():
		return object{"application/octet-stream": object{}, "application/zip": object{}}
	case reflect.TypeFor[eventStream]():
		return object{"text/event-stream": object{"schema": object{"type": "string"}}}
	}
	return object{"application/json": object{"schema": d.schemaOf(answer)}}
}

// schemaOf is the JSON Schema of a type as it is encoded. A struct becomes a component of its own name.
func (d *document) schemaOf(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[jsontext.Value]():
		return object{}
	case reflect.TypeFor[object]():
		return object{"type": "object"}
	case reflect.TypeFor[draftBody]():
		return object{"type": "object", "required": []any{"to"}, "description": "a payload of the message's type and to, a list of authorities: comity schema show TYPE"}
	}
	if t.Kind() == reflect.Pointer {
		return object{"anyOf": []any{d.schemaOf(t.Elem()), object{"type": "null"}}}
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": d.schemaOf(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": d.schemaOf(t.Elem())}
	case reflect.Struct:
		return d.component(t)
	}
	panic(fmt.Sprintf("api: the document has no schema for %s", t))
}

func (d *document) component(t reflect.Type) object {
	reference := object{"$ref": "#/components/schemas/" + t.Name()}
	if known := d.types[t.Name()]; known != nil {
		if known != t {
			panic(fmt.Sprintf("api: %s and %s have one name in the document", known, t))
		}
		return reference
	}
	d.types[t.Name()] = t
	schema := object{"type": "object", "additionalProperties": false}
	d.schemas[t.Name()] = schema // before its members: a type may hold itself
	properties, required := object{}, []string{}
	d.members(t, properties, &required)
	schema["properties"], schema["required"] = properties, slices.Sorted(slices.Values(required))
	return reference
}

func (d *document) members(t reflect.Type, properties object, required *[]string) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-":
			continue
		case field.Anonymous && name == "":
			d.members(field.Type, properties, required)
			continue
		case !field.IsExported() || name == "":
			panic(fmt.Sprintf("api: member %s of %s has no name in JSON", field.Name, t))
		}
		properties[name] = d.schemaOf(field.Type)
		if !strings.Contains(options, "omitzero") && !strings.Contains(options, "omitempty") {
			*required = append(*required, name)
		}
	}
}
