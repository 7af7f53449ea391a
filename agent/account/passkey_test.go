package account

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"comity/agent/people"
	"comity/pki/jose"
	"comity/schemas"
)

const origin = "https://localhost:8443"

// withPasskey logs an account in and adds a passkey to it.
func withPasskey(t *testing.T, d *desk, name string) (*authenticator, Entry) {
	t.Helper()
	if err := d.ServeAt(origin); err != nil {
		t.Fatal(err)
	}
	before := d.login(t, name, good)
	asked, err := d.AskPasskey(t.Context(), before.Session, good)
	if err != nil {
		t.Fatal(err)
	}
	key := newAuthenticator(t, origin)
	e, err := d.AddPasskey(t.Context(), before.Session, asked.Token, key.create(asked.Options))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Session(t.Context(), requestWith(before.Cookie)); s != nil || err != nil {
		t.Errorf("a session without the passkey goes on: %v, %v", s, err)
	}
	return key, e
}

func TestAPasskeyBesideThePassword(t *testing.T) {
	d := newDesk(t).with(t, "officer-1", people.CaseOfficer)
	key, _ := withPasskey(t, d, "officer-1")
	half := d.login(t, "officer-1", good)
	if half.Session != nil || half.Cookie != nil || half.Passkey == nil {
		t.Fatalf("the password alone opens %+v", half)
	}
	stranger := newAuthenticator(t, origin)
	elsewhere := *key
	elsewhere.origin = "https://localhost:9999"
	for name, answer := range map[string]func([]byte) []byte{
		"another key": stranger.get, "another origin": elsewhere.get, "nothing": func([]byte) []byte { return nil }, "noise": func([]byte) []byte { return []byte("{}") },
	} {
		half := d.login(t, "officer-1", good)
		if e, err := d.FinishLogin(t.Context(), half.Passkey.Token, answer(half.Passkey.Options)); !errors.Is(err, ErrLogin) || e.Session != nil {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	answer := key.get(half.Passkey.Options)
	e, err := d.FinishLogin(t.Context(), half.Passkey.Token, answer)
	if err != nil || e.Session.Method != ByPasswordAndPasskey || e.Cookie == nil || !e.Session.HasPasskeys {
		t.Fatalf("%+v, %v", e.Session, err)
	}
	if _, err := d.FinishLogin(t.Context(), half.Passkey.Token, answer); !errors.Is(err, ErrLogin) {
		t.Errorf("an answer is good twice: %v", err)
	}
	late := d.login(t, "officer-1", good)
	d.now = d.now.Add(ceremonyTime + time.Second)
	if _, err := d.FinishLogin(t.Context(), late.Passkey.Token, key.get(late.Passkey.Options)); !errors.Is(err, ErrLogin) {
		t.Errorf("an answer that came too late: %v", err)
	}
	twin := d.login(t, "officer-1", good)
	key.counter = 0
	if _, err := d.FinishLogin(t.Context(), twin.Passkey.Token, key.get(twin.Passkey.Options)); !errors.Is(err, ErrLogin) {
		t.Errorf("a counter that went back: %v", err)
	}
}

func TestAPasskeyInsteadOfThePassword(t *testing.T) {
	d := newDesk(t).with(t, "officer-1", people.CaseOfficer)
	key, _ := withPasskey(t, d, "officer-1")
	enter := func() (Entry, error) {
		asked, err := d.AskLogin()
		if err != nil {
			t.Fatal(err)
		}
		return d.FinishLogin(t.Context(), asked.Token, key.get(asked.Options))
	}
	if e, err := enter(); err != nil || e.Session.Method != ByPasskey || e.Session.Person.Name != "officer-1" {
		t.Fatalf("%+v, %v", e.Session, err)
	}
	key.flags = flagPresent
	if _, err := enter(); !errors.Is(err, ErrLogin) {
		t.Errorf("a key that did not verify its user: %v", err)
	}
	key.flags = flagPresent | flagVerified
	if err := d.SetLocked(t.Context(), "key-1", "officer-1", true); err != nil {
		t.Fatal(err)
	}
	if _, err := enter(); !errors.Is(err, ErrLogin) {
		t.Errorf("a locked account: %v", err)
	}
	first, err := d.Reset(t.Context(), "key-1", "officer-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := enter(); !errors.Is(err, ErrLogin) {
		t.Errorf("a passkey outlived the reset: %v", err)
	}
	if e := d.login(t, "officer-1", first); !e.Session.MustChange {
		t.Error("after a reset the password need not be changed")
	}
}

func TestPasskeysNeedANameAndThePassword(t *testing.T) {
	d := newDesk(t).with(t, "officer-1", people.CaseOfficer)
	e := d.login(t, "officer-1", good)
	if err := d.ServeAt("https://127.0.0.1:8443"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.AskPasskey(t.Context(), e.Session, good); !errors.Is(err, ErrNoPasskeys) {
		t.Errorf("at an address: %v", err)
	}
	if err := d.ServeAt("http://localhost"); err == nil {
		t.Error("an origin without TLS was taken")
	}
	if err := d.ServeAt(origin); err != nil {
		t.Fatal(err)
	}
	if _, err := d.AskPasskey(t.Context(), e.Session, "stolen session, no password"); !errors.Is(err, ErrLogin) {
		t.Errorf("without the password: %v", err)
	}
	for range maxCeremonies + 10 {
		if _, err := d.AskLogin(); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.asked) > maxCeremonies {
		t.Errorf("%d challenges are kept", len(d.asked))
	}
}

// What is kept of an approval shows who gave it and how, for every kind, and nothing that was changed of it verifies.
func TestProofs(t *testing.T) {
	credential, err := people.NewCredential("officer-9", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t).with(t, "approver", people.Approver).with(t, "approver-2", people.Approver)
	keys := Keys{
		Person: func(thumbprint string) *people.Person {
			if thumbprint == jose.Thumbprint(credential.Certificate) {
				return &people.Person{Name: "officer-9", Certificate: credential.Certificate}
			}
			return nil
		},
		Agent: func(thumbprint string) crypto.PublicKey {
			if thumbprint == d.c.Thumbprint {
				return d.c.Key.Public()
			}
			return nil
		},
	}
	const target, body = "/v1/messages/x/approval", `{"sha256":"00"}`
	byFile, err := credential.Prove("QM/justice", "POST", target, []byte(body), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	plain := d.login(t, "approver", good)
	byPassword, err := d.Prove(plain.Session, "POST", target, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	key, e := withPasskey(t, d, "approver-2")
	s, err := d.Session(t.Context(), requestWith(e.Cookie))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Prove(s, "POST", target, []byte(body)); !errors.Is(err, ErrPasskey) {
		t.Errorf("whoever has a passkey approved without: %v", err)
	}
	asked, err := d.AskApproval(t.Context(), s, "POST", target, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.ProveByPasskey(t.Context(), plain.Session, asked.Token, key.get(asked.Options)); !errors.Is(err, ErrPasskeyAnswer) {
		t.Errorf("another session's challenge: %v", err)
	}
	asked, err = d.AskApproval(t.Context(), s, "POST", target, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	byPasskey, err := d.ProveByPasskey(t.Context(), s, asked.Token, key.get(asked.Options))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		proof  []byte
		person string
		by     Method
		own    bool
	}{{byFile, "officer-9", "", true}, {byPassword, "approver", ByPassword, false}, {byPasskey, "approver-2", ByPasswordAndPasskey, true}} {
		got, err := ReadProof(tt.proof, keys)
		if err != nil || got.Person != tt.person || got.By != tt.by || got.Own != tt.own || !got.Command.Is("QM/justice", "POST", target, []byte(body)) {
			t.Errorf("%+v, %v", got, err)
		}
		if got.Command.Is("QM/justice", "POST", target, []byte(`{"sha256":"01"}`)) {
			t.Errorf("%s's proof is good for other bytes", tt.person)
		}
		for i := range tt.proof {
			changed := bytes.Clone(tt.proof)
			changed[i] ^= 1
			if got, err := ReadProof(changed, keys); err == nil {
				t.Fatalf("with byte %d changed it verifies as %+v", i, got)
			}
		}
	}
	strangers := Keys{Person: func(string) *people.Person { return nil }, Agent: func(string) crypto.PublicKey { return nil }}
	for _, proof := range [][]byte{byFile, byPassword, byPasskey} {
		if _, err := ReadProof(proof, strangers); !errors.Is(err, ErrGone) {
			t.Errorf("signer unknown: %v", err)
		}
	}
	forgeries(t, d, byPasskey, keys)
}

// forgeries: an agent that signs what no authenticator signed is found out.
func forgeries(t *testing.T, d *desk, proof []byte, keys Keys) {
	t.Helper()
	signed, err := jose.ParseSigned(proof, jose.TypLogin)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := signed.Verify(d.c.Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]func(*Statement){
		"another command":   func(s *Statement) { s.Command.Target = "/v1/messages/y/approval" },
		"another time":      func(s *Statement) { s.Command.At = s.Command.At.Add(time.Millisecond) },
		"another key":       func(s *Statement) { s.Passkey.PublicKey = s.Passkey.Credential },
		"another signature": func(s *Statement) { s.Passkey.Signature = s.Passkey.Signature[4:] },
		"not there": func(s *Statement) {
			data, _ := base64.RawURLEncoding.DecodeString(s.Passkey.AuthenticatorData)
			data[32] &^= flagPresent
			s.Passkey.AuthenticatorData = url64(data)
		},
		"cut short": func(s *Statement) { s.Passkey.AuthenticatorData = s.Passkey.AuthenticatorData[:20] },
		"other client data": func(s *Statement) {
			data, _ := base64.RawURLEncoding.DecodeString(s.Passkey.ClientData)
			s.Passkey.ClientData = url64([]byte(strings.Replace(string(data), "webauthn.get", "webauthn.create", 1)))
		},
	} {
		var s Statement
		if err := schemas.Decode(payload, &s, schemas.DefaultLimits); err != nil {
			t.Fatal(err)
		}
		forge(&s)
		changed, err := schemas.Canonical(s)
		if err != nil {
			t.Fatal(err)
		}
		forged, err := jose.Sign(d.c.Key, d.c.Thumbprint, jose.TypLogin, struct{}{}, changed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ReadProof(forged, keys); !errors.Is(err, ErrProof) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
