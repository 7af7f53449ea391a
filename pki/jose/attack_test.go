package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signES256 signs whatever header it is given: the attacker's tool.
func signES256(t testing.TB, key *ecdsa.PrivateKey, header, payload string) string {
	t.Helper()
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// header is a good protected header with members added or, by repeating a name in front, replaced.
func header(members string) string {
	return fmt.Sprintf(`{"alg":"ES256","typ":%q,"x5t#S256":%q%s}`, TypMessage, thumb("a"), members)
}

func TestSignedAttacks(t *testing.T) {
	key := newKey(t)
	good := signES256(t, key, header(""), "x")
	parts := strings.Split(good, ".")
	other := signES256(t, key, header(""), "y")
	otherParts := strings.Split(other, ".")
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	jwk := `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`

	tests := []struct {
		name, compact string
		want          Reason
	}{
		{"alg none without signature", b64([]byte(strings.Replace(header(""), "ES256", "none", 1))) + "." + parts[1] + ".", ReasonAlgorithmNotAllowed},
		{"alg None with the old signature", b64([]byte(strings.Replace(header(""), "ES256", "None", 1))) + "." + parts[1] + "." + parts[2], ReasonAlgorithmNotAllowed},
		{"no signature", parts[0] + "." + parts[1] + ".", ReasonMalformed},
		{"HS256 with the public key as secret", hs256(spki), ReasonAlgorithmNotAllowed},
		{"RS256", rs256(t), ReasonAlgorithmNotAllowed},
		{"ES384", es384(t), ReasonAlgorithmNotAllowed},
		{"EdDSA named", signES256(t, key, strings.Replace(header(""), "ES256", "EdDSA", 1), "x"), ReasonAlgorithmNotAllowed},
		{"alg in lower case", signES256(t, key, strings.Replace(header(""), "ES256", "es256", 1), "x"), ReasonAlgorithmNotAllowed},
		{"no alg", signES256(t, key, strings.Replace(header(""), `"alg":"ES256",`, "", 1), "x"), ReasonHeaderInvalid},
		{"alg twice", signES256(t, key, strings.Replace(header(""), `"alg":"ES256"`, `"alg":"ES256","alg":"none"`, 1), "x"), ReasonMalformed},
		{"alg in two cases", signES256(t, key, header(`,"ALG":"none"`), "x"), ReasonMalformed},
		{"another typ", signES256(t, key, strings.Replace(header(""), string(TypMessage), string(TypReceipt), 1), "x"), ReasonTypeMismatch},
		{"typ with media type prefix", signES256(t, key, strings.Replace(header(""), string(TypMessage), "application/"+string(TypMessage), 1), "x"), ReasonTypeMismatch},
		{"no typ", signES256(t, key, fmt.Sprintf(`{"alg":"ES256","x5t#S256":%q}`, thumb("a")), "x"), ReasonHeaderInvalid},
		{"no thumbprint", signES256(t, key, fmt.Sprintf(`{"alg":"ES256","typ":%q}`, TypMessage), "x"), ReasonHeaderInvalid},
		{"short thumbprint", signES256(t, key, fmt.Sprintf(`{"alg":"ES256","typ":%q,"x5t#S256":"AAAA"}`, TypMessage), "x"), ReasonHeaderInvalid},
		{"crit", signES256(t, key, header(`,"crit":["b64"]`), "x"), ReasonHeaderNotAllowed},
		{"crit of our own member", signES256(t, key, header(`,"crit":["seq"],"seq":1`), "x"), ReasonHeaderNotAllowed},
		{"empty crit", signES256(t, key, header(`,"crit":[]`), "x"), ReasonHeaderNotAllowed},
		{"crit in capitals", signES256(t, key, header(`,"CRIT":["b64"]`), "x"), ReasonHeaderNotAllowed},
		{"b64 false", signES256(t, key, header(`,"b64":false`), "x"), ReasonHeaderNotAllowed},
		{"zip", signES256(t, key, header(`,"zip":"DEF"`), "x"), ReasonHeaderNotAllowed},
		{"jwk", signES256(t, key, header(`,"jwk":`+jwk), "x"), ReasonHeaderNotAllowed},
		{"jku", signES256(t, key, header(`,"jku":"https://example.org"`), "x"), ReasonHeaderNotAllowed},
		{"x5c", signES256(t, key, header(`,"x5c":["AAAA"]`), "x"), ReasonHeaderNotAllowed},
		{"x5u", signES256(t, key, header(`,"x5u":"https://example.org"`), "x"), ReasonHeaderNotAllowed},
		{"x5t", signES256(t, key, header(`,"x5t":"AAAA"`), "x"), ReasonHeaderNotAllowed},
		{"kid beside the thumbprint", signES256(t, key, header(`,"kid":"a"`), "x"), ReasonHeaderNotAllowed},
		{"cty", signES256(t, key, header(`,"cty":"JWT"`), "x"), ReasonHeaderNotAllowed},
		{"header not an object", b64([]byte(`[]`)) + "." + parts[1] + "." + parts[2], ReasonMalformed},
		{"header null", b64([]byte(`null`)) + "." + parts[1] + "." + parts[2], ReasonHeaderInvalid},
		{"header with trailing bytes", signES256(t, key, header("")+"{}", "x"), ReasonMalformed},
		{"header not UTF-8", signES256(t, key, header(",\"a\":\"\xff\""), "x"), ReasonMalformed},
		{"header too large", signES256(t, key, header(`,"a":"`+strings.Repeat("a", maxHeader)+`"`), "x"), ReasonMalformed},
		{"header too deep", signES256(t, key, header(`,"a":[[[[]]]]`), "x"), ReasonMalformed},
		{"four parts", good + ".AAAA", ReasonMalformed},
		{"two parts", parts[0] + "." + parts[1], ReasonMalformed},
		{"trailing line break", good + "\n", ReasonMalformed},
		{"line break inside", parts[0] + "." + parts[1] + "\n." + parts[2], ReasonMalformed},
		{"leading space", " " + good, ReasonMalformed},
		{"padding", parts[0] + "." + parts[1] + "=." + parts[2], ReasonMalformed},
		{"standard alphabet", parts[0] + ".++++." + parts[2], ReasonMalformed},
		{"stray bits at the end", parts[0] + ".eB." + parts[2], ReasonMalformed}, // "x" is eA
		{"long signature", good + "AAAA", ReasonMalformed},
		{"ASN.1 signature", parts[0] + "." + parts[1] + "." + b64(bytes.Repeat([]byte{48}, 71)), ReasonMalformed},
		{"JSON serialisation", `{"payload":"eA","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, ReasonMalformed},
		{"empty", "", ReasonMalformed},
		{"too large", strings.Repeat("A", MaxSize) + good, ReasonTooLarge},
		// These parse, and fail to verify.
		{"tampered header", strings.Split(signES256(t, key, header(`,"seq":1`), "x"), ".")[0] + "." + parts[1] + "." + parts[2], ReasonSignatureInvalid},
		{"tampered payload", parts[0] + "." + otherParts[1] + "." + parts[2], ReasonSignatureInvalid},
		{"signature of another document", parts[0] + "." + parts[1] + "." + otherParts[2], ReasonSignatureInvalid},
		{"zero signature", parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)), ReasonSignatureInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			signed, err := ParseSigned([]byte(test.compact), TypMessage)
			if err == nil {
				_, err = signed.Verify(key.Public())
			}
			wantReason(t, err, test.want)
		})
	}
	if signed, err := ParseSigned([]byte(good), TypMessage); err != nil {
		t.Fatalf("the document that the attacks start from: %v", err)
	} else if _, err := signed.Verify(key.Public()); err != nil {
		t.Fatalf("the document that the attacks start from: %v", err)
	}
}

func hs256(secret []byte) string {
	input := b64([]byte(strings.Replace(header(""), "ES256", "HS256", 1))) + "." + b64([]byte("x"))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + b64(mac.Sum(nil))
}

func rs256(t testing.TB) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	input := b64([]byte(strings.Replace(header(""), "ES256", "RS256", 1))) + "." + b64([]byte("x"))
	sum := sha256.Sum256([]byte(input))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(sig)
}

func es384(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	input := b64([]byte(strings.Replace(header(""), "ES256", "ES384", 1))) + "." + b64([]byte("x"))
	sum := sha512.Sum384([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(append(r.FillBytes(make([]byte, 48)), s.FillBytes(make([]byte, 48))...))
}

func TestKeysThatAreNotAllowed(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 no other way makes an invalid key
	offCurve := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}
	var none *ecdsa.PublicKey
	signed, err := ParseSigned([]byte(signES256(t, newKey(t), header(""), "x")), TypMessage)
	if err != nil {
		t.Fatal(err)
	}
	for name, pub := range map[string]crypto.PublicKey{"P-384": p384.Public(), "RSA": rsaKey.Public(), "off the curve": offCurve,
		"bytes": []byte("secret"), "nil pointer": none, "nil": nil} {
		if _, err := signed.Verify(pub); ReasonOf(err) != ReasonKeyNotAllowed {
			t.Errorf("verifying with %s: got %v", name, err)
		}
		if _, err := KeyThumbprint(pub); ReasonOf(err) != ReasonKeyNotAllowed {
			t.Errorf("thumbprint of %s: got %v", name, err)
		}
	}
	if _, err := Sign(p384, thumb("a"), TypMessage, nil, nil); ReasonOf(err) != ReasonKeyNotAllowed {
		t.Errorf("signing with P-384: got %v", err)
	}
	if _, err := Encrypt(offCurve, TypEnvelope, nil, nil); ReasonOf(err) != ReasonKeyNotAllowed {
		t.Errorf("encrypting for a point off the curve: got %v", err)
	}
	sealed, err := Encrypt(&newKey(t).PublicKey, TypEnvelope, nil, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseEncrypted(sealed, TypEnvelope)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parsed.Decrypt(x25519)
	wantReason(t, err, ReasonKeyNotAllowed)
}

func TestHeadersThatCannotBeSigned(t *testing.T) {
	key := newKey(t)
	for name, extra := range map[string]any{
		"alg": map[string]string{"alg": "none"}, "crit": map[string][]string{"crit": {"x"}}, "kid": map[string]string{"kid": "x"},
		"x5t#S256": map[string]string{"x5t#S256": "x"}, "zip": map[string]string{"ZIP": "DEF"}, "not an object": "x",
	} {
		if _, err := Sign(key, thumb("a"), TypMessage, extra, nil); err == nil {
			t.Errorf("signed a header with %s", name)
		}
	}
	if _, err := Sign(key, "not a thumbprint", TypMessage, nil, nil); ReasonOf(err) != ReasonHeaderInvalid {
		t.Errorf("signed under a bad thumbprint: %v", err)
	}
}

func TestMultiAttacks(t *testing.T) {
	a, b := newKey(t), newKey(t)
	idA, errA := KeyThumbprint(a.Public())
	idB, errB := KeyThumbprint(b.Public())
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	head := func(kid, more string) string {
		return fmt.Sprintf(`{"alg":"ES256","typ":%q,"kid":%q%s}`, TypTrustList, kid, more)
	}
	signature := func(key *ecdsa.PrivateKey, protected, more string) string {
		parts := strings.Split(signES256(t, key, protected, "x"), ".")
		return fmt.Sprintf(`{"protected":%q,"signature":%q%s}`, parts[0], parts[2], more)
	}
	doc := func(signatures ...string) string {
		return `{"payload":"eA","signatures":[` + strings.Join(signatures, ",") + `]}`
	}
	goodA, goodB := signature(a, head(idA, ""), ""), signature(b, head(idB, ""), "")
	var many []string
	for range MaxSignatures + 1 {
		many = append(many, goodA)
	}
	tests := []struct {
		name, doc string
		want      Reason
	}{
		{"no signatures", doc(), ReasonMalformed},
		{"one signer twice", doc(goodA, goodB, signature(a, head(idA, ""), "")), ReasonExtraSignature},
		{"too many", doc(many...), ReasonExtraSignature},
		{"unprotected header", doc(signature(a, head(idA, ""), `,"header":{"kid":"x"}`)), ReasonHeaderNotAllowed},
		{"empty unprotected header", doc(signature(a, head(idA, ""), `,"header":{}`)), ReasonHeaderNotAllowed},
		{"alg none in one of two", doc(goodA, signature(b, strings.Replace(head(idB, ""), "ES256", "none", 1), "")), ReasonAlgorithmNotAllowed},
		{"crit", doc(signature(a, head(idA, `,"crit":["x"]`), "")), ReasonHeaderNotAllowed},
		{"jwk", doc(signature(a, head(idA, `,"jwk":{}`), "")), ReasonHeaderNotAllowed},
		{"another member", doc(signature(a, head(idA, `,"x":1`), "")), ReasonHeaderInvalid},
		{"thumbprint in place of kid", doc(signature(a, strings.Replace(head(idA, ""), `"kid"`, `"x5t#S256"`, 1), "")), ReasonHeaderInvalid},
		{"another typ", doc(signature(a, strings.Replace(head(idA, ""), string(TypTrustList), string(TypDirectory), 1), "")), ReasonTypeMismatch},
		{"flattened", `{"payload":"eA",` + goodA[1:], ReasonMalformed},
		{"unknown member", strings.Replace(doc(goodA), `{"payload"`, `{"x":1,"payload"`, 1), ReasonMalformed},
		{"payload twice", strings.Replace(doc(goodA), `{"payload"`, `{"payload":"eQ","payload"`, 1), ReasonMalformed},
		{"trailing data", doc(goodA) + "{}", ReasonMalformed},
		{"a dot in the payload", strings.Replace(doc(goodA), `"eA"`, `"eA.eA"`, 1), ReasonMalformed},
		{"too large", doc(goodA) + strings.Repeat(" ", MaxSize), ReasonTooLarge},
		// These parse, and fail to verify.
		{"B's name on A's signature", doc(signature(a, head(idB, ""), "")), ReasonSignatureInvalid},
		{"one good, one forged", doc(goodA, signature(a, head(idB, ""), "")), ReasonSignatureInvalid},
		{"unknown signers only", doc(signature(newKey(t), head(thumb("c"), ""), "")), ReasonUnknownKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := ParseMulti([]byte(test.doc), TypTrustList)
			if err == nil {
				_, _, err = m.Verify(map[string]crypto.PublicKey{idA: a.Public(), idB: b.Public()})
			}
			wantReason(t, err, test.want)
		})
	}
}

func TestEncryptedAttacks(t *testing.T) {
	key := newKey(t)
	sealed, err := Encrypt(&key.PublicKey, TypEnvelope, testHeader{"QM/justice", 7}, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(sealed), ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	// with replaces members of the protected header; the tag then no longer fits, but parsing must refuse first.
	with := func(changes map[string]any) string {
		var h map[string]any
		if err := json.Unmarshal(raw, &h); err != nil {
			t.Fatal(err)
		}
		for name, value := range changes {
			if h[name] = value; value == nil {
				delete(h, name)
			}
		}
		out, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		return b64(out) + "." + strings.Join(parts[1:], ".")
	}
	epk := func(crv string, x, y []byte) map[string]any {
		return map[string]any{"epk": map[string]string{"kty": "EC", "crv": crv, "x": b64(x), "y": b64(y)}}
	}
	one := append(make([]byte, 31), 1)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(part int) string {
		changed := append([]string(nil), parts...)
		b, err := base64.RawURLEncoding.DecodeString(changed[part])
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		changed[part] = b64(b)
		return strings.Join(changed, ".")
	}
	privateEPK := epk("P-256", one, one)
	privateEPK["epk"].(map[string]string)["d"] = b64(one)

	tests := []struct {
		name, compact string
		want          Reason
	}{
		{"alg dir", with(map[string]any{"alg": "dir"}), ReasonAlgorithmNotAllowed},
		{"alg ECDH-ES", with(map[string]any{"alg": "ECDH-ES"}), ReasonAlgorithmNotAllowed},
		{"alg ECDH-ES+A128KW", with(map[string]any{"alg": "ECDH-ES+A128KW"}), ReasonAlgorithmNotAllowed},
		{"alg RSA-OAEP", with(map[string]any{"alg": "RSA-OAEP"}), ReasonAlgorithmNotAllowed},
		{"alg RSA1_5", with(map[string]any{"alg": "RSA1_5"}), ReasonAlgorithmNotAllowed},
		{"alg PBES2", with(map[string]any{"alg": "PBES2-HS256+A128KW"}), ReasonAlgorithmNotAllowed},
		{"alg none", with(map[string]any{"alg": "none"}), ReasonAlgorithmNotAllowed},
		{"enc A128GCM", with(map[string]any{"enc": "A128GCM"}), ReasonAlgorithmNotAllowed},
		{"enc A256CBC-HS512", with(map[string]any{"enc": "A256CBC-HS512"}), ReasonAlgorithmNotAllowed},
		{"no enc", with(map[string]any{"enc": nil}), ReasonHeaderInvalid},
		{"zip", with(map[string]any{"zip": "DEF"}), ReasonHeaderNotAllowed},
		{"apu", with(map[string]any{"apu": "QQ"}), ReasonHeaderNotAllowed},
		{"apv", with(map[string]any{"apv": "QQ"}), ReasonHeaderNotAllowed},
		{"crit", with(map[string]any{"crit": []string{"x"}}), ReasonHeaderNotAllowed},
		{"jwk", with(map[string]any{"jwk": map[string]string{}}), ReasonHeaderNotAllowed},
		{"x5c", with(map[string]any{"x5c": []string{}}), ReasonHeaderNotAllowed},
		{"p2c", with(map[string]any{"p2c": 1 << 30}), ReasonHeaderNotAllowed},
		{"another typ", with(map[string]any{"typ": TypMessage}), ReasonTypeMismatch},
		{"no typ", with(map[string]any{"typ": nil}), ReasonHeaderInvalid},
		{"no epk", with(map[string]any{"epk": nil}), ReasonHeaderInvalid},
		{"epk a string", with(map[string]any{"epk": "x"}), ReasonHeaderInvalid},
		{"epk off the curve", with(epk("P-256", one, one)), ReasonKeyNotAllowed},
		{"epk at infinity", with(epk("P-256", make([]byte, 32), make([]byte, 32))), ReasonKeyNotAllowed},
		{"epk of P-384", with(epk("P-384", p384.X.Bytes(), p384.Y.Bytes())), ReasonKeyNotAllowed},
		{"epk of P-384 called P-256", with(epk("P-256", p384.X.Bytes(), p384.Y.Bytes())), ReasonKeyNotAllowed},
		{"epk coordinate with a leading zero", with(epk("P-256", append([]byte{0}, one...), one)), ReasonKeyNotAllowed},
		{"epk with private part", with(privateEPK), ReasonHeaderInvalid},
		{"epk OKP", with(map[string]any{"epk": map[string]string{"kty": "OKP", "crv": "X25519", "x": "AA", "y": "AA"}}), ReasonKeyNotAllowed},
		{"no wrapped key", parts[0] + ".." + strings.Join(parts[2:], "."), ReasonMalformed},
		{"short tag", strings.Join(parts[:4], ".") + "." + b64(make([]byte, 12)), ReasonMalformed},
		{"long nonce", parts[0] + "." + parts[1] + "." + b64(make([]byte, 16)) + "." + parts[3] + "." + parts[4], ReasonMalformed},
		{"six parts", string(sealed) + ".AA", ReasonMalformed},
		{"trailing line break", string(sealed) + "\n", ReasonMalformed},
		{"trailing space", string(sealed) + " ", ReasonMalformed},
		{"JSON serialisation", `{"protected":"` + parts[0] + `"}`, ReasonMalformed},
		{"too large", string(sealed) + strings.Repeat("A", MaxSize), ReasonTooLarge},
		// These parse, and fail to open.
		{"tampered route", with(map[string]any{"from": "QN/justice"}), ReasonDecryptionFailed},
		{"added member", with(map[string]any{"extra": 1}), ReasonDecryptionFailed},
		{"tampered wrapped key", flip(1), ReasonDecryptionFailed},
		{"tampered nonce", flip(2), ReasonDecryptionFailed},
		{"tampered ciphertext", flip(3), ReasonDecryptionFailed},
		{"tampered tag", flip(4), ReasonDecryptionFailed},
		{"epk of somebody else", with(epk("P-256", key.X.FillBytes(make([]byte, 32)), key.Y.FillBytes(make([]byte, 32)))), ReasonDecryptionFailed},
		{"no ciphertext", strings.Join(parts[:3], ".") + ".." + parts[4], ReasonDecryptionFailed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parsed, err := ParseEncrypted([]byte(test.compact), TypEnvelope)
			if err == nil {
				_, err = parsed.Decrypt(exchanger(t, key))
			}
			wantReason(t, err, test.want)
		})
	}
}

// RFC 7518 appendix C: Alice derives a 128-bit key for direct use with A128GCM.
func TestKeyDerivationVector(t *testing.T) {
	decode := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	alice, err := ecdh.P256().NewPrivateKey(decode("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"))
	if err != nil {
		t.Fatal(err)
	}
	bob, err := ecdh.P256().NewPublicKey(append([]byte{4}, append(decode("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ"),
		decode("e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck")...)...))
	if err != nil {
		t.Fatal(err)
	}
	z, err := alice.ECDH(bob)
	if err != nil {
		t.Fatal(err)
	}
	wantZ, _ := hex.DecodeString("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4")
	if !bytes.Equal(z, wantZ) {
		t.Errorf("Z = %x", z)
	}
	got, err := deriveKey(z, "A128GCM", []byte("Alice"), []byte("Bob"), 16)
	if err != nil || b64(got) != "VqqN6vgjbSBcIijNcacQGg" {
		t.Errorf("derived %s, %v", b64(got), err)
	}
}

// Both directions against go-jose's own key path, which needs the private key in memory.
func TestAgainstGoJOSE(t *testing.T) {
	key := newKey(t)
	for i := range 20 {
		plaintext := bytes.Repeat([]byte{byte(i)}, i*100)
		sealed, err := Encrypt(&key.PublicKey, TypEnvelope, testHeader{"QM/justice", i}, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := gojose.ParseEncryptedCompact(string(sealed), []gojose.KeyAlgorithm{gojose.ECDH_ES_A256KW}, []gojose.ContentEncryption{gojose.A256GCM})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := theirs.Decrypt(key); err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("go-jose opened ours as %d bytes, %v", len(got), err)
		}
		opts := (&gojose.EncrypterOptions{}).WithType(gojose.ContentType(TypEnvelope))
		encrypter, err := gojose.NewEncrypter(gojose.A256GCM, gojose.Recipient{Algorithm: gojose.ECDH_ES_A256KW, Key: &key.PublicKey}, opts)
		if err != nil {
			t.Fatal(err)
		}
		jwe, err := encrypter.Encrypt(plaintext)
		if err != nil {
			t.Fatal(err)
		}
		compact, err := jwe.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		ours, err := ParseEncrypted([]byte(compact), TypEnvelope)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ours.Decrypt(exchanger(t, key)); err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("we opened go-jose's as %d bytes, %v", len(got), err)
		}
	}
}

// Signatures in both directions against go-jose's own.
func TestSignaturesAgainstGoJOSE(t *testing.T) {
	key := newKey(t)
	for i := range 20 {
		payload := bytes.Repeat([]byte{byte(i)}, i*100)
		signed, err := Sign(key, thumb("a"), TypMessage, testHeader{"QM/justice", i}, payload)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := gojose.ParseSignedCompact(string(signed), []gojose.SignatureAlgorithm{gojose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := theirs.Verify(&key.PublicKey); err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("go-jose read ours as %d bytes, %v", len(got), err)
		}
		opts := (&gojose.SignerOptions{}).WithType(gojose.ContentType(TypMessage)).WithHeader(certHeader, thumb("a"))
		signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.ES256, Key: key}, opts)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := signer.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		compact, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		ours, err := ParseSigned([]byte(compact), TypMessage)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ours.Verify(&key.PublicKey); err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("we read go-jose's as %d bytes, %v", len(got), err)
		}
	}
}

// brokenSigner is a key in hardware that gives what is no signature of P-256.
type brokenSigner struct {
	*ecdsa.PrivateKey
	gives []byte
}

func (b brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return b.gives, nil }

func TestWhatAKeyGivesIsASignature(t *testing.T) {
	key := newKey(t)
	encoded := func(r, s *big.Int) []byte {
		b, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one, large := big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 256)
	for name, gives := range map[string][]byte{
		"nothing": nil, "no ASN.1": []byte("signature"), "something behind": append(encoded(one, one), 0), "zero": encoded(one, new(big.Int)),
		"negative": encoded(big.NewInt(-1), one), "too long": encoded(large, one),
	} {
		if signed, err := Sign(brokenSigner{key, gives}, thumb("a"), TypMessage, nil, []byte("x")); err == nil {
			t.Errorf("%s: signed %s", name, signed)
		}
	}
	if _, err := Sign(brokenSigner{key, encoded(one, one)}, thumb("a"), TypMessage, nil, []byte("x")); err != nil {
		t.Errorf("two small numbers have the form of a signature: %v", err)
	}
}

// hardware is a key exchanger that is not *ecdh.PrivateKey.
type hardware struct{ ecdh.KeyExchanger }

func TestDecryptWithAKeyInHardware(t *testing.T) {
	key := newKey(t)
	sealed, err := Encrypt(&key.PublicKey, TypEnvelope, nil, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseEncrypted(sealed, TypEnvelope)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parsed.Decrypt(hardware{exchanger(t, key)}); err != nil || string(got) != "secret" {
		t.Errorf("got %q, %v", got, err)
	}
}
