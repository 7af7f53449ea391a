package casefile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/pki"
	"comity/pki/jose"
	"comity/pki/journal"
	"comity/schemas"
)

// kept is a file that was handed out once, and whom to trust for it.
func kept(t testing.TB) (file []byte, pin pki.Pin) {
	t.Helper()
	file, err := os.ReadFile("testdata/case.zip")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/pin.json")
	if err == nil {
		err = json.Unmarshal(text, &pin)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file, pin
}

// A file that an earlier version handed out is proved by this one, whatever the year is.
func TestAFileOfThenIsStillProved(t *testing.T) {
	file, pin := kept(t)
	for _, with := range []*pki.Pin{&pin, nil} {
		verdict := Verify(bytes.NewReader(file), int64(len(file)), with)
		for _, l := range verdict.Lines {
			if !l.OK {
				t.Errorf("%s: %s %s", l.Reason, l.File, l.Text)
			}
		}
		if verdict.Exporter != "QM/justice" || verdict.Reader != "QM" || verdict.Pinned != (with != nil) || len(verdict.Lines) < 20 {
			t.Errorf("%d lines: %+v", len(verdict.Lines), verdict)
		}
	}
	other := pin
	other.Signers = append(slices.Clone(pin.Signers[:2]), strings.Repeat("A", 43))
	if got := Verify(bytes.NewReader(file), int64(len(file)), &other).Reasons(); !slices.Equal(got, []Reason{PinDiffers}) {
		t.Errorf("with other signers: %v", got) // two of the three still agree
	}
	other.Signers = []string{strings.Repeat("A", 43)}
	other.Threshold = 1
	if got := Verify(bytes.NewReader(file), int64(len(file)), &other).Reasons(); !slices.Equal(got, []Reason{PinDiffers, TrustRefused}) {
		t.Errorf("with none of its signers: %v", got)
	}
}

// signer is a key of nobody in particular.
func signer(t testing.TB) (crypto.Signer, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{}, &x509.Certificate{}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, certificate
}

// aStatement is one that makes sense in itself.
func aStatement() Statement {
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	return Statement{
		Case: "nwy7pwvcf2sx1j094whj65ss34", Channel: schemas.ChannelMLA, Exporter: "QM/justice", Peer: "QN/justice", Reader: "QM", ExportedAt: at,
		Pin: pki.Pin{Scheme: "s", Threshold: 1, Signers: []string{"k"}},
		Items: []Item{{
			From: "QM/justice", To: "QN/justice", ID: schemas.NewMessageID(), Number: 1, Type: "mla.request/1", JWS: envelope.Hash{1}, Outcome: Sent,
			Signed: "messages/1.jws", Trust: []string{}, KnownAt: at,
		}},
		Trust: []string{}, Files: map[string]string{"messages/1.jws": strings.Repeat("0", 64)},
	}
}

// A statement that does not make sense is neither made nor read, whoever signed it.
func TestStatementsThatMakeNoSense(t *testing.T) {
	key, certificate := signer(t)
	open := func(raw []byte) (bool, error) {
		_, known, err := openStatement(raw, func(Statement, string) (crypto.PublicKey, error) { return key.Public(), nil })
		return known, err
	}
	good, err := aStatement().Sign(key, certificate)
	if err != nil {
		t.Fatal(err)
	}
	if known, err := open(good); !known || err != nil {
		t.Fatalf("a good one: %v", err)
	}
	for name, change := range map[string]func(*Statement){
		"no exporter":                 func(s *Statement) { s.Exporter = "" },
		"an exporter of no State":     func(s *Statement) { s.Exporter = "justice" },
		"a peer that is none":         func(s *Statement) { s.Peer = "QN/" },
		"no reader":                   func(s *Statement) { s.Reader = "" },
		"a reader that is none":       func(s *Statement) { s.Reader = "the court" },
		"no messages":                 func(s *Statement) { s.Items = nil },
		"too many messages":           func(s *Statement) { s.Items = slices.Repeat(s.Items, maxItems+1) },
		"no time":                     func(s *Statement) { s.ExportedAt = time.Time{} },
		"part of a second":            func(s *Statement) { s.ExportedAt = s.ExportedAt.Add(time.Millisecond) },
		"a file of another name":      func(s *Statement) { s.Files["../x"] = strings.Repeat("0", 64) },
		"itself as a file":            func(s *Statement) { s.Files["statement.jws"] = strings.Repeat("0", 64) },
		"a hash that is too short":    func(s *Statement) { s.Files["messages/1.jws"] = "00" },
		"a hash in capitals":          func(s *Statement) { s.Files["messages/1.jws"] = strings.Repeat("A", 64) },
		"a message of strangers":      func(s *Statement) { s.Items[0].From = "QP/justice" },
		"a message to oneself":        func(s *Statement) { s.Items[0].To = "QM/justice" },
		"number nought":               func(s *Statement) { s.Items[0].Number = 0 },
		"a number beyond all logs":    func(s *Statement) { s.Items[0].Number = journal.MaxSize + 1 },
		"no hash of the message":      func(s *Statement) { s.Items[0].JWS = envelope.Hash{} },
		"an id that is none":          func(s *Statement) { s.Items[0].ID = "1" },
		"an outcome that is none":     func(s *Statement) { s.Items[0].Outcome = "lost" },
		"no time of knowledge":        func(s *Statement) { s.Items[0].KnownAt = time.Time{} },
		"knowledge in half a second":  func(s *Statement) { s.Items[0].KnownAt = s.Items[0].KnownAt.Add(time.Second / 2) },
		"a message without its file":  func(s *Statement) { s.Items[0].Signed = "messages/2.jws" },
		"a receipt without its file":  func(s *Statement) { s.Items[0].Receipt = "receipts/1.jws" },
		"an envelope without file":    func(s *Statement) { s.Items[0].Envelope = "envelopes/1.jwe" },
		"an acceptance without file":  func(s *Statement) { s.Items[0].Acceptance = "acceptances/1.jws" },
		"a proof without its file":    func(s *Statement) { s.Items[0].Proof = "journal/1.tlog-proof" },
		"trust of then without files": func(s *Statement) { s.Items[0].Trust = []string{"trust/list-001-0.json"} },
		"trust of now without files":  func(s *Statement) { s.Trust = []string{"trust/list-001-0.json"} },
	} {
		t.Run(name, func(t *testing.T) {
			s := aStatement()
			change(&s)
			if _, err := s.Sign(key, certificate); err == nil {
				t.Error("it was signed")
			}
			payload, err := schemas.Canonical(s)
			if err != nil {
				return // it cannot even be written
			}
			raw, err := jose.Sign(key, jose.Thumbprint(certificate), jose.TypCaseExport, nil, payload)
			if err != nil {
				return // larger than anything that is signed
			}
			if known, err := open(raw); known || err == nil {
				t.Error("it was read")
			}
		})
	}
	text, err := schemas.Canonical(aStatement())
	if err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string]string{
		"no JSON":               "statement",
		"nothing":               "",
		"a list":                "[]",
		"something more":        strings.Replace(string(text), `{`, `{"note":"x",`, 1),
		"a name twice":          strings.Replace(string(text), `{`, `{"case":"nwy7pwvcf2sx1j094whj65ss34",`, 1),
		"a name in capitals":    strings.Replace(string(text), `"peer"`, `"Peer"`, 1),
		"something after it":    string(text) + "{}",
		"nested without end":    strings.Repeat("[", 100_000),
		"a number for a string": strings.Replace(string(text), `"QM"`, `7`, 1),
	} {
		raw, err := jose.Sign(key, jose.Thumbprint(certificate), jose.TypCaseExport, nil, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if known, err := open(raw); known || err == nil {
			t.Errorf("%s was read", name)
		}
	}
	for name, raw := range map[string]func() ([]byte, error){
		"another kind of document": func() ([]byte, error) {
			return jose.Sign(key, jose.Thumbprint(certificate), jose.TypReceipt, nil, text)
		},
		"more in its header": func() ([]byte, error) {
			return jose.Sign(key, jose.Thumbprint(certificate), jose.TypCaseExport, map[string]string{"from": "QM/justice"}, text)
		},
	} {
		signed, err := raw()
		if err != nil {
			t.Fatal(err)
		}
		if known, err := open(signed); known || err == nil {
			t.Errorf("%s was read", name)
		}
	}
	refusal := errors.New("nobody that we know")
	if _, known, err := openStatement(good, func(Statement, string) (crypto.PublicKey, error) { return nil, refusal }); !known || !errors.Is(err, refusal) {
		t.Errorf("one that nobody proves: read %v, %v", known, err)
	}
}

// What stands under trust/ is read by its name, each in its form.
func TestDocumentsOfTrust(t *testing.T) {
	crl := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: []byte("der")})
	files := map[string][]byte{
		"trust/list-002-b.json": []byte("second"), "trust/list-001-a.json": []byte("first"), "trust/directory-qm-a.jws": []byte("entry"), "trust/crl-qm-a.pem": crl,
		"trust/crl-qn-text.pem": []byte("no PEM"), "trust/crl-qn-other.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("der")}),
		"trust/crl-qn-two.pem": slices.Concat(crl, crl), "trust/else-qm.json": []byte("x"), "messages/list-001.jws": []byte("x"),
	}
	d, err := documents(files, []string{"trust/list-002-b.json", "trust/list-001-a.json", "trust/directory-qm-a.jws", "trust/crl-qm-a.pem"})
	if err != nil || len(d.TrustLists) != 2 || string(d.TrustLists[0]) != "first" || string(d.Entries["QM"]) != "entry" ||
		!slices.EqualFunc(slices.Collect(maps.Values(d.CRLs["QM"])), [][]byte{[]byte("der")}, bytes.Equal) {
		t.Errorf("%+v, %v", d, err)
	}
	for name, want := range map[string]string{
		"trust/list-003.json": "is not there", "trust/crl-qn-text.pem": "is no revocation list", "trust/crl-qn-other.pem": "is no revocation list",
		"trust/crl-qn-two.pem": "is no revocation list", "trust/else-qm.json": "is no document of trust", "messages/list-001.jws": "is no document of trust",
	} {
		if _, err := documents(files, []string{name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestReaders(t *testing.T) {
	for text, state := range map[string]schemas.StateCode{"QM": "QM", "QN/justice": "QN"} {
		if r, err := ParseReader(text); err != nil || r.State() != state {
			t.Errorf("%s: %s, %v", text, r.State(), err)
		}
	}
	for _, text := range []string{"", "Q", "qm", "QMM", "QM/", "/justice", "QM/justice/x", "QM justice", "QM/../x", strings.Repeat("Q", 1000)} {
		if r, err := ParseReader(text); err == nil {
			t.Errorf("%q was read as %q", text, r)
		}
	}
}
