package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/pki"
	"comity/pki/ca"
	"comity/pki/jose"
	"comity/pki/keyfile"
	"comity/pki/pkitest"
	"comity/schemas"
)

// next is the list that would follow, for a test to change and sign.
func next(s *pkitest.Scheme, clock *pkitest.Clock) pki.TrustList {
	list := s.List()
	list.Version++
	list.IssuedAt, list.ExpiresAt = clock.Now(), clock.Now().AddDate(0, 0, 90)
	list.States, list.Signers = slices.Clone(list.States), slices.Clone(list.Signers)
	list.Agreements = slices.Clone(list.Agreements)
	return list
}

func signList(t testing.TB, list pki.TrustList, signers ...*ca.SchemeSigner) []byte {
	t.Helper()
	raw, err := ca.SignTrustList(&list, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func newCA(t testing.TB, state schemas.StateCode, clock *pkitest.Clock) *ca.CA {
	t.Helper()
	c, err := ca.New(state, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newSigner(t testing.TB) (*ca.SchemeSigner, pki.SchemeSigner) {
	t.Helper()
	s, err := ca.NewSchemeSigner("new")
	if err != nil {
		t.Fatal(err)
	}
	row, err := s.Row()
	if err != nil {
		t.Fatal(err)
	}
	return s, row
}

func TestTrustListsThatAreRefused(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	first := scheme.TrustList()
	scheme.EditTrustList(t, func(*pki.TrustList) {}) // version 2 is held
	keeper := scheme.Keeper(t)
	two := scheme.Signers[:2]
	stranger, strangerRow := newSigner(t)

	changed := func(change func(*pki.TrustList), signers ...*ca.SchemeSigner) []byte {
		list := next(scheme, clock)
		change(&list)
		return signList(t, list, signers...)
	}
	// tampered moves the expiry inside the signed payload.
	tampered := func() []byte {
		var doc map[string]any
		if err := json.Unmarshal(changed(func(*pki.TrustList) {}, two...), &doc); err != nil {
			t.Fatal(err)
		}
		other := changed(func(l *pki.TrustList) { l.ExpiresAt = l.ExpiresAt.AddDate(1, 0, 0) }, two...)
		var otherDoc map[string]any
		if err := json.Unmarshal(other, &otherDoc); err != nil {
			t.Fatal(err)
		}
		doc["payload"] = otherDoc["payload"]
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	tests := []struct {
		name string
		raw  []byte
		want pki.Reason
	}{
		{"older", first, pki.ReasonTrustListOlder},
		{"the same version with other content", changed(func(l *pki.TrustList) { l.Version--; l.Agreements = nil }, two...), pki.ReasonTrustListConflict},
		{"expired", changed(func(l *pki.TrustList) { l.IssuedAt, l.ExpiresAt = clock.Now().Add(-2*time.Hour), clock.Now() }, two...), pki.ReasonTrustListExpired},
		{"from the future", changed(func(l *pki.TrustList) { l.IssuedAt = clock.Now().Add(time.Hour) }, two...), pki.ReasonNotYetValid},
		{"one signature of two", changed(func(*pki.TrustList) {}, two[0]), pki.ReasonTrustListUnderSigned},
		{"one signature and a stranger's", changed(func(*pki.TrustList) {}, two[0], stranger), pki.ReasonTrustListUnderSigned},
		{"strangers only", changed(func(*pki.TrustList) {}, stranger), pki.ReasonTrustListUnderSigned},
		{"a stranger who names himself", changed(func(l *pki.TrustList) {
			l.Signers, l.Threshold = []pki.SchemeSigner{strangerRow}, 1
		}, stranger), pki.ReasonTrustListUnderSigned},
		{"a lowered threshold is not yet in force", changed(func(l *pki.TrustList) { l.Threshold = 1 }, two[0]), pki.ReasonTrustListUnderSigned},
		{"a raised threshold must be met at once", changed(func(l *pki.TrustList) { l.Threshold = 3 }, two...), pki.ReasonTrustListUnderSigned},
		{"tampered", tampered(), pki.ReasonTrustListForged},
		{"another scheme", changed(func(l *pki.TrustList) { l.Scheme = "another" }, two...), pki.ReasonTrustListInvalid},
		{"threshold 0", changed(func(l *pki.TrustList) { l.Threshold = 0 }, two...), pki.ReasonTrustListInvalid},
		{"threshold out of reach", changed(func(l *pki.TrustList) { l.Threshold = 4 }, two...), pki.ReasonTrustListInvalid},
		{"a signer twice", changed(func(l *pki.TrustList) { l.Signers = append(l.Signers, l.Signers[0]) }, two...), pki.ReasonTrustListInvalid},
		{"a State twice", changed(func(l *pki.TrustList) { l.States = append(l.States, l.States[0]) }, two...), pki.ReasonTrustListInvalid},
		{"a State's CA under another State", changed(func(l *pki.TrustList) { l.States[0].CAs = l.States[1].CAs }, two...), pki.ReasonTrustListInvalid},
		{"an authority's certificate for a CA", changed(func(l *pki.TrustList) {
			l.States[0].CAs = [][]byte{scheme.Authority(qmJustice).Signing.Certificate.Raw}
		}, two...), pki.ReasonTrustListInvalid},
		{"a broker's CA for a State's", changed(func(l *pki.TrustList) {
			l.States[0].CAs = [][]byte{scheme.Broker.CA.Certificate().Raw}
		}, two...), pki.ReasonTrustListInvalid},
		{"a broker whose signing certificate is a State's", changed(func(l *pki.TrustList) {
			l.Brokers = []pki.BrokerIdentity{scheme.Broker.CA.Identity(scheme.Authority(qmJustice).Signing.Certificate)}
		}, two...), pki.ReasonTrustListInvalid},
		{"a broker whose TLS certificate signs", changed(func(l *pki.TrustList) {
			l.Brokers = []pki.BrokerIdentity{scheme.Broker.CA.Identity(scheme.Broker.TLS.Leaf)}
		}, two...), pki.ReasonTrustListInvalid},
		{"an agreement with a State that is not listed", changed(func(l *pki.TrustList) {
			l.Agreements[0].Parties = []schemas.StateCode{"QM", "QZ"}
		}, two...), pki.ReasonTrustListInvalid},
		{"an agreement with oneself", changed(func(l *pki.TrustList) {
			l.Agreements[0].Parties = []schemas.StateCode{"QM", "QM"}
		}, two...), pki.ReasonTrustListInvalid},
		{"another kind of document", scheme.Entry("QM"), pki.ReasonTrustListInvalid},
		{"an unknown member", unknownMember(t, next(scheme, clock), two), pki.ReasonTrustListInvalid},
		{"empty", nil, pki.ReasonTrustListInvalid},
		{"a swapped CA", changed(func(l *pki.TrustList) { l.States[0] = newCA(t, "QM", clock).Trust() }, two...), pki.ReasonCASwapped},
		{"a CA slipped in beside the old one", changed(func(l *pki.TrustList) {
			l.States[0].CAs = append(slices.Clone(l.States[0].CAs), newCA(t, "QM", clock).Certificate().Raw)
		}, two...), pki.ReasonCASwapped},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := keeper.View().TrustList().Version
			wantReason(t, keeper.OfferTrustList(test.raw), test.want)
			if after := keeper.View().TrustList(); after.Version != before || after.Scheme != scheme.Pin.Scheme {
				t.Errorf("the refused list changed what is held: version %d", after.Version)
			}
		})
	}
	if err := keeper.OfferTrustList(scheme.TrustList()); err != nil {
		t.Errorf("the list that is held: %v", err)
	}
}

// keyOf takes a signer's key out of its folder.
func keyOf(t testing.TB, s *ca.SchemeSigner) *ecdsa.PrivateKey {
	t.Helper()
	dir := t.TempDir()
	if err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	key, err := keyfile.ReadKey(filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func unknownMember(t *testing.T, list pki.TrustList, signers []*ca.SchemeSigner) []byte {
	t.Helper()
	payload, err := schemas.Canonical(list)
	if err != nil {
		t.Fatal(err)
	}
	payload = bytes.Replace(payload, []byte(`{`), []byte(`{"Threshold":1,`), 1)
	// Package ca signs a list only, not any text.
	var keys []jose.KeyWithID
	for _, s := range signers {
		key := keyOf(t, s)
		id, err := s.Thumbprint()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, jose.KeyWithID{ID: id, Key: key})
	}
	raw, err := jose.SignAll(payload, jose.TypTrustList, keys)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestFirstTrustListNeedsThePinnedSigners(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM")
	impostors := pkitest.NewScheme(t, clock.Now, "QM") // the same scheme's name, other keys
	keeper, err := pki.OpenKeeper(t.TempDir(), scheme.Pin, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	if !keeper.View().Expired(clock.Now()) {
		t.Error("a view without a list is not expired")
	}
	_, err = keeper.View().Signer(qmJustice, "", clock.Now())
	wantReason(t, err, pki.ReasonTrustListMissing)
	wantReason(t, keeper.OfferTrustList(impostors.TrustList()), pki.ReasonTrustListUnderSigned)
	wantReason(t, keeper.OfferTrustList(signList(t, scheme.List(), scheme.Signers[2])), pki.ReasonTrustListUnderSigned)
	wantReason(t, keeper.OfferEntry(scheme.Entry("QM")), pki.ReasonUnknownState)
	wantReason(t, keeper.OfferCRL(scheme.CRL("QM")), pki.ReasonTrustListMissing)
	if err := keeper.OfferTrustList(scheme.TrustList()); err != nil {
		t.Error(err)
	}
	for _, pin := range []pki.Pin{{}, {Scheme: "x", Threshold: 2, Signers: []string{"a"}}, {Scheme: "x", Threshold: 2, Signers: []string{"a", "a"}}} {
		_, err := pki.OpenKeeper(t.TempDir(), pin, clock.Now)
		wantReason(t, err, pki.ReasonPinChanged)
	}
}

func TestSignersChangeByTheOldThreshold(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM")
	keeper := scheme.Keeper(t)
	a, rowA := newSigner(t)
	b, rowB := newSigner(t)
	list := next(scheme, clock)
	list.Signers = []pki.SchemeSigner{rowA, rowB}

	wantReason(t, keeper.OfferTrustList(signList(t, list, a, b)), pki.ReasonTrustListUnderSigned)
	wantReason(t, keeper.OfferTrustList(signList(t, list, scheme.Signers[0], scheme.Signers[1])), pki.ReasonTrustListUnderSigned)
	if err := keeper.OfferTrustList(signList(t, list, a, b, scheme.Signers[0], scheme.Signers[2])); err != nil {
		t.Fatalf("old and new signers together: %v", err)
	}
	list.Version++
	wantReason(t, keeper.OfferTrustList(signList(t, list, scheme.Signers...)), pki.ReasonTrustListUnderSigned)
	if err := keeper.OfferTrustList(signList(t, list, a, b)); err != nil {
		t.Errorf("the new signers alone: %v", err)
	}
}

func TestNewCAOfAKnownState(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	successor := newCA(t, "QM", clock)
	row := scheme.CA("QM").Trust()
	row.CAs = append(row.CAs, successor.Certificate().Raw)
	offer := func(k *pki.Keeper, version uint64, row pki.StateTrust) error {
		list := next(scheme, clock)
		list.Version = version
		list.States[0] = row
		return k.OfferTrustList(signList(t, list, scheme.Signers[:2]...))
	}

	t.Run("vouched for by the old CA", func(t *testing.T) {
		keeper := scheme.Keeper(t)
		successor, row, err := scheme.CA("QM").Successor()
		if err != nil {
			t.Fatal(err)
		}
		if err := offer(keeper, 2, row); err != nil {
			t.Fatal(err)
		}
		if _, err := keeper.View().Signer(qmJustice, jose.Thumbprint(scheme.Authority(qmJustice).Signing.Certificate), clock.Now()); err != nil {
			t.Errorf("a certificate of the old CA, while both are listed: %v", err)
		}
		// The old CA can leave now, and cannot come back through its own word.
		if err := offer(keeper, 3, successor.Trust()); err != nil {
			t.Fatal(err)
		}
		if warnings := keeper.View().Warnings(clock.Now()); !hasReason(warnings, pki.ReasonUntrustedCA) {
			t.Errorf("the entry under the old CA is still in use: %v", warnings)
		}
		wantReason(t, offer(keeper, 4, scheme.CA("QM").Trust()), pki.ReasonCASwapped)
		entry, err := successor.SignEntry([]pki.Authority{pkitest.Row(scheme.Authority(qmJustice))})
		if err != nil {
			t.Fatal(err)
		}
		if err := keeper.OfferEntry(entry); err != nil {
			t.Fatalf("the entry under the new CA: %v", err)
		}
		_, err = keeper.View().Signer(qmJustice, jose.Thumbprint(scheme.Authority(qmJustice).Signing.Certificate), clock.Now())
		wantReason(t, err, pki.ReasonUntrustedCA) // its CA has left
	})
	t.Run("vouched for by itself", func(t *testing.T) {
		word, err := successor.Vouch(successor.Certificate())
		if err != nil {
			t.Fatal(err)
		}
		row := row
		row.Rollovers = []string{word}
		wantReason(t, offer(scheme.Keeper(t), 2, row), pki.ReasonCASwapped)
	})
	t.Run("a new CA begins its versions anew", func(t *testing.T) {
		keeper := scheme.Keeper(t)
		if err := keeper.ConfirmCA("QM", jose.Thumbprint(successor.Certificate())); err != nil {
			t.Fatal(err)
		}
		if err := offer(keeper, 2, row); err != nil {
			t.Fatal(err)
		}
		entry, err := successor.SignEntry(nil)
		if err != nil {
			t.Fatal(err)
		}
		wantReason(t, keeper.OfferEntry(entry), pki.ReasonEntryConflict) // version 1 is taken, whoever signed it
	})
	t.Run("vouched for another one", func(t *testing.T) {
		word, err := scheme.CA("QM").Vouch(newCA(t, "QM", clock).Certificate())
		if err != nil {
			t.Fatal(err)
		}
		row := row
		row.Rollovers = []string{word, "rubbish"}
		wantReason(t, offer(scheme.Keeper(t), 2, row), pki.ReasonCASwapped)
	})
	t.Run("an old CA does not vouch for another State's", func(t *testing.T) {
		if _, err := scheme.CA("QN").Vouch(successor.Certificate()); pki.ReasonOf(err) != pki.ReasonWrongState {
			t.Errorf("got %v", err)
		}
	})
	t.Run("confirmed by the key officer", func(t *testing.T) {
		keeper := scheme.Keeper(t)
		if err := keeper.ConfirmCA("QN", jose.Thumbprint(successor.Certificate())); err != nil {
			t.Fatal(err)
		}
		wantReason(t, offer(keeper, 2, row), pki.ReasonCASwapped) // confirmed for the wrong State
		if err := keeper.ConfirmCA("QM", jose.Thumbprint(successor.Certificate())); err != nil {
			t.Fatal(err)
		}
		if err := offer(keeper, 2, row); err != nil {
			t.Error(err)
		}
	})
	t.Run("after the State was off the list, and after a restart", func(t *testing.T) {
		dir := t.TempDir()
		keeper := openKeeper(t, dir, scheme, clock)
		scheme.Refresh(t, keeper)
		list := next(scheme, clock)
		list.States, list.Agreements = list.States[1:], nil
		if err := keeper.OfferTrustList(signList(t, list, scheme.Signers[:2]...)); err != nil {
			t.Fatal(err)
		}
		if _, err := keeper.View().Authority(qmJustice); pki.ReasonOf(err) != pki.ReasonUnknownAuthority {
			t.Errorf("an authority of a State that left: %v", err)
		}
		keeper = openKeeper(t, dir, scheme, clock)
		wantReason(t, offer(keeper, 3, successor.Trust()), pki.ReasonCASwapped)
		if err := offer(keeper, 3, scheme.CA("QM").Trust()); err != nil {
			t.Fatal(err)
		}
		if _, err := keeper.View().Authority(qmJustice); err != nil {
			t.Errorf("the State came back, its stored entry did not: %v", err)
		}
	})
}

func hasReason(errs []error, want pki.Reason) bool {
	return slices.ContainsFunc(errs, func(err error) bool { return pki.ReasonOf(err) == want })
}

func openKeeper(t *testing.T, dir string, scheme *pkitest.Scheme, clock *pkitest.Clock) *pki.Keeper {
	t.Helper()
	keeper, err := pki.OpenKeeper(dir, scheme.Pin, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	return keeper
}

func TestKeeperRemembersAfterARestart(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	oldList, oldEntry, oldCRL := scheme.TrustList(), scheme.Entry("QM"), der(t, scheme.CRL("QM"))
	scheme.EditTrustList(t, func(*pki.TrustList) {})
	scheme.EditEntry(t, "QM", func([]pki.Authority) {})
	scheme.Revoke(t, "QM", scheme.Authority("QM/border").Signing.Certificate, pki.CRLSuperseded)
	dir := t.TempDir()
	scheme.Refresh(t, openKeeper(t, dir, scheme, clock))

	keeper := openKeeper(t, dir, scheme, clock)
	if warnings := keeper.View().Warnings(clock.Now()); len(warnings) != 0 {
		t.Errorf("warnings after a restart: %v", warnings)
	}
	wantReason(t, keeper.OfferTrustList(oldList), pki.ReasonTrustListOlder)
	wantReason(t, keeper.OfferEntry(oldEntry), pki.ReasonEntryOlder)
	wantReason(t, keeper.OfferCRL(oldCRL), pki.ReasonCRLOlder)

	t.Run("even when all has expired", func(t *testing.T) {
		clock.Advance(365 * 24 * time.Hour)
		keeper := openKeeper(t, dir, scheme, clock)
		_, err := keeper.View().Route(qmJustice, qnJustice, schemas.ChannelMLA, clock.Now())
		wantReason(t, err, pki.ReasonTrustListExpired)
		wantReason(t, keeper.OfferTrustList(oldList), pki.ReasonTrustListOlder)
		clock.Advance(-365 * 24 * time.Hour)
	})
	t.Run("another pin", func(t *testing.T) {
		other := pkitest.NewScheme(t, clock.Now, "QM")
		_, err := pki.OpenKeeper(dir, other.Pin, clock.Now)
		wantReason(t, err, pki.ReasonPinChanged)
	})
	for _, name := range []string{"trust-list.json", "directory/qm.jws", "known-cas.json", "pin.json"} {
		t.Run("damaged "+name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := []byte(strings.Replace(string(whole), "e", "f", 3))
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := pki.OpenKeeper(dir, scheme.Pin, clock.Now); err == nil {
				t.Error("opened as if nothing had happened")
			}
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// What cannot be stored is not used: after a restart it would be forgotten.
func TestKeeperWithoutADisk(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM")
	dir := filepath.Join(t.TempDir(), "trust")
	keeper := openKeeper(t, dir, scheme, clock)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := keeper.OfferTrustList(scheme.TrustList()); err == nil {
		t.Error("took a list that it could not store")
	}
	if keeper.View().TrustList() != nil {
		t.Error("uses a list that it could not store")
	}
}
