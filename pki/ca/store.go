package ca

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"comity/pki"
	"comity/pki/internal/durable"
	"comity/pki/keyfile"
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

// loadIdentity reads a key and the certificate that goes with it.
func loadIdentity(dir, keyName, certName string) (Identity, error) {
	key, err := keyfile.ReadKey(filepath.Join(dir, keyName))
	if err != nil {
		return Identity{}, err
	}
	cert, err := keyfile.ReadCertificate(filepath.Join(dir, certName))
	if err != nil {
		return Identity{}, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return Identity{}, fmt.Errorf("loading %s: it is not for %s", certName, keyName)
	}
	return Identity{Key: key, Certificate: cert}, nil
}

func (i Identity) save(dir, keyName, certName string) error {
	return errors.Join(keyfile.WriteKey(filepath.Join(dir, keyName), i.Key), keyfile.WriteCertificate(filepath.Join(dir, certName), i.Certificate))
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
	return errors.Join(keyfile.WriteKey(filepath.Join(dir, keyFile), s.key), saveJSON(filepath.Join(dir, nameFile), name{s.name}))
}

// LoadSchemeSigner reads a signer from its folder.
func LoadSchemeSigner(dir string) (*SchemeSigner, error) {
	key, err := keyfile.ReadKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, fmt.Errorf("loading a scheme signer: %w", err)
	}
	var n name
	if err := loadJSON(filepath.Join(dir, nameFile), &n); err != nil {
		return nil, fmt.Errorf("loading a scheme signer: %w", err)
	}
	return &SchemeSigner{name: n.Name, key: key}, nil
}
