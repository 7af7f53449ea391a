package envelope

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"comity/pki"
	"comity/schemas"
)

var update = flag.Bool("update", false, "write new test vectors with new keys")

// The files of testdata/suite1: see its README.
const vectorFolder = "testdata/suite1"

type vectorFile struct {
	At      time.Time                    `json:"at"`
	Pin     pki.Pin                      `json:"pin"`
	Desks   map[schemas.AuthorityID]keys `json:"desks"`
	Vectors []vector                     `json:"vectors"`
}

// keys of a test desk: PKCS #8, DER, and the certificates. Test keys, known to everybody.
type keys struct {
	SigningKey            []byte `json:"signing_key"`
	SigningCertificate    []byte `json:"signing_certificate"`
	EncryptionKey         []byte `json:"encryption_key"`
	EncryptionCertificate []byte `json:"encryption_certificate"`
}

type vector struct {
	Name string              `json:"name"`
	Note string              `json:"note,omitzero"`
	Desk schemas.AuthorityID `json:"desk"`
	Want Reason              `json:"want"` // "" where it is valid
	Kind Kind                `json:"kind,omitzero"`
	Seq  uint64              `json:"seq,omitzero"`
	ID   schemas.MessageID   `json:"id,omitzero"`
	JWS  *Hash               `json:"jws_sha256,omitzero"`
	Body string              `json:"payload_sha256,omitzero"`
	Wire string              `json:"wire"`
}

// TestVectors reads the committed vectors as a desk would.
func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	raw, err := os.ReadFile(filepath.Join(vectorFolder, "vectors.json"))
	must(t, err)
	var file vectorFile
	must(t, json.Unmarshal(raw, &file, json.RejectUnknownMembers(true)))
	keeper, err := pki.OpenKeeper(t.TempDir(), file.Pin, func() time.Time { return file.At })
	must(t, err)
	_, err = keeper.Refresh(filepath.Join(vectorFolder, "published"))
	must(t, err)

	desks := map[schemas.AuthorityID]Desk{}
	for id, k := range file.Desks {
		desks[id] = k.desk(t, id)
	}
	reasons := map[Reason]int{}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			got, err := read([]byte(v.Wire), desks[v.Desk], keeper.View(), file.At)
			if ReasonOf(err) != v.Want || (err == nil) != (v.Want == "") {
				t.Fatalf("read = %v, want reason %q", err, v.Want)
			}
			if authentic := AuthenticOf(err) != nil; authentic != (v.Want == Expired || v.Want == NotYetValid || v.Want == BadContent) {
				t.Fatalf("authentic = %v for %v", authentic, err)
			}
			if err != nil {
				return
			}
			sum := sha256.Sum256(got.Payload())
			if got.Kind() != v.Kind || got.Header().Seq != v.Seq || got.Header().ID != v.ID || got.Hash() != *v.JWS ||
				hex.EncodeToString(sum[:]) != v.Body {
				t.Fatalf("content differs: %s %+v", got.Kind(), got.Header())
			}
		})
		reasons[v.Want]++
	}
	for _, reason := range []Reason{"", Malformed, TooLarge, AlgorithmNotAllowed, HeaderNotAllowed, TypeMismatch, UnsupportedSuite,
		WrongRecipient, WrongKey, NotDecryptable, Padding, HeaderMismatch, UnknownSigner, Revoked, SignatureInvalid, Expired,
		NotYetValid, BadContent} {
		if reasons[reason] == 0 && reason != TooLarge { // two MiB are not committed: TestTooLarge
			t.Errorf("no vector for %q", reason)
		}
	}
}

func (k keys) desk(tb testing.TB, id schemas.AuthorityID) Desk {
	tb.Helper()
	key, err := x509.ParsePKCS8PrivateKey(k.EncryptionKey)
	must(tb, err)
	private, err := key.(*ecdsa.PrivateKey).ECDH()
	must(tb, err)
	cert, err := x509.ParseCertificate(k.EncryptionCertificate)
	must(tb, err)
	return Desk{Authority: id, Keys: []DecryptionKey{{Key: private, Certificate: cert}}}
}

func writeVectors(t *testing.T) {
	w := newWorld(t)
	must(t, os.RemoveAll(vectorFolder))
	published := filepath.Join(vectorFolder, "published")
	must(t, os.MkdirAll(published, 0o755))
	must(t, w.scheme.Publish(published))
	file := vectorFile{At: w.at, Pin: w.scheme.Pin, Desks: map[schemas.AuthorityID]keys{}}
	for id, d := range w.desks {
		signing, err := x509.MarshalPKCS8PrivateKey(d.signer.Key)
		must(t, err)
		encryption, err := x509.MarshalPKCS8PrivateKey(d.Keys[0].Key.(*ecdh.PrivateKey))
		must(t, err)
		file.Desks[id] = keys{SigningKey: signing, SigningCertificate: d.signer.Certificate.Raw,
			EncryptionKey: encryption, EncryptionCertificate: d.encryption.Certificate().Raw}
	}
	for _, a := range attempts(t, w) {
		if a.want == TooLarge {
			continue
		}
		v := vector{Name: a.name, Note: a.note, Desk: a.desk, Want: a.want, Wire: string(a.wire)}
		if a.want == "" {
			got, err := read(a.wire, w.desk(a.desk).Desk, w.view, w.at)
			if err != nil {
				t.Fatalf("%s: %v", a.name, err)
			}
			sum, hash := sha256.Sum256(got.Payload()), got.Hash()
			v.Kind, v.Seq, v.ID, v.JWS, v.Body = got.Kind(), got.Header().Seq, got.Header().ID, &hash, hex.EncodeToString(sum[:])
		}
		file.Vectors = append(file.Vectors, v)
	}
	raw, err := json.Marshal(file, json.Deterministic(true), jsontext.WithIndent("  "))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(vectorFolder, "vectors.json"), append(raw, '\n'), 0o644))
}
