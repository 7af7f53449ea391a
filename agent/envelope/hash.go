package envelope

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// Hash is the SHA-256 of a compact JWS, in text the 64 lower-case digits that sha256sum prints. The messages from one
// authority to another form a chain: each names the hash of the one before. The zero Hash stands before the first.
type Hash [sha256.Size]byte

// HashJWS hashes a compact JWS.
func HashJWS(jws []byte) Hash { return sha256.Sum256(jws) }

// IsZero tells whether h stands for no message at all.
func (h Hash) IsZero() bool { return h == Hash{} }

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText is String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText accepts exactly the spelling of String.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return errors.New("hash: 64 hexadecimal digits")
	}
	for _, c := range text {
		if c >= 'A' && c <= 'F' {
			return errors.New("hash: lower-case digits only")
		}
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return errors.New("hash: 64 hexadecimal digits")
	}
	return nil
}
