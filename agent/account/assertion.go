package account

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"comity/agent/people"
	"comity/schemas"
)

// Assertion is an authenticator's signature over the digest of a command, with everything that is needed to verify it years
// later (W3C Web Authentication Level 3 section 7.2). The members are base64url.
type Assertion struct {
	Credential        string `json:"credential"`
	PublicKey         string `json:"public_key"` // COSE_Key (RFC 9052)
	AuthenticatorData string `json:"authenticator_data"`
	ClientData        string `json:"client_data"`
	Signature         string `json:"signature"`
}

var errAssertion = errors.New("the authenticator has not signed this command")

// The flags of authenticator data (section 6.1).
const (
	flagPresent  = 1 << 0
	flagVerified = 1 << 2
	minAuthData  = 37 // hash of the relying party's id, flags, counter
)

func newAssertion(key *webauthn.Credential, parsed *protocol.ParsedCredentialAssertionData) *Assertion {
	encode := base64.RawURLEncoding.EncodeToString
	raw := parsed.Raw.AssertionResponse
	return &Assertion{
		Credential: encode(key.ID), PublicKey: encode(key.PublicKey), AuthenticatorData: encode(raw.AuthenticatorData),
		ClientData: encode(raw.ClientDataJSON), Signature: encode(raw.Signature),
	}
}

// digestOf is what an authenticator signs of a command: the SHA-256 of its canonical JSON.
func digestOf(c people.Command) ([]byte, error) {
	canonical, err := schemas.Canonical(c)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(canonical)
	return sum[:], nil
}

// verify holds an assertion against a command: made for exactly this one, by the key that it names, by a person who was there and
// whom the authenticator knew.
func (a *Assertion) verify(c people.Command) error {
	digest, err := digestOf(c)
	if err != nil {
		return err
	}
	var fields [4][]byte
	for i, text := range []string{a.PublicKey, a.AuthenticatorData, a.ClientData, a.Signature} {
		if fields[i], err = base64.RawURLEncoding.DecodeString(text); err != nil {
			return errAssertion
		}
	}
	publicKey, authData, clientData, signature := fields[0], fields[1], fields[2], fields[3]
	var said struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(clientData, &said) != nil || said.Type != string(protocol.AssertCeremony) || said.Challenge != base64.RawURLEncoding.EncodeToString(digest) {
		return errAssertion
	}
	if len(authData) < minAuthData || authData[32]&flagPresent == 0 || authData[32]&flagVerified == 0 {
		return errAssertion
	}
	key, err := webauthncose.ParsePublicKey(publicKey)
	if err != nil {
		return errAssertion
	}
	hash := sha256.Sum256(clientData)
	if ok, err := webauthncose.VerifySignature(key, append(append([]byte{}, authData...), hash[:]...), signature); err != nil || !ok {
		return errAssertion
	}
	return nil
}
