package pki_test

import (
	"testing"
	"time"

	"comity/pki"
	"comity/pki/jose"
	"comity/pki/pkitest"
)

// What was known at a time is what the documents of that time say, whatever was published since.
func TestAsOf(t *testing.T) {
	clock := pkitest.NewClock()
	s := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	keeper := s.Keeper(t)
	signing := s.Authority("QM/justice").Signing.Certificate
	then, before := clock.Now(), keeper.View().Documents("QM", "QN")
	if len(before.TrustLists) != 1 || len(before.Entries) != 2 || len(before.CRLs) != 2 {
		t.Fatalf("%d lists, %d entries, %d revocation lists", len(before.TrustLists), len(before.Entries), len(before.CRLs))
	}
	clock.Advance(40 * 24 * time.Hour) // longer than an entry is good for
	s.Revoke(t, "QM", signing, pki.CRLKeyCompromise)
	s.EditTrustList(t, func(*pki.TrustList) {})
	s.EditEntry(t, "QM", func([]pki.Authority) {})
	s.Refresh(t, keeper)
	after := keeper.View().Documents("QM")
	prove := func(d pki.Documents, at time.Time) (pki.Proof, error) {
		view, err := pki.AsOf(s.Pin, d, at)
		if err != nil {
			return pki.Proof{}, err
		}
		return view.Signer("QM/justice", jose.Thumbprint(signing), at)
	}
	if proof, err := prove(before, then); err != nil || proof.Pending() || proof.Authority() != "QM/justice" {
		t.Errorf("then: %+v, %v", proof, err)
	}
	if _, err := prove(after, clock.Now()); pki.ReasonOf(err) != pki.ReasonRevoked {
		t.Errorf("now: %v", err)
	}
	// With what was known then, today: everything has run out but the trust list, so the proof is pending.
	if proof, err := prove(before, clock.Now()); err != nil || !proof.Pending() {
		t.Errorf("with old documents: %+v, %v", proof, err)
	}
	if _, err := prove(after, then); pki.ReasonOf(err) != pki.ReasonNotYetValid {
		t.Errorf("with documents of later: %v", err)
	}
	other := s.Pin
	other.Signers = pkitest.NewScheme(t, clock.Now, "QM", "QN").Pin.Signers
	if _, err := pki.AsOf(other, before, then); pki.ReasonOf(err) != pki.ReasonTrustListUnderSigned {
		t.Errorf("with another pin: %v", err)
	}
	stripped := before
	stripped.TrustLists = nil
	if _, err := prove(stripped, then); pki.ReasonOf(err) != pki.ReasonTrustListMissing {
		t.Errorf("without a list: %v", err)
	}
}
