package jose

import (
	"errors"
	"fmt"
)

// Reason is why a signature or an envelope is refused. The set is closed.
type Reason string

// The reasons of this package.
const (
	ReasonMalformed           Reason = "malformed"             // not the canonical serialisation
	ReasonTooLarge            Reason = "too-large"             // longer than MaxSize
	ReasonAlgorithmNotAllowed Reason = "algorithm-not-allowed" // alg or enc is not the fixed one
	ReasonTypeMismatch        Reason = "type-mismatch"         // another kind of document
	ReasonHeaderNotAllowed    Reason = "header-not-allowed"    // a member that no document of ours may have
	ReasonHeaderInvalid       Reason = "header-invalid"        // a member is missing, unknown to the kind, or misshapen
	ReasonExtraSignature      Reason = "extra-signature"       // more signatures than the kind takes, or one signer twice
	ReasonKeyNotAllowed       Reason = "key-not-allowed"       // a key that is not a valid P-256 key
	ReasonUnknownKey          Reason = "unknown-key"           // no signature is by a key that the caller knows
	ReasonSignatureInvalid    Reason = "signature-invalid"
	ReasonDecryptionFailed    Reason = "decryption-failed" // for every failure after parsing, so that it is no oracle
)

// Error is a refusal with its reason. It never quotes the document.
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
