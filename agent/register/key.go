package register

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// KeySize is the length of the register's key in bytes.
const KeySize = 32

// digest is a keyed hash of a reference, a document number or a whole identity. 128 bits: an equal one is certain.
type digest [16]byte

// keys are derived from the key file. Each purpose has its own, so that no value of one column means anything in another.
type keys struct {
	aead cipher.AEAD
	macs sync.Pool // of *mac: keyed hash states are dear to set up and not safe for concurrent use
}

// mac is one caller's keyed hash.
type mac struct {
	state      hash.Hash
	sum, text  []byte
	pairHashes *[128][128]atomic.Uint64
}

// readKeys reads a key file that only its owner may read.
func readKeys(path string) (*keys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading register key %s: %w", filepath.Base(path), withoutPath(err))
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %o: allow its owner alone (0600)", ErrKeyOpen, filepath.Base(path), info.Mode().Perm())
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading register key %s: %w", filepath.Base(path), withoutPath(err))
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("%w: %s has %d bytes, not %d", ErrKeySize, filepath.Base(path), len(key), KeySize)
	}
	return deriveKeys(key)
}

// withoutPath leaves out where a file lies.
func withoutPath(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func deriveKeys(key []byte) (*keys, error) {
	seal, err := hkdf.Key(sha256.New, key, nil, "comity register seal", 32)
	if err != nil {
		return nil, fmt.Errorf("deriving register keys: %w", err)
	}
	hashing, err := hkdf.Key(sha256.New, key, nil, "comity register hash", 32)
	if err != nil {
		return nil, fmt.Errorf("deriving register keys: %w", err)
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, fmt.Errorf("deriving register keys: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block) // the form that FIPS 140 mode approves
	if err != nil {
		return nil, fmt.Errorf("deriving register keys: %w", err)
	}
	k := &keys{aead: aead}
	pairHashes := &[128][128]atomic.Uint64{}
	k.macs.New = func() any { return &mac{state: hmac.New(sha256.New, hashing), pairHashes: pairHashes} }
	return k, nil
}

// writeNewKey makes a key file. It refuses to replace one: the old key may be all that reads a register.
func writeNewKey(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("creating register key: %w", err)
	}
	key := make([]byte, KeySize)
	rand.Read(key) // never fails: crypto/rand.Read crashes the program instead
	_, werr := file.Write(key)
	return errors.Join(werr, file.Sync(), file.Close())
}

func (k *keys) mac() *mac      { return k.macs.Get().(*mac) }
func (k *keys) release(m *mac) { clear(m.text); k.macs.Put(m) }

// Purposes of keyed hashes.
const (
	forLetters  = 'w' // a word of a name as it is spelled
	forKey      = 'k' // a key of a word
	forPair     = 'f' // two neighbouring sounds, in a Bloom encoding
	forDocument = 'd'
	forRef      = 'r'
	forLabel    = 'b' // the reference of a label
	forPerson   = 'p' // a whole identity, for decisions that it is not the one registered
	forContent  = 'c' // a whole record, to notice its changes
	forRoll     = 'l' // a row, in the proof that all rows are there
)

func (m *mac) of(purpose byte, text string) []byte {
	m.state.Reset()
	m.text = append(append(m.text[:0], purpose), text...)
	m.state.Write(m.text)
	m.sum = m.state.Sum(m.sum[:0])
	return m.sum
}

func (m *mac) short(purpose byte, text string) uint64 {
	return binary.LittleEndian.Uint64(m.of(purpose, text))
}

func (m *mac) digest(purpose byte, text string) digest { return digest(m.of(purpose, text)[:16]) }

// pair is the keyed hash of two neighbouring sounds. There are few, so each is computed once.
func (m *mac) pair(a, b byte) uint64 {
	known := &m.pairHashes[a&127][b&127]
	h := known.Load()
	if h == 0 {
		h = m.short(forPair, string([]byte{a & 127, b & 127})) | 1<<63
		known.Store(h)
	}
	return h
}

func (k *keys) digest(purpose byte, text string) digest {
	m := k.mac()
	defer k.release(m)
	return m.digest(purpose, text)
}

// sealPad hides the length of what is sealed: a long record belongs to somebody with many names or consents.
const sealPad = 256

// seal encrypts plain, bound to its column and row.
func (k *keys) seal(column, row string, plain []byte) []byte {
	padded := make([]byte, (len(plain)+4+sealPad-1)/sealPad*sealPad)
	binary.LittleEndian.PutUint32(padded, uint32(len(plain)))
	copy(padded[4:], plain)
	return k.aead.Seal(nil, nil, padded, []byte(column+"\n"+row))
}

func (k *keys) open(column, row string, sealed []byte) ([]byte, error) {
	padded, err := k.aead.Open(nil, nil, sealed, []byte(column+"\n"+row))
	if err != nil || len(padded) < 4 {
		return nil, ErrCorrupt
	}
	n := binary.LittleEndian.Uint32(padded)
	if int64(n) > int64(len(padded)-4) {
		return nil, ErrCorrupt
	}
	return padded[4 : 4+n], nil
}
