package jose

import (
	"crypto"
	"crypto/aes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	gojose "github.com/go-jose/go-jose/v4"
	josecipher "github.com/go-jose/go-jose/v4/cipher"
)

var (
	keyAlgorithms     = []gojose.KeyAlgorithm{gojose.ECDH_ES_A256KW}
	contentEncryption = []gojose.ContentEncryption{gojose.A256GCM}
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
	opts := (&gojose.EncrypterOptions{}).WithType(gojose.ContentType(typ))
	for name, value := range extra {
		opts = opts.WithHeader(gojose.HeaderKey(name), rawJSON(value))
	}
	recipient := gojose.Recipient{Algorithm: gojose.ECDH_ES_A256KW, Key: to}
	encrypter, err := gojose.NewEncrypter(gojose.A256GCM, recipient, opts)
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", typ, err)
	}
	jwe, err := encrypter.Encrypt(plaintext)
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", typ, err)
	}
	compact, err := jwe.CompactSerialize()
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", typ, err)
	}
	return []byte(compact), nil
}

// Encrypted is a JWE that was parsed and not yet opened.
type Encrypted struct {
	extra     []byte
	ephemeral *ecdh.PublicKey
	compact   []byte
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
	return &Encrypted{extra: extra, ephemeral: ephemeral, compact: compact}, nil
}

// takeEphemeral removes epk and checks that it is a point of P-256: an invalid one would leak the private key
// (RFC 8725 section 3.4).
func (m members) takeEphemeral() (*ecdh.PublicKey, error) {
	raw, ok := m["epk"]
	if !ok {
		return nil, refuse(ReasonHeaderInvalid, "no epk")
	}
	delete(m, "epk")
	var epk struct {
		Kty string `json:"kty"`
		Crv string `json:"crv"`
		X   string `json:"x"`
		Y   string `json:"y"`
	}
	if err := decodeExtra(raw, &epk); err != nil {
		return nil, err
	}
	if epk.Kty != "EC" || epk.Crv != "P-256" {
		return nil, refuse(ReasonKeyNotAllowed, "epk is not a P-256 key")
	}
	x, errX := decodePart([]byte(epk.X))
	y, errY := decodePart([]byte(epk.Y))
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
	jwe, err := gojose.ParseEncryptedCompact(string(e.compact), keyAlgorithms, contentEncryption)
	if err != nil {
		return nil, refuse(ReasonMalformed, "not a JWE")
	}
	plaintext, err := jwe.Decrypt(keyUnwrapper{key: key, ephemeral: e.ephemeral})
	if err != nil {
		return nil, refuse(ReasonDecryptionFailed, "not for this key, or not whole")
	}
	return plaintext, nil
}

// keyUnwrapper gives go-jose the content key. go-jose itself does ECDH-ES only with a private key in memory.
type keyUnwrapper struct {
	key       ecdh.KeyExchanger
	ephemeral *ecdh.PublicKey
}

var _ gojose.OpaqueKeyDecrypter = keyUnwrapper{}

// DecryptKey is key agreement with key wrapping, RFC 7518 section 4.6.
func (u keyUnwrapper) DecryptKey(wrapped []byte, _ gojose.Header) ([]byte, error) {
	z, err := u.key.ECDH(u.ephemeral)
	if err != nil {
		return nil, fmt.Errorf("agreeing on a key: %w", err)
	}
	kek, err := deriveKey(z, string(gojose.ECDH_ES_A256KW), nil, nil, contentKeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("agreeing on a key: %w", err)
	}
	return josecipher.KeyUnwrap(block, wrapped)
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
