package people

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"time"

	"comity/pki/jose"
	"comity/schemas"
)

// Person is a member of staff as the agent's configuration lists them.
type Person struct {
	// Name is a function, not a name of a human being: "officer-1", "approver".
	Name        string
	Roles       []Role
	Certificate *x509.Certificate
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Credential is what a person holds: the private key of their certificate.
type Credential struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// NewCredential makes a P-256 key and a certificate that it signed itself, valid for the given time.
func NewCredential(name string, now time.Time, validity time.Duration) (*Credential, error) {
	if !nameForm.MatchString(name) || len(name) > 64 {
		return nil, fmt.Errorf("name of a person %q: lower-case letters, digits and single hyphens, 64 at most", name)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("drawing serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(validity), BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("issuing certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading issued certificate: %w", err)
	}
	return &Credential{Key: key, Certificate: certificate}, nil
}

// Write stores the credential in a new file that only its owner may read.
func (c *Credential) Write(path string) error {
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return fmt.Errorf("encoding key: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("creating credential: %w", err)
	}
	content := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), c.CertificatePEM()...)
	_, werr := file.Write(content)
	return errors.Join(werr, file.Sync(), file.Close())
}

// CertificatePEM is the public part, for the agent's configuration.
func (c *Credential) CertificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate.Raw})
}

// ReadCredential reads what Write wrote. It refuses a file that others may read.
func ReadCredential(path string) (*Credential, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading credential: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("credential %s is open to others (mode %o): allow its owner alone (0600)", path, info.Mode().Perm())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading credential: %w", err)
	}
	keyBlock, rest := pem.Decode(content)
	if keyBlock == nil || keyBlock.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("credential %s: first PEM block is not a PRIVATE KEY", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("credential %s: not an EC private key", path)
	}
	certificate, err := ParseCertificate(rest)
	if err != nil {
		return nil, fmt.Errorf("credential %s: %w", path, err)
	}
	if !key.PublicKey.Equal(certificate.PublicKey) {
		return nil, fmt.Errorf("credential %s: key and certificate do not belong together", path)
	}
	return &Credential{Key: key, Certificate: certificate}, nil
}

// ParseCertificate reads one PEM certificate.
func ParseCertificate(content []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(content)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("no CERTIFICATE block")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parsing certificate: %w", err)
	}
	return certificate, nil
}

// Command is what a person signs: one request to one agent.
type Command struct {
	Authority  schemas.AuthorityID `json:"authority"`
	Method     string              `json:"method"` // as in HTTP
	Target     string              `json:"target"` // path and query
	BodySHA256 string              `json:"body_sha256"`
	At         time.Time           `json:"at"`
	Nonce      string              `json:"nonce"`
}

// Prove signs a command of now. The proof is good for one use within Window.
func (c *Credential) Prove(authority schemas.AuthorityID, method, target string, body []byte, now time.Time) ([]byte, error) {
	payload, err := schemas.Canonical(Command{
		Authority: authority, Method: method, Target: target, BodySHA256: digest(body),
		At: now.UTC().Truncate(time.Millisecond), Nonce: string(schemas.NewMessageID()),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding command: %w", err)
	}
	return jose.Sign(c.Key, jose.Thumbprint(c.Certificate), jose.TypCommand, struct{}{}, payload)
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
