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
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/account"
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

// Server answers requests of the authority's own staff and machines.
type Server struct {
	desk    Desk
	gate    *people.Gate
	log     *slog.Logger
	streams chan struct{} // those that are open
	callers sync.Map      // at the web door: name to *rate.Limiter; as many as there are people and machines
}

// NewServer serves a desk to whom the gate admits.
func NewServer(desk Desk, gate *people.Gate, log *slog.Logger) *Server {
	return &Server{desk: desk, gate: gate, log: log, streams: make(chan struct{}, maxStreams)}
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

// Serve answers on the socket until ctx ends, then lets requests under way finish for a moment.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	return Serve(ctx, listener, s.Handler(), s.log)
}

// Serve answers on a listener until ctx ends, then lets requests under way finish for a moment. The listener is closed.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelWarn),
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
	return fmt.Errorf("serving %s: %w", listener.Addr().Network(), err)
}

// Handler is the routes of the socket.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		if r.doors&onSocket == 0 {
			continue
		}
		mux.HandleFunc(r.method+" "+socketPrefix+r.path, func(w http.ResponseWriter, q *http.Request) {
			admitted, err := s.admit(w, q, r)
			if err != nil {
				s.fail(w, err)
				return
			}
			s.answer(w, admitted, r, s.fail)
		})
	}
	return mux
}

// request is one admitted request.
type request struct {
	*http.Request
	person *people.Person // nil where no proof is needed
	// alive reports, in a long answer, whether whoever asked may still be told; nil on the socket.
	alive  func() bool
	body   []byte
	stream io.Reader // of an upload, in the place of body
	web    bool
	// prove is what is kept of an act by which the person puts their name to exact bytes.
	prove func(method, target string, body []byte) ([]byte, error)
}

// answer has a route handle a request that was admitted.
func (s *Server) answer(w http.ResponseWriter, admitted *request, r route, fail func(http.ResponseWriter, error)) {
	if r.stream != nil {
		r.stream(&failing{ResponseWriter: w, fail: fail}, admitted)
		return
	}
	if key := admitted.Header.Get(KeyHeader); key != "" && admitted.web && r.keyed() {
		if err := s.once(w, admitted, key, func() (int, any, error) { return r.handle(admitted) }); err != nil {
			fail(w, err)
		}
		return
	}
	status, answer, err := r.handle(admitted)
	if err != nil {
		fail(w, err)
		return
	}
	s.write(w, status, answer)
}

// failing is a writer that knows in which form its door says that something failed.
type failing struct {
	http.ResponseWriter
	fail func(http.ResponseWriter, error)
}

// Unwrap lets http.ResponseController find what the writer can do.
func (f *failing) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// refuse answers an error in the form of the door that the request came through.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	if f, ok := w.(*failing); ok {
		f.fail(f.ResponseWriter, err)
		return
	}
	s.fail(w, err)
}

// bodyOf reads the body of a request within the limit of its act.
func bodyOf(w http.ResponseWriter, r *http.Request, act people.Act) ([]byte, error) {
	limit, hint := int64(maxBody), "attachments may have 512 KiB in all"
	if act == people.KeepRegister {
		limit, hint = MaxFeed, "split the feed"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, &Problem{Reason: ReasonTooLarge, Message: fmt.Sprintf("request is larger than %d bytes", limit), Hint: hint}
	}
	return body, nil
}

// takeBody reads the body of a request, or leaves that of an upload where it is.
func (r *request) takeBody(w http.ResponseWriter, to route) (body []byte, err error) {
	if to.upload {
		r.stream = account.Patient(w, r.Request.Body)
		return nil, nil
	}
	r.body, err = bodyOf(w, r.Request, to.act)
	return r.body, err
}

// admit reads the body, checks the proof over exactly this request, and asks the person's roles.
func (s *Server) admit(w http.ResponseWriter, q *http.Request, r route) (*request, error) {
	admitted := &request{Request: q}
	body, err := admitted.takeBody(w, r)
	if err != nil {
		return nil, err
	}
	proof := []byte(q.Header.Get(ProofHeader))
	if r.owner {
		return admitted, nil
	}
	if len(proof) == 0 && r.act == people.KeepAccounts && !s.gate.Has(people.KeyOfficer) {
		admitted.person = &people.Person{} // the owner of the agent's files, who could list a key officer
		return admitted, nil
	}
	if len(proof) == 0 {
		return nil, &Problem{Reason: ReasonNoProof, Message: "nothing proves who acts", Hint: "name a credential file with --as"}
	}
	admitted.person, err = s.gate.Admit(proof, q.Method, q.URL.RequestURI(), body)
	if refused, ok := errors.AsType[*people.Refused](err); ok {
		return nil, &Problem{Reason: string(refused.Reason), Message: refused.Error(), Hint: "is it a credential of this authority's staff, and is the clock right?"}
	}
	if err != nil {
		return nil, err
	}
	if err := mayOrProblem(admitted.person, r.act); err != nil {
		return nil, err
	}
	admitted.prove = func(method, target string, canonical []byte) ([]byte, error) {
		if method != q.Method || target != q.URL.RequestURI() || string(canonical) != string(body) {
			// What was signed is this request as it came. Kept, it is verified later against what it must have been.
			return nil, &Problem{Reason: ReasonRequest, Message: "what is signed must be canonical JSON (RFC 8785) and nothing beside it"}
		}
		return proof, nil
	}
	return admitted, nil
}

// mayOrProblem asks the one table of roles.
func mayOrProblem(p *people.Person, act people.Act) error {
	if p.May(act) {
		return nil
	}
	return &Problem{Reason: ReasonForbidden, Message: fmt.Sprintf("the roles of %s do not include %s", p.Name, act), Hint: "ask a colleague whose role it is"}
}

// fail answers a problem as it is. Anything else is a failure of the agent: its text goes to the log, not to the caller.
func (s *Server) fail(w http.ResponseWriter, err error) {
	problem := s.problemOf(err)
	s.write(w, statusOf(problem.Reason), problem)
}

// problemOf logs what a caller cannot act on, and says so.
func (s *Server) problemOf(err error) *Problem {
	problem, ok := errors.AsType[*Problem](err)
	if !ok {
		s.log.Error("request failed", slog.Any("error", err))
		problem = &Problem{Reason: ReasonInternal, Message: "the agent could not do it", Hint: "its log says why; nothing was changed"}
	}
	return problem
}

func statusOf(reason string) int {
	switch reason {
	case ReasonInternal:
		return http.StatusInternalServerError
	case ReasonNoProof, ReasonNobody, string(people.ReasonMalformed), string(people.ReasonUnknownPerson), string(people.ReasonSignature),
		string(people.ReasonOtherCommand), string(people.ReasonOutsideWindow), string(people.ReasonReplayed), string(people.ReasonCredentialTimes):
		return http.StatusUnauthorized
	case ReasonForbidden, ReasonCrossSite:
		return http.StatusForbidden
	case ReasonTooLarge:
		return http.StatusRequestEntityTooLarge
	case string(people.ReasonBusy), ReasonTooOften:
		return http.StatusTooManyRequests
	case "not-found":
		return http.StatusNotFound
	case "invalid", ReasonKeyReused:
		return http.StatusUnprocessableEntity
	case ReasonRequest:
		return http.StatusBadRequest
	default:
		return http.StatusConflict
	}
}

func (s *Server) write(w http.ResponseWriter, status int, answer any) {
	s.writeAs(w, "application/json", status, answer)
}

func (s *Server) writeAs(w http.ResponseWriter, kind string, status int, answer any) {
	encoded, err := json.Marshal(answer)
	if err != nil {
		s.log.Error("encoding an answer", slog.Any("error", err))
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
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
