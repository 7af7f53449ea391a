package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Columns encrypts what people wrote before it reaches the file: AES-256-GCM with a random nonce, bound to the column and
// the row, so that a value cannot be moved to another place. With random nonces one key serves 2^32 values (NIST SP
// 800-38D section 8.3); an agent that nears it must be given a new key.
type Columns struct {
	aead cipher.AEAD
	mac  []byte // the key of keyed hashes
}

// KeySize is the length of a column key in bytes.
const KeySize = 32

// ErrColumn says that a stored value cannot be decrypted: another key, or a changed file.
var ErrColumn = errors.New("encrypted column cannot be read: the store key is another one, or the file was changed")

// NewColumns makes the cipher of a key of KeySize bytes.
func NewColumns(key []byte) (*Columns, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("store key has %d bytes, not %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block) // the form that FIPS 140 mode approves
	if err != nil {
		return nil, err
	}
	mac, err := hkdf.Key(sha256.New, key, nil, "comity store keyed hash", sha256.Size)
	if err != nil {
		return nil, err
	}
	return &Columns{aead: aead, mac: mac}, nil
}

// ReadColumns reads the key from a file that only its owner may read.
func ReadColumns(path string) (*Columns, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading store key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("store key %s is open to others (mode %o): allow its owner alone (0600)", path, info.Mode().Perm())
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading store key: %w", err)
	}
	return NewColumns(key)
}

// WriteNewKey makes a key file. It refuses to replace one: the old key may be all that reads a database.
func WriteNewKey(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fs.FileMode(0o600))
	if err != nil {
		return fmt.Errorf("creating store key: %w", err)
	}
	key := make([]byte, KeySize)
	rand.Read(key) // never fails: crypto/rand.Read crashes the program instead
	_, werr := file.Write(key)
	return errors.Join(werr, file.Sync(), file.Close())
}

// keyed hashes what must be recognised again by us and by nobody else.
func (c *Columns) keyed(what []byte) []byte {
	h := hmac.New(sha256.New, c.mac)
	h.Write(what)
	return h.Sum(nil)
}

func (c *Columns) seal(column, row string, plain []byte) []byte {
	if plain == nil {
		return nil
	}
	return c.aead.Seal(nil, nil, plain, []byte(column+"\n"+row))
}

func (c *Columns) open(column, row string, sealed []byte) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	plain, err := c.aead.Open(nil, nil, sealed, []byte(column+"\n"+row))
	if err != nil {
		return nil, ErrColumn
	}
	return plain, nil
}
