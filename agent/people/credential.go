package people

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"regexp"
	"time"

	"comity/pki/jose"
	"comity/pki/keyfile"
	"comity/schemas"
)

// Person is a member of staff as the agent's configuration lists them.
type Person struct {
	// Name is a function, not a name of a human being: "officer-1", "approver".
	Name        string
	Roles       []Role
	Certificate *x509.Certificate // nil of a person who has an account alone, and of a machine
	// Machine is a national case system. What only a person may do is refused to it, whatever its role.
	Machine bool
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// ErrName says that something is no name of a person or machine.
var ErrName = errors.New("a name says a function in lower-case letters, digits and single hyphens, 64 at most")

// CheckName refuses what is no name of a person or machine.
func CheckName(name string) error {
	if !nameForm.MatchString(name) || len(name) > 64 {
		return ErrName
	}
	return nil
}

// Credential is what a person holds: the private key of their certificate.
type Credential struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// NewCredential makes a P-256 key and a certificate that it signed itself, valid for the given time.
func NewCredential(name string, now time.Time, validity time.Duration) (*Credential, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	key, err := keyfile.Generate()
	if err != nil {
		return nil, err
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

// Write stores the credential in a new file that only its owner may read. It refuses to replace one: the old key may be
// the only one that proves somebody.
func (c *Credential) Write(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("credential %s exists", path)
	}
	return keyfile.WritePair(path, c.Key, c.Certificate)
}

// ReadCredential reads what Write wrote. It refuses a file that others may read.
func ReadCredential(path string) (*Credential, error) {
	key, certificate, err := keyfile.ReadPair(path)
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	return &Credential{Key: key, Certificate: certificate}, nil
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

// NewCommand is a command of now, not yet signed.
func NewCommand(authority schemas.AuthorityID, method, target string, body []byte, now time.Time) Command {
	return Command{
		Authority: authority, Method: method, Target: target, BodySHA256: digest(body),
		At: now.UTC().Truncate(time.Millisecond), Nonce: string(schemas.NewMessageID()),
	}
}

// Is reports whether a command is exactly this request to this authority, whenever it was made.
func (c Command) Is(authority schemas.AuthorityID, method, target string, body []byte) bool {
	return c.Authority == authority && c.Method == method && c.Target == target && c.BodySHA256 == digest(body)
}

// Prove signs a command of now. The proof is good for one use within Window.
func (c *Credential) Prove(authority schemas.AuthorityID, method, target string, body []byte, now time.Time) ([]byte, error) {
	payload, err := schemas.Canonical(NewCommand(authority, method, target, body, now))
	if err != nil {
		return nil, fmt.Errorf("encoding command: %w", err)
	}
	return jose.Sign(c.Key, jose.Thumbprint(c.Certificate), jose.TypCommand, struct{}{}, payload)
}

// ReadProof reads a signed command and who signed it, whenever that was: proofs are kept. find returns the person of a
// certificate by its thumbprint, or nil. The error is a *Refused.
func ReadProof(proof []byte, find func(thumbprint string) *Person) (*Person, Command, error) {
	var c Command
	signed, err := jose.ParseSigned(proof, jose.TypCommand)
	if err != nil || signed.Header(&struct{}{}) != nil {
		return nil, c, &Refused{ReasonMalformed}
	}
	person := find(signed.Thumbprint())
	if person == nil {
		return nil, c, &Refused{ReasonUnknownPerson}
	}
	payload, err := signed.Verify(person.Certificate.PublicKey)
	if err != nil {
		return nil, c, &Refused{ReasonSignature}
	}
	if err := schemas.Decode(payload, &c, schemas.DefaultLimits); err != nil {
		return nil, c, &Refused{ReasonMalformed}
	}
	return person, c, nil
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
