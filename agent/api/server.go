package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/people"
	"comity/schemas"
)

// ProofHeader carries the person's signed command.
const ProofHeader = "Comity-Proof"

// maxBody bounds a request: the largest payload and its recipients.
const maxBody = 2 << 20

// MaxFeed bounds a feed of the protection register, in bytes.
const MaxFeed = 256 << 20

// The reasons with which the API itself refuses. The set is closed.
const (
	ReasonNoProof   = "no-proof"
	ReasonForbidden = "forbidden" // the person's role does not allow it
	ReasonRequest   = "bad-request"
	ReasonTooLarge  = "too-large"
	ReasonInternal  = "internal"
	ReasonTooOften  = "too-often" // look-ups in the register are counted
)

// Server answers requests of the authority's own staff.
type Server struct {
	desk Desk
	gate *people.Gate
	log  *slog.Logger
}

// NewServer serves a desk to whom the gate admits.
func NewServer(desk Desk, gate *people.Gate, log *slog.Logger) *Server {
	return &Server{desk: desk, gate: gate, log: log}
}

// Listen opens the socket for the agent's owner alone. A socket that a dead agent left behind is replaced; one that
// answers is not.
func Listen(path string) (net.Listener, error) {
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		conn.Close()
		return nil, fmt.Errorf("socket %s: another agent answers there", path)
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("socket %s: a file that is no socket stands there", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("removing the socket of an agent that ended: %w", err)
		}
	}
	// A folder of our own while the socket is made: between listen and chmod nobody else may connect.
	dir, err := os.MkdirTemp(filepath.Dir(path), ".socket-")
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	defer os.Remove(dir)
	inside := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", inside)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false) // it is about to have another name
	if err := errors.Join(os.Chmod(inside, 0o600), os.Rename(inside, path)); err != nil {
		listener.Close()
		os.Remove(inside)
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return listener, nil
}

// Serve answers until ctx ends, then lets requests under way finish for a moment.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(last) != nil {
			server.Close()
		}
	}()
	err := server.Serve(listener)
	if ctx.Err() != nil {
		<-stopped
		return nil
	}
	return fmt.Errorf("serving the socket: %w", err)
}

// Handler is the routes. The act beside each is what a role must allow; an empty one needs no proof at all.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern string, act people.Act, handle func(*request) (int, any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, act, handle) })
	}
	route("POST /v1/drafts", people.Draft, s.draft)
	route("PUT /v1/messages/{id}/draft", people.Draft, s.edit)
	route("DELETE /v1/messages/{id}", people.Draft, s.discard)
	route("POST /v1/messages/{id}/approval", people.Approve, s.sign(s.desk.Approve))
	route("POST /v1/messages/{id}/signature", people.SignAlone, s.sign(s.desk.SignAlone))
	route("POST /v1/messages/{id}/second-look", people.Approve, s.sign(s.desk.LookAgain))
	route("GET /v1/messages", people.ReadList, s.messages)
	route("GET /v1/messages/{id}", people.ReadList, s.message)
	route("GET /v1/cases", people.ReadList, s.cases)
	route("GET /v1/cases/{id}", people.ReadList, s.caseFile)
	route("GET /v1/tasks", people.ReadList, s.tasks)
	route("GET /v1/health", "", s.health)
	s.protectionRoutes(route)
	s.journalRoutes(route)
	mux.HandleFunc("GET /v1/events", s.events)
	mux.HandleFunc("POST /v1/cases/{id}/export", s.exportCase)
	mux.HandleFunc("POST /v1/backup", s.backup)
	return mux
}

// request is one admitted request.
type request struct {
	*http.Request
	person *people.Person // nil where no proof is needed
	proof  []byte
	body   []byte
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, act people.Act, handle func(*request) (int, any, error)) {
	admitted, err := s.admit(w, r, act)
	if err != nil {
		s.fail(w, err)
		return
	}
	status, answer, err := handle(admitted)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.write(w, status, answer)
}

// admit reads the body, checks the proof over exactly this request, and asks the person's roles.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, act people.Act) (*request, error) {
	limit, hint := int64(maxBody), "attachments may have 512 KiB in all"
	if act == people.KeepRegister {
		limit, hint = MaxFeed, "split the feed"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, &Problem{Reason: ReasonTooLarge, Message: fmt.Sprintf("request is larger than %d bytes", limit), Hint: hint}
	}
	admitted := &request{Request: r, body: body}
	if act == "" {
		return admitted, nil
	}
	admitted.proof = []byte(r.Header.Get(ProofHeader))
	if len(admitted.proof) == 0 {
		return nil, &Problem{Reason: ReasonNoProof, Message: "nothing proves who acts", Hint: "name a credential file with --as"}
	}
	admitted.person, err = s.gate.Admit(admitted.proof, r.Method, r.URL.RequestURI(), body)
	if refused, ok := errors.AsType[*people.Refused](err); ok {
		return nil, &Problem{Reason: string(refused.Reason), Message: refused.Error(), Hint: "is it a credential of this authority's staff, and is the clock right?"}
	}
	if err != nil {
		return nil, err
	}
	if !admitted.person.May(act) {
		return nil, &Problem{Reason: ReasonForbidden, Message: fmt.Sprintf("the roles of %s do not include %s", admitted.person.Name, act), Hint: "ask a colleague whose role it is"}
	}
	return admitted, nil
}

// fail answers a problem as it is. Anything else is a failure of the agent: its text goes to the log, not to the caller.
func (s *Server) fail(w http.ResponseWriter, err error) {
	problem, ok := errors.AsType[*Problem](err)
	if !ok {
		s.log.Error("request failed", slog.Any("error", err))
		problem = &Problem{Reason: ReasonInternal, Message: "the agent could not do it", Hint: "its log says why; nothing was changed"}
	}
	s.write(w, statusOf(problem.Reason), problem)
}

func statusOf(reason string) int {
	switch reason {
	case ReasonInternal:
		return http.StatusInternalServerError
	case ReasonNoProof, string(people.ReasonMalformed), string(people.ReasonUnknownPerson), string(people.ReasonSignature),
		string(people.ReasonOtherCommand), string(people.ReasonOutsideWindow), string(people.ReasonReplayed), string(people.ReasonCredentialTimes):
		return http.StatusUnauthorized
	case ReasonForbidden:
		return http.StatusForbidden
	case ReasonTooLarge:
		return http.StatusRequestEntityTooLarge
	case string(people.ReasonBusy), ReasonTooOften:
		return http.StatusTooManyRequests
	case "not-found":
		return http.StatusNotFound
	case "invalid":
		return http.StatusUnprocessableEntity
	default:
		return http.StatusConflict
	}
}

func (s *Server) write(w http.ResponseWriter, status int, answer any) {
	encoded, err := json.Marshal(answer)
	if err != nil {
		s.log.Error("encoding an answer", slog.Any("error", err))
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(encoded) // the caller may be gone; nothing to do about it
}

func (r *request) id() (schemas.MessageID, error) {
	id, err := schemas.ParseMessageID(r.PathValue("id"))
	if err != nil {
		return "", &Problem{Reason: ReasonRequest, Message: "not a message id", Hint: "comity message list shows the ids"}
	}
	return id, nil
}
