package people

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"comity/pki/jose"
	"comity/schemas"
)

const qm = schemas.AuthorityID("QM/justice")

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func credential(t *testing.T, name string) *Credential {
	t.Helper()
	c, err := NewCredential(name, noon, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func gate(t *testing.T, now *time.Time, c *Credential) *Gate {
	t.Helper()
	g, err := NewGate(qm, []*Person{{Name: "officer-1", Roles: []Role{CaseOfficer}, Certificate: c.Certificate}},
		func() time.Time { return *now })
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGate(t *testing.T) {
	c, stranger := credential(t, "officer-1"), credential(t, "officer-1")
	body := []byte(`{"sha256":"x"}`)
	other := schemas.AuthorityID("QN/justice")
	tests := []struct {
		name      string
		signer    *Credential
		authority schemas.AuthorityID
		method    string
		target    string
		body      string
		signedAt  time.Time
		want      Reason
	}{
		{name: "admitted", signer: c, authority: qm, method: "POST", target: "/v1/x", body: string(body), signedAt: noon},
		{name: "another person's key under the same name", signer: stranger, authority: qm, method: "POST", target: "/v1/x", body: string(body), signedAt: noon, want: ReasonUnknownPerson},
		{name: "for another authority", signer: c, authority: other, method: "POST", target: "/v1/x", body: string(body), signedAt: noon, want: ReasonOtherCommand},
		{name: "another method", signer: c, authority: qm, method: "GET", target: "/v1/x", body: string(body), signedAt: noon, want: ReasonOtherCommand},
		{name: "another target", signer: c, authority: qm, method: "POST", target: "/v1/y", body: string(body), signedAt: noon, want: ReasonOtherCommand},
		{name: "another body", signer: c, authority: qm, method: "POST", target: "/v1/x", body: `{}`, signedAt: noon, want: ReasonOtherCommand},
		{name: "signed before the agent started", signer: c, authority: qm, method: "POST", target: "/v1/x", body: string(body), signedAt: noon.Add(-2 * time.Second), want: ReasonOutsideWindow},
		{name: "signed in the future", signer: c, authority: qm, method: "POST", target: "/v1/x", body: string(body), signedAt: noon.Add(2 * Window), want: ReasonOutsideWindow},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := noon
			proof, err := tt.signer.Prove(tt.authority, tt.method, tt.target, []byte(tt.body), tt.signedAt)
			if err != nil {
				t.Fatal(err)
			}
			person, err := gate(t, &now, c).Admit(proof, "POST", "/v1/x", body)
			checkRefusal(t, err, tt.want)
			if tt.want == "" && (person == nil || person.Name != "officer-1") {
				t.Errorf("admitted %v", person)
			}
		})
	}
}

func checkRefusal(t *testing.T, err error, want Reason) {
	t.Helper()
	var refused *Refused
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (!errors.As(err, &refused) || refused.Reason != want):
		t.Errorf("got %v, want reason %s", err, want)
	}
}

func TestAProofIsGoodOnce(t *testing.T) {
	c, now := credential(t, "officer-1"), noon
	g := gate(t, &now, c)
	proof, err := c.Prove(qm, "GET", "/", nil, noon)
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.Admit(proof, "GET", "/", nil)
	checkRefusal(t, err, "")
	_, err = g.Admit(proof, "GET", "/", nil)
	checkRefusal(t, err, ReasonReplayed)
	now = noon.Add(3 * Window)
	_, err = g.Admit(proof, "GET", "/", nil)
	checkRefusal(t, err, ReasonOutsideWindow)
}

func TestAnotherKindOfSignatureIsNoProof(t *testing.T) {
	c, now := credential(t, "officer-1"), noon
	signed, err := jose.Sign(c.Key, jose.Thumbprint(c.Certificate), jose.TypReceipt, struct{}{}, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, proof := range [][]byte{signed, nil, []byte("a.b.c")} {
		_, err = gate(t, &now, c).Admit(proof, "GET", "/", nil)
		checkRefusal(t, err, ReasonMalformed)
	}
}

func TestGateRefusesStaffThatAreNotDistinct(t *testing.T) {
	c, d := credential(t, "a"), credential(t, "b")
	roles := []Role{Approver}
	clock := func() time.Time { return noon }
	for name, staff := range map[string][]*Person{
		"one name":       {{Name: "a", Roles: roles, Certificate: c.Certificate}, {Name: "a", Roles: roles, Certificate: d.Certificate}},
		"one credential": {{Name: "a", Roles: roles, Certificate: c.Certificate}, {Name: "b", Roles: roles, Certificate: c.Certificate}},
		"no role":        {{Name: "a", Certificate: c.Certificate}},
	} {
		if _, err := NewGate(qm, staff, clock); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCredentialFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "officer-1.pem")
	c := credential(t, "officer-1")
	if err := c.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadCredential(path)
	if err != nil || !got.Certificate.Equal(c.Certificate) {
		t.Fatalf("read back: %v, %v", got, err)
	}
	if err := c.Write(path); err == nil {
		t.Error("an existing credential was replaced")
	}
}

func TestNoRoleBothDraftsAndApproves(t *testing.T) {
	for role := range grants {
		p := &Person{Roles: []Role{role}}
		if p.May(Draft) && p.May(Approve) {
			t.Errorf("%s may draft and approve", role)
		}
	}
	if (&Person{Roles: []Role{Registrar}}).May(ReadText) {
		t.Error("a registrar may read sealed items (DOMAIN section 6 says no)")
	}
}
