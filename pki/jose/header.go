package jose

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"comity/schemas"
)

// Typ is the kind of a signed or sealed document: the typ header, which the signature covers.
type Typ string

// Every kind of document in Comity.
const (
	TypMessage    Typ = "comity-message+jws"
	TypReceipt    Typ = "comity-receipt+jws"
	TypVoid       Typ = "comity-void+jws"
	TypResend     Typ = "comity-resend+jws"
	TypBreach     Typ = "comity-breach+jws"
	TypRecall     Typ = "comity-recall+jws"
	TypStanding   Typ = "comity-standing+jws"
	TypWant       Typ = "comity-want+jws"
	TypCompletion Typ = "comity-completion+jws"
	TypAcceptance Typ = "comity-acceptance+jws"
	TypTrustList  Typ = "comity-trust-list+jws"
	TypDirectory  Typ = "comity-directory+jws"
	TypCARollover Typ = "comity-ca-rollover+jws" // an old CA's word for its successor
	TypCaseExport Typ = "comity-case-export+jws" // what an authority says of the file of a case that it hands out
	TypCommand    Typ = "comity-command+jws"     // a person's signed command to the agent
	TypLogin      Typ = "comity-login+jws"       // an agent's word for a command of a person who was logged in
	TypEnvelope   Typ = "comity-envelope+jwe"
)

// MaxSize bounds every document: a payload of 1 MiB, encoded twice and padded, is well within it.
const MaxSize = 4 << 20

const (
	maxHeader   = 8 << 10
	headerDepth = 4
	certHeader  = "x5t#S256"
)

// reserved are the registered header parameters (RFC 7515, 7516, 7518, 7797, 8555) that no document of ours may add,
// in lower case: they choose keys, algorithms or encodings, or belong to algorithms that we do not use.
var reserved = []string{"alg", "apu", "apv", "aud", "b64", "crit", "cty", "enc", "epk", "iss", "iv", "jku", "jwk", "kid",
	"nonce", "p2c", "p2s", "sub", "svt", "tag", "typ", "url", "x5c", "x5t", "x5t#s256", "x5u", "zip"}

// members are the members of a protected header, not yet understood.
type members map[string]jsontext.Value

// parseHeader decodes a protected header and holds what is common to all kinds: strict JSON, typ, alg.
func parseHeader(raw []byte, typ Typ, alg string) (members, error) {
	var m members
	if err := schemas.Decode(raw, &m, schemas.Limits{Bytes: maxHeader, Depth: headerDepth}); err != nil {
		return nil, refuse(ReasonMalformed, "protected header: %v", err)
	}
	if got, err := m.take("alg"); err != nil {
		return nil, err
	} else if got != alg {
		return nil, refuse(ReasonAlgorithmNotAllowed, "only %s is", alg)
	}
	if got, err := m.take("typ"); err != nil {
		return nil, err
	} else if Typ(got) != typ {
		return nil, refuse(ReasonTypeMismatch, "not a %s", typ)
	}
	return m, nil
}

// take removes a string member and returns it.
func (m members) take(name string) (string, error) {
	raw, ok := m[name]
	if !ok {
		return "", refuse(ReasonHeaderInvalid, "no %s", name)
	}
	delete(m, name)
	var s string
	if err := json.Unmarshal(raw, &s); err != nil || raw.Kind() != '"' {
		return "", refuse(ReasonHeaderInvalid, "%s is not a string", name)
	}
	return s, nil
}

// extra checks that what is left may be there, and encodes it for the caller's strict decoder.
func (m members) extra(allowed ...string) ([]byte, error) {
	for name := range m {
		if !slices.Contains(allowed, name) && slices.Contains(reserved, strings.ToLower(name)) {
			return nil, refuse(ReasonHeaderNotAllowed, "%s", strings.ToLower(name))
		}
	}
	raw, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return nil, refuse(ReasonMalformed, "protected header")
	}
	return raw, nil
}

// decodeExtra is the second half of Header on signed and sealed documents.
func decodeExtra(raw []byte, v any) error {
	if err := schemas.Decode(raw, v, schemas.Limits{Bytes: maxHeader, Depth: headerDepth}); err != nil {
		return refuse(ReasonHeaderInvalid, "%v", err)
	}
	return nil
}

// encodeExtra turns the caller's header struct into members, under the same rules as when they are read.
func encodeExtra(header any, allowed ...string) (members, error) {
	m := members{}
	if header == nil {
		return m, nil
	}
	raw, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("encoding header: %w", err)
	}
	if err := schemas.Decode(raw, &m, schemas.Limits{Bytes: maxHeader, Depth: headerDepth}); err != nil {
		return nil, fmt.Errorf("encoding header: %w", err)
	}
	if _, err := maps.Clone(m).extra(allowed...); err != nil {
		return nil, fmt.Errorf("encoding header: %w", err)
	}
	return m, nil
}

// encodeHeader is a protected header of what the caller adds and what every document of a kind has.
func encodeHeader(extra members, fixed map[string]any) ([]byte, error) {
	all := make(map[string]any, len(extra)+len(fixed))
	for name, value := range extra {
		all[name] = value
	}
	maps.Copy(all, fixed)
	raw, err := json.Marshal(all, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encoding header: %w", err)
	}
	return raw, nil
}

// split cuts a compact serialisation into its parts and decodes them. Each document has one spelling: base64url
// without padding, without line breaks, with zero bits at the end (RFC 7515 section 2; RFC 4648 section 3.5).
func split(compact []byte, parts int) ([][]byte, error) {
	if len(compact) > MaxSize {
		return nil, refuse(ReasonTooLarge, "more than %d bytes", MaxSize)
	}
	if bytes.Count(compact, []byte{'.'}) != parts-1 {
		return nil, refuse(ReasonMalformed, "not %d parts", parts)
	}
	decoded := make([][]byte, 0, parts)
	for part := range bytes.SplitSeq(compact, []byte{'.'}) {
		raw, err := decodePart(part)
		if err != nil {
			return nil, err
		}
		decoded = append(decoded, raw)
	}
	return decoded, nil
}

var strictBase64 = base64.RawURLEncoding.Strict()

func decodePart(part []byte) ([]byte, error) {
	if bytes.ContainsAny(part, "\r\n") { // encoding/base64 would skip them
		return nil, refuse(ReasonMalformed, "a line break in base64url")
	}
	raw, err := strictBase64.AppendDecode(nil, part)
	if err != nil {
		return nil, refuse(ReasonMalformed, "not canonical base64url")
	}
	return raw, nil
}
