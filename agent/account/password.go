package account

import (
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Bounds of a password. The minimum is that of NIST SP 800-63B-4 section 3.1.1.2 for a password that is the only factor.
const (
	MinPassword = 15   // characters
	MaxPassword = 1024 // bytes: what is hashed is bounded
)

// Why a password is not taken.
var (
	ErrPasswordShort = fmt.Errorf("a password has at least %d characters", MinPassword)
	ErrPasswordLong  = fmt.Errorf("a password has at most %d bytes", MaxPassword)
	ErrPasswordName  = errors.New("a password does not contain the name of the account")
	ErrPasswordSame  = errors.New("the new password is the old one")
	ErrPasswordText  = errors.New("a password is text: letters, digits, signs and spaces")
)

// prepare brings a password into the one form that is hashed (NIST SP 800-63B-4 section 3.1.1.2: NFKC), so that it is the same on
// every keyboard.
func prepare(password string) string { return norm.NFKC.String(password) }

// checkPassword says every fault of a new password at once.
func checkPassword(name, password string) error {
	if len(password) > MaxPassword { // before anything that costs time
		return ErrPasswordLong
	}
	if !utf8.ValidString(password) || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ErrPasswordText
	}
	var errs []error
	if utf8.RuneCountInString(prepare(password)) < MinPassword {
		errs = append(errs, ErrPasswordShort)
	}
	fold := cases.Fold()
	if strings.Contains(fold.String(prepare(password)), fold.String(name)) {
		errs = append(errs, ErrPasswordName)
	}
	return errors.Join(errs...)
}

// Cost is what a new hash costs. It stands in each hash, so it may change while accounts exist.
type Cost struct {
	Argon2Time       uint32 // passes
	Argon2MemoryKiB  uint32
	Argon2Threads    uint8
	PBKDF2Iterations int
}

// DefaultCost is the second recommended option of RFC 9106 section 4, and for PBKDF2-HMAC-SHA256 600,000 iterations (OWASP).
var DefaultCost = Cost{Argon2Time: 3, Argon2MemoryKiB: 64 << 10, Argon2Threads: 4, PBKDF2Iterations: 600_000}

const (
	saltSize = 16
	hashSize = 32
	argon2id = "argon2id"
	pbkdf2ID = "pbkdf2-sha256"
)

// errForeignHash says that a stored hash cannot be checked here: it is damaged, or is Argon2id in FIPS mode.
var errForeignHash = errors.New("the stored hash of a password cannot be checked")

// hash makes the stored form of a password with a new salt. In FIPS mode it is PBKDF2 (SP 800-132): Argon2 is not approved.
func (c Cost) hash(password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails: crypto/rand.Read crashes the program instead
	if !fips140.Enabled() {
		params := fmt.Sprintf("v=%d$m=%d,t=%d,p=%d", argon2.Version, c.Argon2MemoryKiB, c.Argon2Time, c.Argon2Threads)
		key := argon2.IDKey([]byte(prepare(password)), salt, c.Argon2Time, c.Argon2MemoryKiB, c.Argon2Threads, hashSize)
		return "$" + strings.Join([]string{argon2id, params, b64(salt), b64(key)}, "$"), nil
	}
	return c.hashPBKDF2(password, salt)
}

func (c Cost) hashPBKDF2(password string, salt []byte) (string, error) {
	key, err := pbkdf2.Key(sha256.New, prepare(password), salt, c.PBKDF2Iterations, hashSize)
	if err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	return "$" + strings.Join([]string{pbkdf2ID, "i=" + strconv.Itoa(c.PBKDF2Iterations), b64(salt), b64(key)}, "$"), nil
}

// matches compares a password with a stored hash, in a time that does not depend on where they differ.
func matches(stored, password string) (bool, error) {
	if len(password) > MaxPassword {
		return false, nil
	}
	parts := strings.Split(stored, "$")
	switch {
	case len(parts) == 6 && parts[1] == argon2id && !fips140.Enabled():
		var version, memory, time uint32
		var threads uint8
		if n, err := fmt.Sscanf(parts[2]+"$"+parts[3], "v=%d$m=%d,t=%d,p=%d", &version, &memory, &time, &threads); n != 4 || err != nil || version != argon2.Version ||
			memory > 1<<20 || time == 0 || time > 100 || threads == 0 {
			return false, errForeignHash
		}
		salt, want, err := saltAndHash(parts[4], parts[5])
		if err != nil {
			return false, err
		}
		return subtle.ConstantTimeCompare(argon2.IDKey([]byte(prepare(password)), salt, time, memory, threads, hashSize), want) == 1, nil
	case len(parts) == 5 && parts[1] == pbkdf2ID:
		iterations, err := strconv.Atoi(strings.TrimPrefix(parts[2], "i="))
		if err != nil || iterations < 1 || iterations > 100_000_000 {
			return false, errForeignHash
		}
		salt, want, err := saltAndHash(parts[3], parts[4])
		if err != nil {
			return false, err
		}
		got, err := pbkdf2.Key(sha256.New, prepare(password), salt, iterations, hashSize)
		return err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
	}
	return false, errForeignHash
}

func saltAndHash(salt, hash string) (s, h []byte, err error) {
	s, serr := base64.RawStdEncoding.DecodeString(salt)
	h, herr := base64.RawStdEncoding.DecodeString(hash)
	if serr != nil || herr != nil || len(s) != saltSize || len(h) != hashSize {
		return nil, nil, errForeignHash
	}
	return s, h, nil
}

func b64(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// oneTimeAlphabet has no sign that looks like another.
const oneTimeAlphabet = "abcdefghjkmnpqrstuvwxyz23456789"

// newOneTime makes a password that the agent hands out: 4 groups of 5, 98 bits.
func newOneTime() string {
	var text strings.Builder
	for text.Len() < 23 {
		if text.Len()%6 == 5 {
			text.WriteByte('-')
			continue
		}
		var one [1]byte
		rand.Read(one[:])
		if int(one[0]) < 256-256%len(oneTimeAlphabet) { // no sign more often than another
			text.WriteByte(oneTimeAlphabet[int(one[0])%len(oneTimeAlphabet)])
		}
	}
	return text.String()
}
