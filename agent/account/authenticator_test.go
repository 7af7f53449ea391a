package account

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// authenticator is a security key in software: it makes credentials without attestation and signs assertions (W3C Web
// Authentication Level 3 sections 6.3.2 and 6.3.3). The browser's part, the client data, it does as well.
type authenticator struct {
	t       *testing.T
	origin  string
	id      []byte
	handle  string // of the user, base64url
	key     *ecdsa.PrivateKey
	counter uint32
	flags   byte
}

func newAuthenticator(t *testing.T, origin string) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authenticator{t: t, origin: origin, id: make([]byte, 32), key: key, flags: flagPresent | flagVerified}
	rand.Read(a.id)
	return a
}

func url64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a *authenticator) clientData(kind, challenge string) []byte {
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

func (a *authenticator) data(rpID string, more ...byte) []byte {
	hash := sha256.Sum256([]byte(rpID))
	flags := a.flags
	if len(more) > 0 {
		flags |= 1 << 6 // attested credential data follows
	}
	a.counter++
	return append(binary.BigEndian.AppendUint32(append(hash[:], flags), a.counter), more...)
}

// create answers navigator.credentials.create.
func (a *authenticator) create(options []byte) []byte {
	var asked struct {
		PublicKey struct {
			Challenge string              `json:"challenge"`
			RP        struct{ ID string } `json:"rp"`
			User      struct{ ID string } `json:"user"`
		} `json:"publicKey"`
	}
	if err := json.Unmarshal(options, &asked); err != nil {
		a.t.Fatal(err)
	}
	a.handle = asked.PublicKey.User.ID
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		a.t.Fatal(err)
	}
	// COSE_Key {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y} in CBOR.
	cose := append([]byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}, point[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 0x20), point[33:]...)
	attested := append(make([]byte, 16), binary.BigEndian.AppendUint16(nil, uint16(len(a.id)))...)
	authData := a.data(asked.PublicKey.RP.ID, append(append(attested, a.id...), cose...)...)
	// {"fmt": "none", "attStmt": {}, "authData": bytes} in CBOR.
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(authData)))
	return a.answer(map[string]any{
		"attestationObject": url64(append(object, authData...)), "clientDataJSON": url64(a.clientData("webauthn.create", asked.PublicKey.Challenge)),
	})
}

// get answers navigator.credentials.get.
func (a *authenticator) get(options []byte) []byte {
	var asked struct {
		PublicKey struct {
			Challenge string `json:"challenge"`
			RPID      string `json:"rpId"`
		} `json:"publicKey"`
	}
	if err := json.Unmarshal(options, &asked); err != nil {
		a.t.Fatal(err)
	}
	client, authData := a.clientData("webauthn.get", asked.PublicKey.Challenge), a.data(asked.PublicKey.RPID)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, authData...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return a.answer(map[string]any{
		"authenticatorData": url64(authData), "clientDataJSON": url64(client), "signature": url64(signature), "userHandle": a.handle,
	})
}

func (a *authenticator) answer(response map[string]any) []byte {
	text, err := json.Marshal(map[string]any{"id": url64(a.id), "rawId": url64(a.id), "type": "public-key", "response": response})
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}
