package account

import (
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"

	"comity/agent/people"
)

// The names under which a request carries the session's token against cross-site requests.
const (
	CSRFField  = "csrf"
	CSRFHeader = "Comity-CSRF"
)

// MaxForm bounds the body of a request in bytes, where its route says nothing else.
const MaxForm = 2 << 20

// Handler answers a request of somebody who is logged in and may.
type Handler func(w http.ResponseWriter, r *http.Request, s *Session)

// Route is a route with the act that a role must allow.
type Route struct {
	Pattern string // as http.ServeMux takes it: "GET /cases/{id}"
	Act     people.Act
	MaxBody int64 // bytes; 0: MaxForm
}

// Refusal is how a page says that a request is refused: with the status, for http.StatusUnauthorized with a way to log in. s is
// nil where nobody is logged in.
type Refusal func(w http.ResponseWriter, r *http.Request, s *Session, status int)

// Guard stands before every page: it finds out who asks, whether their roles allow it, that the request is their own and not
// another site's, and sets the strict headers. It is safe for concurrent use once its routes are there.
type Guard struct {
	book   *Book
	mux    *http.ServeMux
	cross  *http.CrossOriginProtection
	refuse Refusal
	log    *slog.Logger
	routes []Route
}

// NewGuard makes a guard without routes. refuse may be nil: then refusals are plain text.
func NewGuard(book *Book, refuse Refusal, log *slog.Logger) *Guard {
	if refuse == nil {
		refuse = func(w http.ResponseWriter, _ *http.Request, _ *Session, status int) {
			http.Error(w, http.StatusText(status), status)
		}
	}
	return &Guard{book: book, mux: http.NewServeMux(), cross: http.NewCrossOriginProtection(), refuse: refuse, log: log}
}

// Handle adds a route for people whose roles allow an act. It panics at an act that no role has: such a route must not be.
func (g *Guard) Handle(r Route, h Handler) {
	if r.Act == people.Anybody {
		panic("account: the route " + r.Pattern + " is for whoever is logged in: it needs an act")
	}
	if r.MaxBody == 0 {
		r.MaxBody = MaxForm
	}
	g.add(r, func(w http.ResponseWriter, q *http.Request) { g.serve(w, q, r, h) })
}

// HandleAnybody adds a route that needs nobody, such as the login and the style. Its handler is given the session of whoever
// is logged in all the same, or nil.
func (g *Guard) HandleAnybody(pattern string, h Handler) {
	g.add(Route{Pattern: pattern, Act: people.Anybody, MaxBody: MaxForm}, func(w http.ResponseWriter, q *http.Request) {
		q.Body = http.MaxBytesReader(w, q.Body, MaxForm)
		s, err := g.book.Session(q.Context(), q)
		if err != nil {
			g.fail(w, q, nil, err)
			return
		}
		h(w, q, s)
	})
}

func (g *Guard) add(r Route, h http.HandlerFunc) {
	if !people.IsAct(r.Act) {
		panic(fmt.Sprintf("account: the route %s has no act: %q", r.Pattern, r.Act))
	}
	g.routes = append(g.routes, r)
	g.mux.HandleFunc(r.Pattern, h)
}

// Routes lists the routes, so that a test can try every role on every one.
func (g *Guard) Routes() []Route { return g.routes }

// ServeHTTP is the one way in.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	SetHeaders(w.Header())
	if err := g.cross.Check(r); err != nil {
		g.refuse(w, r, nil, http.StatusForbidden)
		return
	}
	g.mux.ServeHTTP(w, r)
}

// serve: who is it, may they, is it their own request.
func (g *Guard) serve(w http.ResponseWriter, r *http.Request, route Route, h Handler) {
	s := g.admit(w, r, route)
	if s == nil {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, route.MaxBody)
	if Changes(r.Method) {
		token, err := tokenOf(r)
		if err != nil {
			g.refuse(w, r, s, http.StatusRequestEntityTooLarge)
			return
		}
		if !s.CheckCSRF(token) {
			g.refuse(w, r, s, http.StatusForbidden)
			return
		}
	}
	h(w, r, s)
}

// admit is the session of somebody who may, or nil where the answer is given already.
func (g *Guard) admit(w http.ResponseWriter, r *http.Request, route Route) *Session {
	s, err := g.book.Session(r.Context(), r)
	switch {
	case err != nil:
		g.fail(w, r, nil, err)
	case s == nil:
		g.refuse(w, r, nil, http.StatusUnauthorized)
	case !s.Person.May(route.Act), s.MustChange && route.Act != people.SignIn:
		g.refuse(w, r, s, http.StatusForbidden)
	default:
		return s
	}
	return nil
}

func (g *Guard) fail(w http.ResponseWriter, r *http.Request, s *Session, err error) {
	g.log.Error("finding a session", slog.Any("error", err))
	g.refuse(w, r, s, http.StatusInternalServerError)
}

// Changes reports whether a method is one that changes something (RFC 9110 section 9.2.1).
func Changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// formMemory is how much of a multipart form is kept in memory; the rest waits in temporary files.
const formMemory = 8 << 20

// tokenOf reads the token against cross-site requests, and with it the form where there is one.
func tokenOf(r *http.Request) (string, error) {
	if token := r.Header.Get(CSRFHeader); token != "" {
		return token, nil
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	switch kind {
	case "multipart/form-data":
		err = r.ParseMultipartForm(formMemory)
	case "application/x-www-form-urlencoded":
		err = r.ParseForm()
	default:
		return "", nil
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return "", err
	}
	return r.PostFormValue(CSRFField), nil
}

// SetHeaders sets what every answer has: nothing is fetched from elsewhere, framed, kept or told to another site.
func SetHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
		"font-src 'self'; media-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), publickey-credentials-get=(self), publickey-credentials-create=(self)")
	h.Set("Cache-Control", "no-store")
}
