package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Reason is why a file or a chunk is refused. The set is closed.
type Reason string

// The reasons. Those of chunks say what a peer, a broker or a disk did; those of files are for the person who adds one.
const (
	NotAChunk   Reason = "not-a-chunk"     // neither head nor body can be told, or the head names another route
	Foreign     Reason = "foreign-chunk"   // of a file that nobody here waits for from this sender
	Misplaced   Reason = "misplaced"       // beyond the last chunk, or the body of another chunk of the same file
	Truncated   Reason = "truncated"       // not as long as the chunk at this place must be
	Altered     Reason = "altered"         // not the bytes that the manifest was signed for
	NotWhole    Reason = "not-whole"       // the file is not there yet
	Damaged     Reason = "damaged"         // what was kept is not what was verified: the disk
	OtherFile   Reason = "other-content"   // the chunks are the manifest's, and the content in them is not
	Changed     Reason = "changed"         // the file changed or vanished while it was read
	Empty       Reason = "empty"           // a file without a byte
	TooLarge    Reason = "too-large"       // larger than the largest file
	NoSpace     Reason = "no-space"        // the disk has no room for it
	OverQuota   Reason = "over-quota"      // this desk keeps no more evidence
	NotReadable Reason = "not-decryptable" // no key of ours opens it
)

// Error is a refusal. Its text never quotes a file.
type Error struct {
	Reason Reason
	what   string
	cause  error
}

func (e *Error) Error() string {
	text := e.what + ": " + string(e.Reason)
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.cause }

// ReasonOf is the reason of a refusal, "" of any other error.
func ReasonOf(err error) Reason {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Reason
	}
	return ""
}

func refuse(reason Reason, what string) error { return &Error{Reason: reason, what: what} }

// onDisk names what a disk said.
func onDisk(what string, err error) error {
	if err == nil {
		return nil
	}
	var path *fs.PathError
	if errors.As(err, &path) { // the path is ours, and says nothing that a person can act on
		err = path.Err
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &Error{Reason: NoSpace, what: what, cause: err}
	}
	return fmt.Errorf("%s: %w", what, err)
}
