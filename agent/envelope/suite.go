package envelope

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"

	"comity/pki/jose"
	"comity/schemas"
)

// Suite numbers a fixed choice of algorithms. The number stands in both headers, so nobody can talk two desks down to
// an older one.
type Suite int

// Suite1 is JWS ES256 in JWE ECDH-ES+A256KW with A256GCM on P-256. Any JOSE tool reads it.
const Suite1 Suite = 1

// suite is one row of the table. A suite's own encoding ends here: signing, padding and every check are the same for
// all of them.
type suite struct {
	encrypt func(to *x509.Certificate, route schemas.Route, plaintext []byte) ([]byte, error)
	decrypt func(sealed *jose.Encrypted, key ecdh.KeyExchanger) ([]byte, error)
}

// suiteOf is the table.
func suiteOf(number Suite) (suite, bool) {
	switch number {
	case Suite1:
		return suite{encrypt: encrypt1, decrypt: decrypt1}, true
	}
	return suite{}, false
}

func encrypt1(to *x509.Certificate, route schemas.Route, plaintext []byte) ([]byte, error) {
	pub, ok := to.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("the recipient's encryption key is not an elliptic-curve key")
	}
	return jose.Encrypt(pub, jose.TypEnvelope, route, plaintext)
}

func decrypt1(sealed *jose.Encrypted, key ecdh.KeyExchanger) ([]byte, error) {
	return sealed.Decrypt(key)
}
