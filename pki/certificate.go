package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
	"time"

	"comity/schemas"
)

// Usage is what a certificate of a State is for. Each purpose has its own key.
type Usage int

// The four profiles.
const (
	UsageTLS        Usage = iota + 1 // TLS client towards the broker: digitalSignature, EKU clientAuth
	UsageSigning                     // messages and receipts: digitalSignature, EKU documentSigning (RFC 9336)
	UsageEncryption                  // opening messages: keyAgreement, no EKU
	UsageDirectory                   // the State's directory entry: as UsageSigning, under the reserved name
)

func (u Usage) String() string {
	switch u {
	case UsageTLS:
		return "tls"
	case UsageSigning:
		return "signing"
	case UsageEncryption:
		return "encryption"
	case UsageDirectory:
		return "directory"
	}
	return "unknown"
}

// DirectoryName is the reserved name under which a State signs its directory entry. No authority can have it.
const DirectoryName = "directory"

// DirectoryID is the identity that signs a State's directory entry.
func DirectoryID(state schemas.StateCode) schemas.AuthorityID {
	return schemas.AuthorityID(string(state) + "/" + DirectoryName)
}

// OIDDocumentSigning is id-kp-documentSigning, RFC 9336 section 3.1.
var OIDDocumentSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}

// OIDSubjectAltName is id-ce-subjectAltName, RFC 5280 section 4.2.1.6.
var OIDSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// CheckCA checks that a certificate has the profile of a State's CA: self-signed, P-256, signing end-entity certificates
// only, and held to its State by a critical name constraint, so that plain X.509 path validation in any program keeps
// it there.
func CheckCA(cert *x509.Certificate, state schemas.StateCode) error {
	what := "CA certificate of " + string(state)
	if !isP256(cert) {
		return refuse(ReasonWrongKey, "%s", what)
	}
	if !cert.BasicConstraintsValid || !cert.IsCA || !cert.MaxPathLenZero || cert.KeyUsage&x509.KeyUsageCertSign == 0 ||
		cert.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return refuse(ReasonWrongUsage, "%s is not a CA of end-entity certificates", what)
	}
	if !cert.PermittedDNSDomainsCritical || !slices.Equal(cert.PermittedURIDomains, []string{state.Lower()}) {
		return refuse(ReasonWrongState, "%s is not constrained to its State's names", what)
	}
	if !bytes.Equal(cert.RawIssuer, cert.RawSubject) || cert.CheckSignatureFrom(cert) != nil {
		return refuse(ReasonUntrustedCA, "%s is not self-signed", what)
	}
	return nil
}

// CheckProfile checks that a certificate names one identity of the State and has the profile of the usage. It says
// nothing about who signed it, nor about time.
//
// Go lets sub-domains of a name constraint, certificates without a URI and names of kinds that it does not know pass,
// so the whole subjectAltName is compared with the only one allowed (DESIGN section 5).
func CheckProfile(cert *x509.Certificate, state schemas.StateCode, usage Usage) (schemas.AuthorityID, error) {
	if len(cert.URIs) != 1 {
		return "", refuse(ReasonURICount, "certificate with %d URI names", len(cert.URIs))
	}
	if cert.URIs[0].Host != state.Lower() {
		return "", refuse(ReasonWrongState, "certificate is not named within %s", state)
	}
	id, err := schemas.AuthorityFromURI(cert.URIs[0].String())
	if err != nil {
		return "", &Error{Reason: ReasonURIMalformed, What: "certificate of " + string(state), Err: err}
	}
	if want, err := AltName(id); err != nil || !hasExtension(cert, OIDSubjectAltName, want) {
		return "", refuse(ReasonURICount, "certificate of %s has names beside its URI", id)
	}
	if !isP256(cert) {
		return "", refuse(ReasonWrongKey, "certificate of %s", id)
	}
	if (id.Name() == DirectoryName) != (usage == UsageDirectory) {
		return "", refuse(ReasonWrongUsage, "the name %q is for signing the directory", DirectoryName)
	}
	if !hasProfile(cert, usage) {
		return "", refuse(ReasonWrongUsage, "certificate of %s is not for %s", id, usage)
	}
	return id, nil
}

// AltName is the one subjectAltName of an identity's certificates: GeneralNames with a single
// uniformResourceIdentifier [6].
func AltName(id schemas.AuthorityID) ([]byte, error) {
	return asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(id.URI())}})
}

func hasExtension(cert *x509.Certificate, oid asn1.ObjectIdentifier, value []byte) bool {
	for _, ext := range cert.Extensions {
		if ext.Id.Equal(oid) {
			return bytes.Equal(ext.Value, value)
		}
	}
	return false
}

func hasProfile(cert *x509.Certificate, usage Usage) bool {
	if cert.IsCA {
		return false
	}
	none := len(cert.ExtKeyUsage) == 0
	switch usage {
	case UsageTLS:
		return cert.KeyUsage == x509.KeyUsageDigitalSignature && len(cert.UnknownExtKeyUsage) == 0 &&
			slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth})
	case UsageSigning, UsageDirectory:
		return cert.KeyUsage == x509.KeyUsageDigitalSignature && none && isDocumentSigning(cert)
	case UsageEncryption:
		return cert.KeyUsage == x509.KeyUsageKeyAgreement && none && len(cert.UnknownExtKeyUsage) == 0
	}
	return false
}

func isDocumentSigning(cert *x509.Certificate) bool {
	return len(cert.UnknownExtKeyUsage) == 1 && cert.UnknownExtKeyUsage[0].Equal(OIDDocumentSigning)
}

func isP256(cert *x509.Certificate) bool {
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	return ok && key.Curve == elliptic.P256()
}

// checkPath proves a certificate by its State's CAs at a time, and returns the CA that issued it.
func checkPath(cert *x509.Certificate, roots *x509.CertPool, at time.Time) (*x509.Certificate, error) {
	if at.Before(cert.NotBefore) {
		return nil, refuse(ReasonNotYetValid, "certificate, until %s", cert.NotBefore.Format(time.RFC3339))
	}
	if at.After(cert.NotAfter) {
		return nil, refuse(ReasonExpired, "certificate, since %s", cert.NotAfter.Format(time.RFC3339))
	}
	chains, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		reason := ReasonUntrustedCA
		if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
			reason = ReasonExpired
		}
		return nil, &Error{Reason: reason, What: "certificate path", Err: err}
	}
	return chains[0][len(chains[0])-1], nil
}

func parseCertificate(der []byte, what string) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &Error{Reason: ReasonMalformed, What: what, Err: err}
	}
	return cert, nil
}
