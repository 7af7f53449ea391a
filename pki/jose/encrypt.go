package jose

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	gojose "github.com/go-jose/go-jose/v4"
	josecipher "github.com/go-jose/go-jose/v4/cipher"
)

// Sizes in bytes of the parts of a JWE with the fixed algorithms, after decoding (RFC 7518 sections 4.6 and 5.3).
const (
	contentKeySize = 32
	wrappedKeySize = contentKeySize + 8
	nonceSize      = 12
	tagSize        = 16
	coordinateSize = 32
)

// routeHeaders are the reserved names that an envelope may use: kid says which of the recipient's keys can open it.
var routeHeaders = []string{"kid"}

// Encrypt makes a compact JWE for one P-256 key. The members of header, a struct or nil, are added to the protected
// header: they are authenticated and readable by everybody.
func Encrypt(to *ecdsa.PublicKey, typ Typ, header any, plaintext []byte) ([]byte, error) {
	if _, err := p256(to); err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", typ, err)
	}
	extra, err := encodeExtra(header, routeHeaders...)
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", typ, err)
	}
	recipient, err := to.ECDH()
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", typ, err)
	}
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", typ, err)
	}
	contentKey := make([]byte, contentKeySize)
	rand.Read(contentKey) // never fails: crypto/rand.Read crashes the program instead
	wrapped, err := wrapKey(ephemeral, recipient, contentKey)
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", typ, err)
	}
	protected, err := encodeHeader(extra, map[string]any{
		"alg": gojose.ECDH_ES_A256KW, "enc": gojose.A256GCM, "typ": typ, "epk": epkOf(ephemeral.PublicKey()),
	})
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", typ, err)
	}
	compact := make([]byte, 0, base64.RawURLEncoding.EncodedLen(len(protected)+len(wrapped)+nonceSize+len(plaintext)+tagSize)+8)
	compact = base64.RawURLEncoding.AppendEncode(compact, protected)
	content, err := contentCipher(contentKey)
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", typ, err)
	}
	sealed := content.Seal(nil, nil, plaintext, compact) // the nonce in front, the tag behind
	nonce, ciphertext, tag := sealed[:nonceSize], sealed[nonceSize:len(sealed)-tagSize], sealed[len(sealed)-tagSize:]
	for _, part := range [][]byte{wrapped, nonce, ciphertext, tag} {
		compact = base64.RawURLEncoding.AppendEncode(append(compact, '.'), part)
	}
	return compact, nil
}

// epk is a public key as a protected header carries it (RFC 7518 section 6.2.1).
type epk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

func epkOf(key *ecdh.PublicKey) epk {
	point := key.Bytes() // SEC 1, uncompressed
	x, y := point[1:1+coordinateSize], point[1+coordinateSize:]
	return epk{Kty: "EC", Crv: "P-256", X: base64.RawURLEncoding.EncodeToString(x), Y: base64.RawURLEncoding.EncodeToString(y)}
}

// contentCipher is A256GCM. Sealing draws the nonce and puts it in front; opening finds it there.
func contentCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block) // the form that FIPS 140 mode approves
}

// Encrypted is a JWE that was parsed and not yet opened.
type Encrypted struct {
	extra     []byte
	ephemeral *ecdh.PublicKey
	protected []byte // as it is encoded: the ciphertext is bound to it
	wrapped   []byte
	sealed    [3][]byte // nonce, ciphertext and tag
}

// ParseEncrypted parses a compact JWE of one kind. It needs no key: a relay can route by Header. The caller must not change
// the bytes as long as it uses what was parsed.
func ParseEncrypted(compact []byte, typ Typ) (*Encrypted, error) {
	parts, err := split(compact, 5)
	if err != nil {
		return nil, err
	}
	m, err := parseHeader(parts[0], typ, string(gojose.ECDH_ES_A256KW))
	if err != nil {
		return nil, err
	}
	if enc, err := m.take("enc"); err != nil {
		return nil, err
	} else if enc != string(gojose.A256GCM) {
		return nil, refuse(ReasonAlgorithmNotAllowed, "only %s is", gojose.A256GCM)
	}
	ephemeral, err := m.takeEphemeral()
	if err != nil {
		return nil, err
	}
	extra, err := m.extra(routeHeaders...)
	if err != nil {
		return nil, err
	}
	if len(parts[1]) != wrappedKeySize || len(parts[2]) != nonceSize || len(parts[4]) != tagSize {
		return nil, refuse(ReasonMalformed, "a part of the JWE does not have its size")
	}
	protected, _, _ := bytes.Cut(compact, []byte{'.'})
	return &Encrypted{
		extra: extra, ephemeral: ephemeral, protected: protected, wrapped: parts[1], sealed: [3][]byte(parts[2:]),
	}, nil
}

// takeEphemeral removes epk and checks that it is a point of P-256: an invalid one would leak the private key
// (RFC 8725 section 3.4).
func (m members) takeEphemeral() (*ecdh.PublicKey, error) {
	raw, ok := m["epk"]
	if !ok {
		return nil, refuse(ReasonHeaderInvalid, "no epk")
	}
	delete(m, "epk")
	var named epk
	if err := decodeExtra(raw, &named); err != nil {
		return nil, err
	}
	if named.Kty != "EC" || named.Crv != "P-256" {
		return nil, refuse(ReasonKeyNotAllowed, "epk is not a P-256 key")
	}
	x, errX := decodePart([]byte(named.X))
	y, errY := decodePart([]byte(named.Y))
	if err := errors.Join(errX, errY); err != nil {
		return nil, err
	}
	if len(x) != coordinateSize || len(y) != coordinateSize {
		return nil, refuse(ReasonKeyNotAllowed, "epk has coordinates of another length")
	}
	key, err := ecdh.P256().NewPublicKey(append(append([]byte{4}, x...), y...)) // SEC 1, uncompressed
	if err != nil {
		return nil, refuse(ReasonKeyNotAllowed, "epk is not a point of P-256")
	}
	return key, nil
}

// Header decodes the protected members beside alg, enc, epk and typ strictly into a struct. Until Decrypt has passed
// they are claims, and even then only the claims of whoever sealed it: a signature inside must confirm them.
func (e *Encrypted) Header(v any) error { return decodeExtra(e.extra, v) }

// Decrypt opens the envelope with a key that may live in hardware.
func (e *Encrypted) Decrypt(key ecdh.KeyExchanger) ([]byte, error) {
	if key.Curve() != ecdh.P256() {
		return nil, refuse(ReasonKeyNotAllowed, "not a P-256 key")
	}
	plaintext, err := e.open(key)
	if err != nil {
		return nil, refuse(ReasonDecryptionFailed, "not for this key, or not whole")
	}
	return plaintext, nil
}

// open is told apart from Decrypt so that no reason why it fails gets out.
func (e *Encrypted) open(key ecdh.KeyExchanger) ([]byte, error) {
	block, err := agree(key, e.ephemeral)
	if err != nil {
		return nil, err
	}
	contentKey, err := josecipher.KeyUnwrap(block, e.wrapped)
	if err != nil {
		return nil, err
	}
	content, err := contentCipher(contentKey)
	if err != nil {
		return nil, err
	}
	return content.Open(nil, nil, slices.Concat(e.sealed[:]...), e.protected)
}

// wrapKey is key agreement with key wrapping, RFC 7518 section 4.6.
func wrapKey(ephemeral *ecdh.PrivateKey, to *ecdh.PublicKey, contentKey []byte) ([]byte, error) {
	block, err := agree(ephemeral, to)
	if err != nil {
		return nil, err
	}
	return josecipher.KeyWrap(block, contentKey)
}

// agree is the cipher that wraps the content key between two keys, one of which may live in hardware.
func agree(own ecdh.KeyExchanger, theirs *ecdh.PublicKey) (cipher.Block, error) {
	z, err := own.ECDH(theirs)
	if err != nil {
		return nil, fmt.Errorf("agreeing on a key: %w", err)
	}
	kek, err := deriveKey(z, string(gojose.ECDH_ES_A256KW), nil, nil, contentKeySize)
	if err != nil {
		return nil, err
	}
	return aes.NewCipher(kek)
}

// deriveKey is the Concat KDF of RFC 7518 section 4.6.2.
func deriveKey(z []byte, algorithm string, apu, apv []byte, size int) ([]byte, error) {
	bits := binary.BigEndian.AppendUint32(nil, uint32(size)*8)
	kdf := josecipher.NewConcatKDF(crypto.SHA256, z, lengthPrefixed([]byte(algorithm)), lengthPrefixed(apu),
		lengthPrefixed(apv), bits, nil)
	key := make([]byte, size)
	if _, err := io.ReadFull(kdf, key); err != nil {
		return nil, fmt.Errorf("deriving a key: %w", err)
	}
	return key, nil
}

func lengthPrefixed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}
