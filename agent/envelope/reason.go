package envelope

import (
	"errors"

	"comity/pki"
	"comity/pki/jose"
)

// Reason is why an envelope is refused. The set is closed.
type Reason string

// The reasons. Those from SignatureInvalid upwards are claims about nobody: they cannot be answered, because who sealed
// the bytes is not known.
const (
	Malformed           Reason = "malformed"             // not one canonical JWE around one canonical JWS, or misshapen content
	TooLarge            Reason = "too-large"             // longer than MaxWire
	AlgorithmNotAllowed Reason = "algorithm-not-allowed" // alg or enc is not the suite's
	HeaderNotAllowed    Reason = "header-not-allowed"    // crit, zip, jwk and whatever else no document of ours has
	TypeMismatch        Reason = "type-mismatch"         // no envelope outside, or no message and no control message inside
	UnsupportedSuite    Reason = "unsupported-suite"     // a suite that this version does not have
	WrongRecipient      Reason = "wrong-recipient"       // for another authority
	WrongKey            Reason = "wrong-key"             // for a key that this desk does not have
	NotDecryptable      Reason = "not-decryptable"       // altered, or not for the key it names
	Padding             Reason = "padding"               // not exactly the padding of the suite
	HeaderMismatch      Reason = "header-mismatch"       // the signed header says something else than the envelope
	UnknownSigner       Reason = "unknown-signer"        // no certificate that the directory and the State's CA prove
	Revoked             Reason = "revoked"               // the signer's certificate is revoked
	DirectoryStale      Reason = "directory-stale"       // our own trust list has expired: nobody can be proved now
	SignatureInvalid    Reason = "signature-invalid"     // not signed by the authority that it names

	// Signed by the authority that it names, and refused nevertheless: see AuthenticOf.
	Expired     Reason = "expired"       // valid_until has passed
	NotYetValid Reason = "not-yet-valid" // sent_at lies further ahead than clocks may differ
	BadContent  Reason = "bad-content"   // a control message whose content does not have its form
)

// Error is a refusal with its reason. Its text never quotes what was refused.
type Error struct {
	Reason    Reason
	what      string
	cause     error
	authentic *Authentic
}

func (e *Error) Error() string {
	text := "envelope " + string(e.Reason) + ": " + e.what
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.cause }

// ReasonOf is the reason of a refusal by Parse, Open or Verify, "" for any other error.
func ReasonOf(err error) Reason {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Reason
	}
	return ""
}

// AuthenticOf says who sent what was refused, where that is proved: a rejection can then be told to the sender. It is
// nil for everything that could not be authenticated, to which no truthful receipt exists.
func AuthenticOf(err error) *Authentic {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.authentic
	}
	return nil
}

func refuse(reason Reason, what string) error { return &Error{Reason: reason, what: what} }

// refuseJOSE translates a refusal of package jose while reading what.
func refuseJOSE(what string, err error) error {
	reason := Malformed
	switch jose.ReasonOf(err) {
	case jose.ReasonTooLarge:
		reason = TooLarge
	case jose.ReasonAlgorithmNotAllowed, jose.ReasonKeyNotAllowed:
		reason = AlgorithmNotAllowed
	case jose.ReasonTypeMismatch:
		reason = TypeMismatch
	case jose.ReasonHeaderNotAllowed:
		reason = HeaderNotAllowed
	case jose.ReasonSignatureInvalid:
		reason = SignatureInvalid
	case jose.ReasonDecryptionFailed:
		reason = NotDecryptable
	}
	return &Error{Reason: reason, what: what, cause: err}
}

// refuseSigner translates what pki says of the signer's certificate.
func refuseSigner(err error) error {
	reason := UnknownSigner
	switch pki.ReasonOf(err) {
	case pki.ReasonRevoked:
		reason = Revoked
	case pki.ReasonTrustListExpired, pki.ReasonTrustListMissing:
		reason = DirectoryStale
	}
	return &Error{Reason: reason, what: "proving the signer", cause: err}
}
