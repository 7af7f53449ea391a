package jose

import (
	"bytes"
	"crypto"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"comity/schemas"
)

// MaxSignatures bounds the signatures of one document.
const MaxSignatures = 16

// KeyWithID is a signing key and its KeyThumbprint.
type KeyWithID struct {
	ID  string
	Key crypto.Signer
}

// general is the general JSON serialisation (RFC 7515 section 7.2.1). Header exists so that its presence is refused
// with the right reason.
type general struct {
	Payload    string             `json:"payload"`
	Signatures []generalSignature `json:"signatures"`
}

type generalSignature struct {
	Protected string         `json:"protected"`
	Header    jsontext.Value `json:"header,omitzero"`
	Signature string         `json:"signature"`
}

// SignAll makes a JWS with one ES256 signature by each key, in the general JSON serialisation. Each protected header
// holds alg, typ and kid.
func SignAll(payload []byte, typ Typ, keys []KeyWithID) ([]byte, error) {
	if len(keys) == 0 || len(keys) > MaxSignatures {
		return nil, fmt.Errorf("signing %s: between 1 and %d keys", typ, MaxSignatures)
	}
	var out general
	for _, key := range keys {
		compact, err := sign(key.Key, "kid", key.ID, typ, nil, payload)
		if err != nil {
			return nil, err
		}
		parts := bytes.Split(compact, []byte{'.'})
		out.Payload = string(parts[1])
		out.Signatures = append(out.Signatures, generalSignature{Protected: string(parts[0]), Signature: string(parts[2])})
	}
	return json.Marshal(out)
}

// Multi is a JWS with several signatures that was parsed and not yet verified.
type Multi struct {
	signatures []*Signed // of one payload, each by another signer
}

// ParseMulti parses a JWS in the general JSON serialisation. It needs no key.
func ParseMulti(b []byte, typ Typ) (*Multi, error) {
	if len(b) > MaxSize {
		return nil, refuse(ReasonTooLarge, "more than %d bytes", MaxSize)
	}
	var in general
	if err := schemas.Decode(b, &in, schemas.Limits{Bytes: MaxSize, Depth: 8}); err != nil {
		return nil, refuse(ReasonMalformed, "JSON serialisation: %v", err)
	}
	if len(in.Signatures) == 0 {
		return nil, refuse(ReasonMalformed, "no signature")
	}
	if len(in.Signatures) > MaxSignatures {
		return nil, refuse(ReasonExtraSignature, "more than %d", MaxSignatures)
	}
	m := &Multi{}
	for _, s := range in.Signatures {
		if s.Header != nil {
			return nil, refuse(ReasonHeaderNotAllowed, "an unprotected header")
		}
		one, err := parseSigned([]byte(s.Protected+"."+in.Payload+"."+s.Signature), "kid", typ)
		if err != nil {
			return nil, err
		}
		if err := one.Header(&struct{}{}); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(m.signatures, func(other *Signed) bool { return other.id == one.id }) {
			return nil, refuse(ReasonExtraSignature, "one signer twice")
		}
		m.signatures = append(m.signatures, one)
	}
	return m, nil
}

// Verify checks every signature whose kid is in keys. It returns the payload and who signed it, sorted. A wrong
// signature under a known kid refuses the document; a signature under an unknown kid counts for nothing. How many
// signers are enough is for the caller to say.
func (m *Multi) Verify(keys map[string]crypto.PublicKey) (payload []byte, signedBy []string, err error) {
	for _, s := range m.signatures {
		key, known := keys[s.id]
		if !known {
			continue
		}
		if id, err := KeyThumbprint(key); err != nil {
			return nil, nil, err
		} else if id != s.id {
			return nil, nil, refuse(ReasonKeyNotAllowed, "a key under another key's thumbprint")
		}
		if payload, err = s.Verify(key); err != nil {
			return nil, nil, err
		}
		signedBy = append(signedBy, s.id)
	}
	if len(signedBy) == 0 {
		return nil, nil, refuse(ReasonUnknownKey, "no signature is by a known key")
	}
	slices.Sort(signedBy)
	return payload, signedBy, nil
}

// VerifyCarried is Verify for a document that names its own signers; see Signed.VerifyCarried for the duty of find.
func (m *Multi) VerifyCarried(find func(unverified []byte) (map[string]crypto.PublicKey, error)) (payload []byte, signedBy []string, err error) {
	keys, err := find(m.signatures[0].payload)
	if err != nil {
		return nil, nil, err
	}
	return m.Verify(keys)
}
