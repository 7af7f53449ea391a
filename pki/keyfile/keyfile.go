// Package keyfile reads and writes private keys and certificates as PEM files: a key alone, a certificate alone, or a key
// and behind it the certificate that belongs to it.
//
// It trusts the file system for who may read what, and therefore refuses a private key that others than its owner may
// read. It must never put a byte of a key, or a parser's words about one, into an error.
package keyfile

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"comity/pki/internal/durable"
)

const (
	keyType         = "PRIVATE KEY" // PKCS #8, RFC 5958
	certificateType = "CERTIFICATE"
)

// Generate makes a P-256 key.
func Generate() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating a key: %w", err)
	}
	return key, nil
}

// WriteKey writes a private key for its owner alone. An existing file is replaced.
func WriteKey(path string, key crypto.Signer) error {
	block, err := encodeKey(key)
	if err != nil {
		return fmt.Errorf("writing key %s: %w", filepath.Base(path), err)
	}
	return durable.WriteFile(path, block, 0o600)
}

// WritePair writes a private key and its certificate into one file for its owner alone. An existing file is replaced.
func WritePair(path string, key crypto.PrivateKey, certificate *x509.Certificate) error {
	block, err := encodeKey(key)
	if err != nil {
		return fmt.Errorf("writing key %s: %w", filepath.Base(path), err)
	}
	return durable.WriteFile(path, append(block, EncodeCertificate(certificate)...), 0o600)
}

// WriteCertificate writes a certificate for everybody to read.
func WriteCertificate(path string, certificate *x509.Certificate) error {
	return durable.WriteFile(path, EncodeCertificate(certificate), 0o644)
}

// EncodeCertificate is a certificate in PEM.
func EncodeCertificate(certificate *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: certificateType, Bytes: certificate.Raw})
}

func encodeKey(key crypto.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errors.New("a kind of key that PKCS #8 does not hold")
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyType, Bytes: der}), nil
}

// ReadKey reads what WriteKey wrote.
func ReadKey(path string) (*ecdsa.PrivateKey, error) {
	content, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	key, rest, err := takeKey(content)
	if err == nil && len(rest) != 0 {
		err = errors.New("something stands behind the key")
	}
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", path, err)
	}
	return key, nil
}

// ReadPair reads what WritePair wrote, and refuses a certificate of another key.
func ReadPair(path string) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	content, err := readPrivate(path)
	if err != nil {
		return nil, nil, err
	}
	key, rest, err := takeKey(content)
	if err != nil {
		return nil, nil, fmt.Errorf("reading key %s: %w", path, err)
	}
	certificate, err := ParseCertificate(rest)
	if err == nil && !key.PublicKey.Equal(certificate.PublicKey) {
		err = errors.New("key and certificate do not belong together")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading key %s: %w", path, err)
	}
	return key, certificate, nil
}

// ReadCertificate reads what WriteCertificate wrote.
func ReadCertificate(path string) (*x509.Certificate, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading certificate: %w", err)
	}
	certificate, err := ParseCertificate(content)
	if err != nil {
		return nil, fmt.Errorf("reading certificate %s: %w", path, err)
	}
	return certificate, nil
}

// ParseCertificate reads exactly one certificate in PEM.
func ParseCertificate(content []byte) (*x509.Certificate, error) {
	block, rest := pem.Decode(content)
	if block == nil || block.Type != certificateType || len(rest) != 0 {
		return nil, errors.New("not exactly one CERTIFICATE block")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parsing a certificate: %w", err)
	}
	return certificate, nil
}

func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("reading key %s: others than its owner may read it (mode %o); set mode 0600", path, info.Mode().Perm())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	return content, nil
}

func takeKey(content []byte) (*ecdsa.PrivateKey, []byte, error) {
	block, rest := pem.Decode(content)
	if block == nil || block.Type != keyType {
		return nil, nil, errors.New("the first block is not a PRIVATE KEY")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, errors.New("not PKCS #8")
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, nil, errors.New("not a P-256 key")
	}
	return key, rest, nil
}
