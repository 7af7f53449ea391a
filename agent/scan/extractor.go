package scan

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"
	"unicode/utf8"
)

// ChildVariable is set in the environment of a child process that extracts. A test binary that is started as one looks for it
// in TestMain and calls [Extract].
const ChildVariable = "COMITY_EXTRACT"

// defaultExtractTime is how long an attachment may take.
const defaultExtractTime = 30 * time.Second

// reasons are all that a child may answer.
var reasons = []Reason{
	NotText, BadEncoding, TooMuch, Broken, Encrypted, Macros, Mismatched, Polyglot, Embedded, Picture, NoText, Active, Revised, NoReader,
}

// extract reads one attachment. Plain text needs no reader. Everything else is taken apart by a child process, whose end,
// however it comes, leaves nothing worse than a reason.
func (s *Scanner) extract(ctx context.Context, f File) extraction {
	if kind := kindOf(f.Content); kind == textKind || kind == unknownKind || s.inProcess {
		x := newReader(len(f.Content))
		x.file(f.Name, f.MediaType, f.Content, 0)
		return x.extraction()
	}
	if len(s.config.Extractor) == 0 {
		return extraction{Unread: []Reason{NoReader}}
	}
	limit := s.config.ExtractTime
	if limit == 0 {
		limit = defaultExtractTime
	}
	name := nameOf(f)
	if x, known := s.read.find(name); known {
		return x
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	x, err := s.runChild(ctx, f)
	if err != nil {
		reason := Crashed
		if ctx.Err() != nil {
			reason = TimedOut
		}
		return extraction{Unread: []Reason{reason}}
	}
	s.read.keep(name, x)
	return x
}

// runChild starts a child, gives it the file and reads its answer.
func (s *Scanner) runChild(ctx context.Context, f File) (extraction, error) {
	head, err := json.Marshal(asked{Name: f.Name, MediaType: f.MediaType, Size: len(f.Content)})
	if err != nil {
		return extraction{}, err
	}
	cmd := exec.CommandContext(ctx, s.config.Extractor[0], s.config.Extractor[1:]...)
	cmd.Stdin = io.MultiReader(bytes.NewReader(binary.BigEndian.AppendUint32(nil, uint32(len(head)))), bytes.NewReader(head), bytes.NewReader(f.Content))
	out := &limitedBuffer{limit: 2*maxText + 1<<20} // JSON escapes
	cmd.Stdout = out
	cmd.Env = []string{ChildVariable + "=1", "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "OMP_THREAD_LIMIT=1"}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	ownGroup(cmd)
	if err := cmd.Run(); err != nil {
		return extraction{}, err
	}
	var x extraction
	if err := json.Unmarshal(out.b.Bytes(), &x); err != nil {
		return extraction{}, errors.New("the child answered nonsense")
	}
	if !utf8.ValidString(x.Text+x.Notes) || slices.ContainsFunc(x.Unread, func(r Reason) bool { return !slices.Contains(reasons, r) }) {
		return extraction{}, errors.New("the child answered nonsense")
	}
	return x, nil
}
