package api

import (
	"bytes"
	"io"
	"net/http"

	"comity/agent/people"
	"comity/schemas"
)

// Local makes a client of a desk in the same process, for the few commands that work while no agent runs. Every request
// is proved and admitted as on the socket.
func Local(handler http.Handler, authority schemas.AuthorityID, credential *people.Credential) *Client {
	return &Client{authority: authority, credential: credential, http: &http.Client{Transport: inProcess{handler}}}
}

// inProcess hands requests to a handler.
type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &answer{header: http.Header{}, status: http.StatusOK}
	r.RequestURI = r.URL.RequestURI()
	t.handler.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Body: io.NopCloser(&w.body), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
