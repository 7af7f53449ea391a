package pki

import (
	"errors"
	"fmt"
)

// Reason is why a document, a certificate or a route is refused. The set is closed: it serves decisions, evidence and
// metric labels alike.
type Reason string

// Why a certificate does not prove an authority.
const (
	ReasonNoCertificate    Reason = "no-certificate"
	ReasonMalformed        Reason = "malformed"
	ReasonExpired          Reason = "expired"
	ReasonNotYetValid      Reason = "not-yet-valid"
	ReasonRevoked          Reason = "revoked"
	ReasonWrongState       Reason = "wrong-state"   // the name is not within the State whose CA it should be from
	ReasonURICount         Reason = "uri-count"     // not exactly one name, and that a URI
	ReasonURIMalformed     Reason = "uri-malformed" // not comity://<state>/<authority>
	ReasonWrongUsage       Reason = "wrong-usage"
	ReasonWrongKey         Reason = "wrong-key" // not P-256
	ReasonUntrustedCA      Reason = "untrusted-ca"
	ReasonUnknownState     Reason = "unknown-state"
	ReasonUnknownAuthority Reason = "unknown-authority"
	ReasonNotInDirectory   Reason = "not-in-directory" // its State's directory does not list the certificate
	ReasonUnknownBroker    Reason = "unknown-broker"
)

// Why a document is refused.
const (
	ReasonPinChanged           Reason = "pin-changed" // the folder belongs to another pin
	ReasonTrustListMissing     Reason = "trust-list-missing"
	ReasonTrustListInvalid     Reason = "trust-list-invalid"
	ReasonTrustListForged      Reason = "trust-list-forged"
	ReasonTrustListUnderSigned Reason = "trust-list-under-signed"
	ReasonTrustListExpired     Reason = "trust-list-expired"
	ReasonTrustListOlder       Reason = "trust-list-older"
	ReasonTrustListConflict    Reason = "trust-list-conflict" // the same version with other content
	ReasonCASwapped            Reason = "ca-swapped"
	ReasonEntryInvalid         Reason = "entry-invalid"
	ReasonEntryForged          Reason = "entry-forged"
	ReasonEntryExpired         Reason = "entry-expired"
	ReasonEntryOlder           Reason = "entry-older"
	ReasonEntryConflict        Reason = "entry-conflict"
	ReasonCRLInvalid           Reason = "crl-invalid"
	ReasonCRLOlder             Reason = "crl-older"
	ReasonCRLConflict          Reason = "crl-conflict"
	ReasonCRLStale             Reason = "crl-stale" // a warning, never a refusal
)

// Why a route is not open.
const (
	ReasonRouteNotInForce  Reason = "route-not-in-force" // no agreement covers the two States and the channel now
	ReasonNotConnected     Reason = "not-connected"
	ReasonConnected        Reason = "connected" // so nothing goes there on paper
	ReasonChannelNotServed Reason = "channel-not-served"
)

// Error is a refusal with its reason.
type Error struct {
	Reason Reason
	What   string // the document or name concerned, in words
	Err    error  // the cause, or nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Reason, e.What)
	}
	return fmt.Sprintf("%s: %s: %v", e.Reason, e.What, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

func refuse(reason Reason, format string, args ...any) error {
	return &Error{Reason: reason, What: fmt.Sprintf(format, args...)}
}

// ReasonOf is the outermost reason in err, "" if it is not a refusal by this package.
func ReasonOf(err error) Reason {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Reason
	}
	return ""
}
