package api

import (
	"net/http"
	"reflect"

	"github.com/go-json-experiment/json/jsontext"
)

// description is what the document of the API says of a route beside its path and act.
type description struct {
	summary string
	answer  reflect.Type
	body    reflect.Type // nil: none
	text    bool         // the body is text
	queries []string
	code    int // of success; 0: 200
}

// describe begins a description with the type of the answer.
func describe[T any](summary string) description {
	return description{summary: summary, answer: reflect.TypeFor[T](), code: http.StatusOK}
}

func (d description) takes(body any) description { d.body = reflect.TypeOf(body); return d }
func (d description) takesText() description     { d.text = true; return d }
func (d description) status(code int) description {
	d.code = code
	return d
}

func (d description) query(names ...string) description {
	d.queries = names
	return d
}

// The answers and bodies that have no type of their own.
type (
	binary      struct{} // a file
	eventStream struct{} // server-sent events, each an Event
	draftBody   map[string]jsontext.Value
)
