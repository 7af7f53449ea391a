package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"comity/pki"
	"comity/pki/jose"
	"comity/pki/pkitest"
	"comity/schemas"
)

const qmJustice, qnJustice = schemas.AuthorityID("QM/justice"), schemas.AuthorityID("QN/justice")

func wantReason(t *testing.T, err error, want pki.Reason) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted, want %s", want)
	}
	if got := pki.ReasonOf(err); got != want {
		t.Fatalf("got reason %q (%v), want %s", got, err, want)
	}
}

// chainOf is what a TLS server would hand over if its own path validation let the certificate pass.
func chainOf(cert tls.Certificate, ca *x509.Certificate) [][]*x509.Certificate {
	return [][]*x509.Certificate{{cert.Leaf, ca}}
}

func TestSchemeIsGood(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN", "QP")
	keeper := scheme.Keeper(t)
	view := keeper.View()
	if warnings := view.Warnings(clock.Now()); len(warnings) != 0 {
		t.Errorf("warnings: %v", warnings)
	}
	if got := len(view.Authorities()); got != 6 {
		t.Errorf("%d authorities, want 6", got)
	}
	me := scheme.Authority(qmJustice)
	proofs := map[string]func() (pki.Proof, error){
		"client": func() (pki.Proof, error) {
			return view.VerifyClient(chainOf(me.TLS, scheme.CA("QM").Certificate()), clock.Now())
		},
		"signer": func() (pki.Proof, error) {
			return view.Signer(qmJustice, jose.Thumbprint(me.Signing.Certificate), clock.Now())
		},
		"encryption": func() (pki.Proof, error) { return view.EncryptionKey(qmJustice, clock.Now()) },
	}
	for name, prove := range proofs {
		proof, err := prove()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if proof.Authority() != qmJustice || proof.Certificate() == nil || proof.Pending() {
			t.Errorf("%s: proved %s, pending %v", name, proof.Authority(), proof.Pending())
		}
	}
	if _, err := view.Route(qmJustice, qnJustice, schemas.ChannelMLA, clock.Now()); err != nil {
		t.Errorf("route: %v", err)
	}
	if _, err := view.BrokerSigner(jose.Thumbprint(scheme.Broker.Signing.Certificate)); err != nil {
		t.Errorf("broker signer: %v", err)
	}
	clock.Advance(8 * 24 * time.Hour)
	if proof, err := proofs["signer"](); err != nil || !proof.Pending() {
		t.Errorf("stale revocation list: pending %v, %v", proof.Pending(), err)
	}
}

func TestClientCertificatesThatProveNothing(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	view := scheme.Keeper(t).View()
	tests := map[pkitest.Rogue]pki.Reason{
		pkitest.RogueExpired:     pki.ReasonExpired,
		pkitest.RogueNotYet:      pki.ReasonNotYetValid,
		pkitest.RogueOtherState:  pki.ReasonUntrustedCA, // claims QM, signed by QN
		pkitest.RogueUnknownCA:   pki.ReasonUntrustedCA,
		pkitest.RogueTwoURIs:     pki.ReasonURICount,
		pkitest.RogueNoURI:       pki.ReasonURICount,
		pkitest.RogueSubdomain:   pki.ReasonWrongState,
		pkitest.RogueExtraDNS:    pki.ReasonURICount,
		pkitest.RogueWrongUsage:  pki.ReasonWrongUsage,
		pkitest.RogueUnlisted:    pki.ReasonNotInDirectory,
		pkitest.RogueDirectoryID: pki.ReasonWrongUsage,
	}
	for rogue, want := range tests {
		t.Run(string(rogue), func(t *testing.T) {
			cert := scheme.IssueRogue(t, qmJustice, rogue)
			_, err := view.VerifyClient(chainOf(cert, scheme.CA("QM").Certificate()), clock.Now())
			wantReason(t, err, want)
		})
	}
	t.Run("another State's CA, as its chain really ends", func(t *testing.T) {
		cert := scheme.IssueRogue(t, qmJustice, pkitest.RogueOtherState)
		_, err := view.VerifyClient(chainOf(cert, scheme.CA("QN").Certificate()), clock.Now())
		wantReason(t, err, pki.ReasonWrongState)
	})
	t.Run("no certificate", func(t *testing.T) {
		_, err := view.VerifyClient(nil, clock.Now())
		wantReason(t, err, pki.ReasonNoCertificate)
	})
}

// What was proved once is no proof for another time: the same certificate is asked about with every message.
func TestAProofHoldsForItsTimeOnly(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	view := scheme.Keeper(t).View()
	cert := scheme.Authority(qmJustice).Signing.Certificate
	for i, at := range []time.Time{clock.Now(), cert.NotBefore.Add(-time.Second), clock.Now(), clock.Now()} {
		proof, err := view.Signer(qmJustice, jose.Thumbprint(cert), at)
		if i == 1 {
			wantReason(t, err, pki.ReasonNotYetValid)
			continue
		}
		if err != nil || proof.Authority() != qmJustice {
			t.Errorf("%d. time: %v, %v", i+1, proof.Authority(), err)
		}
	}
}
