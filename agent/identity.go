package agent

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
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
		key, certificate, err := readKeyPair(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("key file %s: %w", path, err))
		}
		return key, certificate
	}
	tlsKey, tlsCertificate := read(files.TLS)
	signing, signingCertificate := read(files.Signing)
	encryption, encryptionCertificate := read(files.Encryption)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	id.TLS = tls.Certificate{Certificate: [][]byte{tlsCertificate.Raw}, PrivateKey: tlsKey, Leaf: tlsCertificate}
	id.Signing, id.SigningCertificate = signing, signingCertificate
	exchange, err := encryption.ECDH()
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", files.Encryption, err)
	}
	id.Encryption, id.EncryptionCertificate = exchange, encryptionCertificate
	return &id, nil
}

func readKeyPair(path string) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, nil, fmt.Errorf("open to others (mode %o): allow its owner alone (0600)", info.Mode().Perm())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	keyBlock, rest := pem.Decode(content)
	certificateBlock, _ := pem.Decode(rest)
	if keyBlock == nil || certificateBlock == nil || keyBlock.Type != "PRIVATE KEY" || certificateBlock.Type != "CERTIFICATE" {
		return nil, nil, errors.New("a PRIVATE KEY block and then a CERTIFICATE block are needed")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, errors.New("private key is not PKCS #8") // never the parser's text, which may show key bytes
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, errors.New("private key is not an EC key")
	}
	certificate, err := x509.ParseCertificate(certificateBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate: %w", err)
	}
	if !key.PublicKey.Equal(certificate.PublicKey) {
		return nil, nil, errors.New("key and certificate do not belong together")
	}
	return key, certificate, nil
}
