package agent

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"comity/pki/keyfile"
)

// Identity is the authority's own keys. The two private ones that touch messages stand behind interfaces, so that a
// hardware module can take their place.
type Identity struct {
	TLS                   tls.Certificate
	Signing               crypto.Signer
	SigningCertificate    *x509.Certificate
	Encryption            ecdh.KeyExchanger
	EncryptionCertificate *x509.Certificate
}

// ReadIdentity reads the three key files. It refuses files that others may read, and a key whose certificate is another's.
func ReadIdentity(files KeyFiles) (*Identity, error) {
	var id Identity
	var errs []error
	read := func(path string) (*ecdsa.PrivateKey, *x509.Certificate) {
		key, certificate, err := keyfile.ReadPair(path)
		errs = append(errs, err)
		return key, certificate
	}
	tlsKey, tlsCertificate := read(files.TLS)
	signing, signingCertificate := read(files.Signing)
	encryption, encryptionCertificate := read(files.Encryption)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	id.TLS = tls.Certificate{Certificate: [][]byte{tlsCertificate.Raw}, PrivateKey: tlsKey, Leaf: tlsCertificate}
	id.Signing, id.SigningCertificate = signing, signingCertificate
	exchange, err := encryption.ECDH()
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", files.Encryption, err)
	}
	id.Encryption, id.EncryptionCertificate = exchange, encryptionCertificate
	return &id, nil
}
