package api

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
)

// A case system that has no answer does not know whether its request arrived. With an Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header) it may ask again: what was done is not done twice, and is answered as the first
// time. Keys belong to one caller and are kept for 24 hours, the newest 1000 of each.

// KeyHeader carries the key.
const KeyHeader = "Idempotency-Key"

// maxKey bounds a key in bytes.
const maxKey = 255

// The reasons for which a keyed request is refused. The set is closed.
const (
	ReasonKeyReused  = "idempotency-key-reused"  // it came with another request before
	ReasonKeyPending = "idempotency-key-pending" // the first request with it has no answer yet, or never had one
)

// Attempt is a request that was made under a key.
type Attempt struct {
	Caller  string
	Key     [sha256.Size]byte // SHA-256: keys are not kept
	Request [sha256.Size]byte // SHA-256 of method, target and body
	Status  int               // of the answer; 0 while there is none
	Answer  []byte
}

// Attempts is where keyed requests are kept.
type Attempts interface {
	// BeginAttempt keeps a new attempt and returns it with fresh true, or returns the one that is kept under its key. It is
	// durable before anything of the request is done.
	BeginAttempt(ctx context.Context, a Attempt) (kept Attempt, fresh bool, err error)
	// EndAttempt keeps the answer; a status of 0 forgets the attempt.
	EndAttempt(ctx context.Context, a Attempt) error
}

// once does a keyed request once.
func (s *Server) once(w http.ResponseWriter, r *request, key string, do func() (int, any, error)) error {
	if len(key) > maxKey || strings.TrimSpace(key) == "" {
		return &Problem{Reason: ReasonRequest, Message: "the idempotency key must have 1 to 255 bytes", Hint: "a random one, such as a UUID"}
	}
	a := Attempt{
		Caller: r.person.Name, Key: sha256.Sum256([]byte(key)),
		Request: sha256.Sum256([]byte(r.Method + "\n" + r.URL.RequestURI() + "\n" + string(r.body))),
	}
	kept, fresh, err := s.desk.BeginAttempt(r.Context(), a)
	switch {
	case err != nil:
		return err
	case !fresh && kept.Request != a.Request:
		return &Problem{Reason: ReasonKeyReused, Message: "this key came with another request before", Hint: "take a new key for each request"}
	case !fresh && kept.Status == 0:
		return &Problem{Reason: ReasonKeyPending, Message: "the first request with this key has no answer that is known", Hint: "wait; if that lasts, look whether it was done, and take a new key"}
	case !fresh:
		w.Header().Set("Idempotency-Replayed", "true")
		s.writeKept(w, kept)
		return nil
	}
	ctx := context.WithoutCancel(r.Context()) // what was done is kept, whether or not the caller waits for it
	status, answer, err := do()
	if err != nil {
		problem := s.problemOf(err)
		if problem.Reason == ReasonInternal {
			if err := s.desk.EndAttempt(ctx, a); err != nil {
				return err
			}
			return problem
		}
		document := documentOf(problem)
		status, answer = document.Status, document
	}
	if a.Answer, err = json.Marshal(answer); err != nil {
		return err
	}
	a.Status = status
	if err := s.desk.EndAttempt(ctx, a); err != nil {
		return err
	}
	s.writeKept(w, a)
	return nil
}

func (s *Server) writeKept(w http.ResponseWriter, a Attempt) {
	kind := "application/json"
	if a.Status >= http.StatusBadRequest {
		kind = problemMedia
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(a.Status)
	w.Write(a.Answer) // the caller may be gone; nothing to do about it
}
