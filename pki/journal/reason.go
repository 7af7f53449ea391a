package journal

import (
	"errors"
	"fmt"
)

// Reason is why a checkpoint or a proof is refused. The set is closed.
type Reason string

// The reasons of this package.
const (
	ReasonMalformed   Reason = "malformed"         // not the one spelling of the form
	ReasonOrigin      Reason = "other-log"         // of another log than the one asked about
	ReasonSigner      Reason = "unknown-signer"    // not signed by the key given
	ReasonSignature   Reason = "signature-invalid" // by that key's name, and not by that key
	ReasonNotIncluded Reason = "not-included"      // the proof does not lead from the leaf to the hash
	ReasonShrunk      Reason = "shrunk"            // smaller than a checkpoint that was seen before
	ReasonRewritten   Reason = "rewritten"         // does not begin with what a checkpoint seen before says
)

// Error is a refusal with its reason.
type Error struct {
	Reason Reason
	what   string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Reason, e.what) }

func refuse(reason Reason, format string, args ...any) error {
	return &Error{Reason: reason, what: fmt.Sprintf(format, args...)}
}

// ReasonOf is the reason of a refusal by this package, "" for any other error.
func ReasonOf(err error) Reason {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Reason
	}
	return ""
}
