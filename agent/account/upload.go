package account

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"time"
)

// UploadPause is how long a client that streams a file may say nothing.
const UploadPause = 30 * time.Second

// Patient reads an upload: each pause of the client is bounded, the whole is not.
func Patient(w http.ResponseWriter, body io.Reader) io.Reader {
	return &patient{from: body, door: http.NewResponseController(w)}
}

type patient struct {
	from io.Reader
	door *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.door.SetReadDeadline(time.Now().Add(UploadPause)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.from.Read(b)
}

// maxToken bounds the first part of an upload.
const maxToken = 1024

// UploadHandler answers an upload of somebody who is logged in and may. parts are those behind the token; each is read as it comes.
type UploadHandler func(w http.ResponseWriter, r *http.Request, s *Session, parts *multipart.Reader)

// HandleUpload adds a route whose form is read part by part, and never whole. The token against requests of other sites is its
// first part: nothing of a file is read before it is checked.
func (g *Guard) HandleUpload(r Route, h UploadHandler) {
	g.add(r, func(w http.ResponseWriter, q *http.Request) {
		s := g.admit(w, q, r)
		if s == nil {
			return
		}
		q.Body = io.NopCloser(Patient(w, http.MaxBytesReader(w, q.Body, r.MaxBody)))
		parts, err := q.MultipartReader()
		if err != nil {
			g.refuse(w, q, s, http.StatusUnsupportedMediaType)
			return
		}
		if !firstIsToken(parts, s) {
			g.refuse(w, q, s, http.StatusForbidden)
			return
		}
		h(w, q, s, parts)
	})
}

func firstIsToken(parts *multipart.Reader, s *Session) bool {
	part, err := parts.NextPart()
	if err != nil || part.FormName() != CSRFField || part.FileName() != "" {
		return false
	}
	token, err := io.ReadAll(io.LimitReader(part, maxToken))
	return err == nil && s.CheckCSRF(string(token))
}
