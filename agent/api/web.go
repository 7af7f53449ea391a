package api

import (
	"errors"
	"net/http"
	"strings"

	"golang.org/x/time/rate"

	"comity/agent/account"
	"comity/agent/people"
	"comity/schemas"
)

// The web door: the same handlers for browsers, which have a session, and for national case systems, which have a bearer
// token. What is answered wrong is a problem document (RFC 9457).

// A caller may ask so many times a second, and so many at once.
const (
	callerRate  = 100
	callerBurst = 500
)

// The reasons of the web door. The set is closed.
const (
	ReasonNobody    = "not-logged-in"
	ReasonCrossSite = "cross-site" // the request is another site's, or lacks the session's token
	ReasonPasskey   = "passkey"    // whoever has a passkey approves in the console
	ReasonMachine   = "machine"    // only a person does this
)

// Web is the routes of the web door, below WebPrefix.
func (s *Server) Web() http.Handler {
	cross := http.NewCrossOriginProtection()
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		if r.doors&onWeb == 0 {
			continue
		}
		mux.HandleFunc(r.method+" "+webPrefix+r.path, func(w http.ResponseWriter, q *http.Request) {
			admitted, err := s.admitWeb(w, q, r, cross)
			if err != nil {
				s.failWeb(w, err)
				return
			}
			s.answer(w, admitted, r, s.failWeb)
		})
	}
	mux.HandleFunc(WebPrefix, func(w http.ResponseWriter, _ *http.Request) {
		s.failWeb(w, &Problem{Reason: "not-found", Message: "the API has no such path", Hint: "GET " + webPrefix + "/openapi.json describes all"})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		account.SetHeaders(w.Header())
		mux.ServeHTTP(w, q)
	})
}

// admitWeb finds out who asks and whether they may.
func (s *Server) admitWeb(w http.ResponseWriter, q *http.Request, r route, cross *http.CrossOriginProtection) (*request, error) {
	admitted := &request{Request: q, web: true}
	if r.act != people.Anybody {
		if err := s.identify(admitted, r, cross); err != nil {
			return nil, err
		}
		if !s.allow(admitted.person.Name) {
			return nil, &Problem{Reason: ReasonTooOften, Message: "too many requests", Hint: "wait a second, and ask for longer pages or use events"}
		}
	}
	_, err := admitted.takeBody(w, r)
	return admitted, err
}

// allow counts a request of a caller.
func (s *Server) allow(name string) bool {
	limit, known := s.callers.Load(name)
	if !known {
		limit, _ = s.callers.LoadOrStore(name, rate.NewLimiter(callerRate, callerBurst))
	}
	return limit.(*rate.Limiter).Allow()
}

// identify reads a bearer token, or else a session.
func (s *Server) identify(a *request, r route, cross *http.CrossOriginProtection) error {
	book := s.desk.Accounts()
	if header := a.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return nobody("the API takes bearer tokens")
		}
		machine, err := book.Machine(a.Context(), token)
		if err != nil {
			return err
		}
		if machine == nil {
			return nobody("the token is not one that is good here")
		}
		a.person = machine
		a.alive = func() bool {
			again, err := book.Machine(a.Context(), token)
			return err == nil && again != nil
		}
		a.prove = func(string, string, []byte) ([]byte, error) {
			return nil, &Problem{Reason: ReasonMachine, Message: "a machine puts its name to nothing", Hint: "a person does it in the console, or with their credential"}
		}
		return mayOrProblem(a.person, r.act)
	}
	session, err := book.Session(a.Context(), a.Request)
	if err != nil {
		return err
	}
	if session == nil {
		return nobody("nobody is logged in")
	}
	if err := cross.Check(a.Request); err != nil || account.Changes(a.Method) && !session.CheckCSRF(a.Header.Get(account.CSRFHeader)) {
		return &Problem{Reason: ReasonCrossSite, Message: "the request lacks the token of its session", Hint: "send it in the header " + account.CSRFHeader}
	}
	if session.MustChange && r.act != people.SignIn {
		return &Problem{Reason: ReasonForbidden, Message: "the one-time password must be changed first", Hint: "log in at the console"}
	}
	a.person, a.alive = session.Person, func() bool { return book.Alive(session) }
	a.prove = func(method, target string, body []byte) ([]byte, error) {
		proof, err := book.Prove(session, method, target, body)
		if errors.Is(err, account.ErrPasskey) {
			return nil, &Problem{Reason: ReasonPasskey, Message: err.Error(), Hint: "approve in the console, which asks for it"}
		}
		return proof, err
	}
	return mayOrProblem(a.person, r.act)
}

func nobody(message string) error {
	return &Problem{Reason: ReasonNobody, Message: message, Hint: "log in at the console, or send a token: comity client add makes one"}
}

// ProblemDocument is what the web door answers when it does not do what was asked (RFC 9457).
type ProblemDocument struct {
	Type    string           `json:"type"` // urn:comity:problem: and the reason
	Title   string           `json:"title"`
	Status  int              `json:"status"`
	Detail  string           `json:"detail"`
	Hint    string           `json:"hint,omitzero"`
	Reason  string           `json:"reason"`
	Defects []schemas.Defect `json:"defects,omitzero"` // of a draft, every one at once
}

// problemType begins the type of each problem.
const problemType = "urn:comity:problem:"

const problemMedia = "application/problem+json"

func documentOf(p *Problem) ProblemDocument {
	status := statusOf(p.Reason)
	return ProblemDocument{
		Type: problemType + p.Reason, Title: http.StatusText(status), Status: status, Detail: p.Message, Hint: p.Hint, Reason: p.Reason, Defects: p.Defects,
	}
}

func (s *Server) failWeb(w http.ResponseWriter, err error) {
	document := documentOf(s.problemOf(err))
	if document.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="comity"`)
	}
	s.writeAs(w, problemMedia, document.Status, document)
}
