package ca

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
	"time"

	"github.com/go-json-experiment/json"

	"comity/pki"
	"comity/pki/internal/durable"
	"comity/schemas"
)

// File names in the folder of a CA, a broker CA or a scheme signer.
const (
	keyFile           = "key.pem"
	certFile          = "cert.pem"
	directoryKeyFile  = "directory-key.pem"
	directoryCertFile = "directory-cert.pem"
	recordFile        = "record.json"
	nameFile          = "name.json"
)

// GenerateKey makes a P-256 key.
func GenerateKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating a key: %w", err)
	}
	return key, nil
}

// SaveKey writes a private key as PKCS #8 in PEM, readable by its owner only.
func SaveKey(path string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("saving a key: %w", err)
	}
	return durable.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// LoadKey reads what SaveKey wrote. A file that others may read is refused.
func LoadKey(path string) (*ecdsa.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("loading a key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("loading key %s: others than its owner may read it; set mode 0600", filepath.Base(path))
	}
	der, err := readPEM(path, "PRIVATE KEY")
	if err != nil {
		return nil, fmt.Errorf("loading a key: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("loading key %s: not PKCS #8", filepath.Base(path))
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("loading key %s: not a P-256 key", filepath.Base(path))
	}
	return key, nil
}

// SaveCertificate writes a certificate in PEM.
func SaveCertificate(path string, cert *x509.Certificate) error {
	return durable.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o644)
}

// LoadCertificate reads what SaveCertificate wrote.
func LoadCertificate(path string) (*x509.Certificate, error) {
	der, err := readPEM(path, "CERTIFICATE")
	if err != nil {
		return nil, fmt.Errorf("loading a certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("loading certificate %s: %w", filepath.Base(path), err)
	}
	return cert, nil
}

func readPEM(path, kind string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(raw)
	if block == nil || block.Type != kind || len(rest) != 0 {
		return nil, fmt.Errorf("%s does not hold one %s", filepath.Base(path), kind)
	}
	return block.Bytes, nil
}

// loadIdentity reads a key and the certificate that goes with it.
func loadIdentity(dir, keyName, certName string) (Identity, error) {
	key, err := LoadKey(filepath.Join(dir, keyName))
	if err != nil {
		return Identity{}, err
	}
	cert, err := LoadCertificate(filepath.Join(dir, certName))
	if err != nil {
		return Identity{}, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return Identity{}, fmt.Errorf("loading %s: it is not for %s", certName, keyName)
	}
	return Identity{Key: key, Certificate: cert}, nil
}

func (i Identity) save(dir, keyName, certName string) error {
	return errors.Join(SaveKey(filepath.Join(dir, keyName), i.Key), SaveCertificate(filepath.Join(dir, certName), i.Certificate))
}

func saveJSON(path string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("saving %s: %w", filepath.Base(path), err)
	}
	return durable.WriteFile(path, raw, 0o600)
}

const maxRecord = 16 << 20

func loadJSON(path string, v any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("loading: %w", err)
	}
	if err := schemas.Decode(raw, v, schemas.Limits{Bytes: maxRecord, Depth: 4}); err != nil {
		return fmt.Errorf("loading %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Save writes the CA to its folder. Do it before publishing an entry or a revocation list: the numbers are in it.
func (c *CA) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("saving the CA of %s: %w", c.state, err)
	}
	return errors.Join(
		Identity{c.key, c.cert}.save(dir, keyFile, certFile),
		c.directory.save(dir, directoryKeyFile, directoryCertFile),
		saveJSON(filepath.Join(dir, recordFile), c.record),
	)
}

// Load reads a State's CA from its folder.
func Load(dir string, now func() time.Time) (*CA, error) {
	self, err := loadIdentity(dir, keyFile, certFile)
	if err != nil {
		return nil, fmt.Errorf("loading a CA: %w", err)
	}
	if len(self.Certificate.Subject.Country) != 1 {
		return nil, errors.New("loading a CA: its certificate names no State")
	}
	state, err := schemas.ParseStateCode(self.Certificate.Subject.Country[0])
	if err == nil {
		err = pki.CheckCA(self.Certificate, state)
	}
	if err != nil {
		return nil, fmt.Errorf("loading a CA: %w", err)
	}
	c := &CA{state: state, key: self.Key, cert: self.Certificate, now: now}
	if c.directory, err = loadIdentity(dir, directoryKeyFile, directoryCertFile); err != nil {
		return nil, fmt.Errorf("loading the CA of %s: %w", state, err)
	}
	if err := loadJSON(filepath.Join(dir, recordFile), &c.record); err != nil {
		return nil, fmt.Errorf("loading the CA of %s: %w", state, err)
	}
	return c, nil
}

type name struct {
	Name string `json:"name"`
}

// Save writes the broker's CA to its folder.
func (b *BrokerCA) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("saving the CA of broker %s: %w", b.name, err)
	}
	return errors.Join(Identity{b.key, b.cert}.save(dir, keyFile, certFile), saveJSON(filepath.Join(dir, nameFile), name{b.name}))
}

// LoadBrokerCA reads a broker's CA from its folder.
func LoadBrokerCA(dir string, now func() time.Time) (*BrokerCA, error) {
	self, err := loadIdentity(dir, keyFile, certFile)
	if err != nil {
		return nil, fmt.Errorf("loading a broker CA: %w", err)
	}
	var n name
	if err := loadJSON(filepath.Join(dir, nameFile), &n); err != nil {
		return nil, fmt.Errorf("loading a broker CA: %w", err)
	}
	return &BrokerCA{name: n.Name, key: self.Key, cert: self.Certificate, now: now}, nil
}

// Save writes the signer to its folder.
func (s *SchemeSigner) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("saving scheme signer %s: %w", s.name, err)
	}
	return errors.Join(SaveKey(filepath.Join(dir, keyFile), s.key), saveJSON(filepath.Join(dir, nameFile), name{s.name}))
}

// LoadSchemeSigner reads a signer from its folder.
func LoadSchemeSigner(dir string) (*SchemeSigner, error) {
	key, err := LoadKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, fmt.Errorf("loading a scheme signer: %w", err)
	}
	var n name
	if err := loadJSON(filepath.Join(dir, nameFile), &n); err != nil {
		return nil, fmt.Errorf("loading a scheme signer: %w", err)
	}
	return &SchemeSigner{name: n.Name, key: key}, nil
}
