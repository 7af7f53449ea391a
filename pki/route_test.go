package pki_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"comity/pki"
	"comity/pki/ca"
	"comity/pki/jose"
	"comity/pki/keyfile"
	"comity/pki/pkitest"
	"comity/schemas"
)

func TestRoutes(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN", "QP")
	scheme.EditTrustList(t, func(l *pki.TrustList) {
		for i := range l.Agreements {
			switch a := &l.Agreements[i]; a.ID {
			case "QM-QP":
				a.From, a.Until = clock.Now().AddDate(0, -2, 0), clock.Now().AddDate(0, -1, 0)
			case "QN-QP":
				a.Channels = []schemas.Channel{schemas.ChannelRepatriation}
			}
		}
	})
	scheme.EditEntry(t, "QP", func(rows []pki.Authority) { rows[1].Kind = pki.KindNotConnected })
	view := scheme.Keeper(t).View()
	tests := []struct {
		name     string
		from, to schemas.AuthorityID
		channel  schemas.Channel
		at       time.Time
		want     pki.Reason
	}{
		{"in force", qmJustice, qnJustice, schemas.ChannelMLA, clock.Now(), ""},
		{"the other way", qnJustice, qmJustice, schemas.ChannelMLA, clock.Now(), ""},
		{"border", "QM/border", "QN/border", schemas.ChannelBorder, clock.Now(), ""},
		{"unknown recipient", qmJustice, "QN/police", schemas.ChannelMLA, clock.Now(), pki.ReasonUnknownAuthority},
		{"unknown sender", "QZ/justice", qnJustice, schemas.ChannelMLA, clock.Now(), pki.ReasonUnknownAuthority},
		{"the reserved name", "QM/directory", qnJustice, schemas.ChannelMLA, clock.Now(), pki.ReasonUnknownAuthority},
		{"recipient does not serve it", qmJustice, "QN/border", schemas.ChannelMLA, clock.Now(), pki.ReasonChannelNotServed},
		{"sender does not serve it", "QM/border", qnJustice, schemas.ChannelMLA, clock.Now(), pki.ReasonChannelNotServed},
		{"no such channel", qmJustice, qnJustice, "mail", clock.Now(), pki.ReasonChannelNotServed},
		{"agreement has ended", qmJustice, "QP/justice", schemas.ChannelMLA, clock.Now(), pki.ReasonRouteNotInForce},
		{"agreement is for another channel", qnJustice, "QP/justice", schemas.ChannelMLA, clock.Now(), pki.ReasonRouteNotInForce},
		{"agreement has not begun", qmJustice, qnJustice, schemas.ChannelMLA, clock.Now().AddDate(-2, 0, 0), pki.ReasonRouteNotInForce},
		{"within one State", qmJustice, "QM/border", schemas.ChannelRepatriation, clock.Now(), pki.ReasonRouteNotInForce},
		{"to oneself", qmJustice, qmJustice, schemas.ChannelMLA, clock.Now(), pki.ReasonRouteNotInForce},
		{"not connected", "QN/border", "QP/border", schemas.ChannelRepatriation, clock.Now(), pki.ReasonNotConnected},
		{"entry has expired", qmJustice, qnJustice, schemas.ChannelMLA, clock.Now().AddDate(0, 0, 31), pki.ReasonEntryExpired},
		{"trust list has expired", qmJustice, qnJustice, schemas.ChannelMLA, clock.Now().AddDate(0, 0, 90), pki.ReasonTrustListExpired},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			agreement, err := view.Route(test.from, test.to, test.channel, test.at)
			if got := pki.ReasonOf(err); got != test.want {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if test.want == "" && agreement.ID != "QM-QN" {
				t.Errorf("agreement %q", agreement.ID)
			}
		})
	}
}

// The way on paper asks for all that the way over Comity asks for, and serves only who is not connected.
func TestPaperRoutes(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN", "QP")
	scheme.EditTrustList(t, func(l *pki.TrustList) {
		for i := range l.Agreements {
			if a := &l.Agreements[i]; a.ID == "QM-QP" {
				a.Channels = []schemas.Channel{schemas.ChannelMLA}
			}
		}
	})
	for _, state := range []schemas.StateCode{"QN", "QP"} {
		scheme.EditEntry(t, state, func(rows []pki.Authority) {
			for i := range rows {
				if rows[i].ID.Name() == "justice" {
					rows[i].Kind = pki.KindNotConnected
				}
			}
		})
	}
	view := scheme.Keeper(t).View()
	tests := []struct {
		name     string
		from, to schemas.AuthorityID
		channel  schemas.Channel
		at       time.Time
		want     pki.Reason
	}{
		{"in force", qmJustice, qnJustice, schemas.ChannelMLA, clock.Now(), ""},
		{"connected recipient", "QM/border", "QN/border", schemas.ChannelBorder, clock.Now(), pki.ReasonConnected},
		{"sender not connected", qnJustice, "QP/justice", schemas.ChannelMLA, clock.Now(), pki.ReasonNotConnected},
		{"unknown recipient", qmJustice, "QN/police", schemas.ChannelMLA, clock.Now(), pki.ReasonUnknownAuthority},
		{"recipient does not serve it", qmJustice, qnJustice, schemas.ChannelBorder, clock.Now(), pki.ReasonChannelNotServed},
		{"agreement is for another channel", qmJustice, "QP/justice", schemas.ChannelTransfer, clock.Now(), pki.ReasonRouteNotInForce},
		{"to oneself", qmJustice, qmJustice, schemas.ChannelMLA, clock.Now(), pki.ReasonConnected},
		{"entry has expired", qmJustice, qnJustice, schemas.ChannelMLA, clock.Now().AddDate(0, 0, 31), pki.ReasonEntryExpired},
		{"trust list has expired", qmJustice, qnJustice, schemas.ChannelMLA, clock.Now().AddDate(0, 0, 90), pki.ReasonTrustListExpired},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			agreement, err := view.PaperRoute(test.from, test.to, test.channel, test.at)
			if got := pki.ReasonOf(err); got != test.want || test.want == "" && agreement.ID != "QM-QN" {
				t.Fatalf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSignersThatProveNothing(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	view := scheme.Keeper(t).View()
	x5t := jose.Thumbprint(scheme.Authority(qmJustice).Signing.Certificate)
	tests := []struct {
		name string
		from schemas.AuthorityID
		x5t  string
		at   time.Time
		want pki.Reason
	}{
		{"unknown authority", "QZ/justice", x5t, clock.Now(), pki.ReasonUnknownAuthority},
		{"another authority's certificate", qnJustice, x5t, clock.Now(), pki.ReasonNotInDirectory},
		{"its TLS certificate", qmJustice, jose.Thumbprint(scheme.Authority(qmJustice).TLS.Leaf), clock.Now(), pki.ReasonNotInDirectory},
		{"its encryption certificate", qmJustice, jose.Thumbprint(scheme.Authority(qmJustice).Encryption.Certificate), clock.Now(), pki.ReasonNotInDirectory},
		{"no thumbprint", qmJustice, "", clock.Now(), pki.ReasonNotInDirectory},
		{"before it began", qmJustice, x5t, clock.Now().Add(-time.Hour), pki.ReasonNotYetValid},
		{"trust list has expired", qmJustice, x5t, clock.Now().AddDate(0, 0, 90), pki.ReasonTrustListExpired},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			proof, err := view.Signer(test.from, test.x5t, test.at)
			wantReason(t, err, test.want)
			if proof.Authority() != "" {
				t.Error("a refusal with a proof")
			}
		})
	}
	_, err := view.BrokerSigner(x5t)
	wantReason(t, err, pki.ReasonUnknownBroker)
}

// Out-of-date knowledge of revocation or of the directory makes a proof pending; it stops only what discloses.
func TestPendingProofs(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	me := scheme.Authority(qmJustice)
	x5t := jose.Thumbprint(me.Signing.Certificate)
	view := scheme.Keeper(t).View()
	for days, want := range map[int]bool{0: false, 6: false, 8: true, 31: true} {
		at := clock.Now().AddDate(0, 0, days)
		signer, err := view.Signer(qmJustice, x5t, at)
		if err != nil || signer.Pending() != want {
			t.Errorf("signer after %d days: pending %v, %v", days, signer.Pending(), err)
		}
		client, err := view.VerifyClient(chainOf(me.TLS, scheme.CA("QM").Certificate()), at)
		if err != nil || client.Pending() != want {
			t.Errorf("client after %d days: pending %v, %v", days, client.Pending(), err)
		}
	}
	at := clock.Now().AddDate(0, 0, 31)
	_, err := view.EncryptionKey(qmJustice, at)
	wantReason(t, err, pki.ReasonEntryExpired)
	warnings := view.Warnings(at)
	if !hasReason(warnings, pki.ReasonEntryExpired) || !hasReason(warnings, pki.ReasonCRLStale) {
		t.Errorf("warnings: %v", warnings)
	}
	if never := openKeeper(t, t.TempDir(), scheme, clock); never.OfferTrustList(scheme.TrustList()) != nil ||
		never.OfferEntry(scheme.Entry("QM")) != nil {
		t.Fatal("a keeper without revocation lists")
	} else if proof, err := never.View().Signer(qmJustice, x5t, clock.Now()); err != nil || !proof.Pending() {
		t.Errorf("without any revocation list: pending %v, %v", proof.Pending(), err)
	}
}

func TestEncryptionKeyIsTheNewestInForce(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	old := scheme.Authority(qmJustice).Encryption.Certificate
	clock.Advance(24 * time.Hour)
	key, err := keyfile.Generate()
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := scheme.CA("QM").Prepare(ca.Request{Authority: qmJustice, Usage: pki.UsageEncryption, Public: &key.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := scheme.CA("QM").Issue(prepared)
	if err != nil {
		t.Fatal(err)
	}
	scheme.EditEntry(t, "QM", func(rows []pki.Authority) {
		rows[0].Certificates.Encryption = [][]byte{old.Raw, renewed.Raw}
	})
	keeper := scheme.Keeper(t)
	want := func(cert []byte, at time.Time) {
		t.Helper()
		proof, err := keeper.View().EncryptionKey(qmJustice, at)
		if err != nil || !bytes.Equal(proof.Certificate().Raw, cert) {
			t.Errorf("at %s: another certificate, %v", at.Format(time.RFC3339), err)
		}
	}
	want(renewed.Raw, clock.Now())
	want(old.Raw, clock.Now().Add(-12*time.Hour))
	scheme.Revoke(t, "QM", renewed, pki.CRLKeyCompromise)
	scheme.Refresh(t, keeper)
	want(old.Raw, clock.Now())
}

// A view is a moment: what the keeper learns later does not reach it.
func TestViewNeverChanges(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM")
	keeper := scheme.Keeper(t)
	before := keeper.View()
	x5t := jose.Thumbprint(scheme.Authority(qmJustice).Signing.Certificate)
	scheme.Revoke(t, "QM", scheme.Authority(qmJustice).Signing.Certificate, pki.CRLKeyCompromise)
	scheme.Refresh(t, keeper)
	if _, err := before.Signer(qmJustice, x5t, clock.Now()); err != nil {
		t.Errorf("the earlier view: %v", err)
	}
	_, err := keeper.View().Signer(qmJustice, x5t, clock.Now())
	wantReason(t, err, pki.ReasonRevoked)
}

func FuzzTrustList(f *testing.F) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(f, clock.Now, "QM", "QN")
	keeper := scheme.Keeper(f)
	list := scheme.List()
	payload, err := schemas.Canonical(&list)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(scheme.TrustList(), payload)
	f.Add([]byte(`{}`), []byte(`{}`))
	f.Add(scheme.Entry("QM"), []byte(`{"scheme":"x","version":1,"states":[{"state":"QM","cas":[""]}]}`))
	stranger, _ := newSigner(f)
	key := keyOf(f, stranger)
	id, err := jose.KeyThumbprint(key.Public())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw, payload []byte) {
		if err := keeper.OfferTrustList(raw); err == nil && !bytes.Equal(raw, scheme.TrustList()) {
			if keeper.View().TrustList().Version != 1 {
				t.Fatal("took a forged list")
			}
		}
		// Any content under a stranger's signature reaches the decoder behind the signature parser.
		signed, err := jose.SignAll(payload, jose.TypTrustList, []jose.KeyWithID{{ID: id, Key: key}})
		if err != nil {
			t.Fatal(err)
		}
		if err := keeper.OfferTrustList(signed); pki.ReasonOf(err) == "" {
			t.Fatalf("a stranger's list: %v", err)
		}
	})
}

func FuzzEntry(f *testing.F) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(f, clock.Now, "QM", "QN")
	keeper := scheme.Keeper(f)
	justice := scheme.Authority(qmJustice)
	payload, err := schemas.Canonical(pki.Entry{State: "QM", Version: 9, IssuedAt: clock.Now(), ExpiresAt: clock.Now().Add(time.Hour),
		Signer: justice.Signing.Certificate.Raw, Authorities: []pki.Authority{pkitest.Row(justice)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(scheme.Entry("QM"), payload)
	f.Add([]byte(".."), []byte(`{"state":"QM","version":1,"signer":"","authorities":[{}]}`))
	f.Fuzz(func(t *testing.T, raw, payload []byte) {
		if err := keeper.OfferEntry(raw); err == nil && !bytes.Equal(raw, scheme.Entry("QM")) && !bytes.Equal(raw, scheme.Entry("QN")) {
			t.Fatal("took a forged entry")
		}
		signed, err := jose.Sign(justice.Signing.Key, jose.Thumbprint(justice.Signing.Certificate), jose.TypDirectory, nil, payload)
		if err != nil {
			t.Fatal(err)
		}
		if err := keeper.OfferEntry(signed); pki.ReasonOf(err) == "" {
			t.Fatalf("an authority's own entry: %v", err)
		}
	})
}

func FuzzRevocationList(f *testing.F) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(f, clock.Now, "QM")
	keeper := scheme.Keeper(f)
	good := der(f, scheme.CRL("QM"))
	f.Add(good)
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := keeper.OfferCRL(raw); err == nil && !bytes.Equal(raw, good) {
			t.Fatal("took a forged revocation list")
		} else if err != nil && pki.ReasonOf(err) == "" {
			t.Fatalf("refused without a reason: %v", err)
		}
	})
}

// Readers never wait and always see a whole moment, whatever is offered meanwhile.
func TestConcurrentOffersAndViews(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	keeper := openKeeper(t, t.TempDir(), scheme, clock)
	documents := []func() error{
		func() error { return keeper.OfferTrustList(scheme.TrustList()) },
		func() error { return keeper.OfferEntry(scheme.Entry("QM")) },
		func() error { return keeper.OfferEntry(scheme.Entry("QN")) },
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				for _, offer := range documents {
					if err := offer(); err != nil && pki.ReasonOf(err) != pki.ReasonUnknownState {
						t.Error(err)
					}
				}
				view := keeper.View()
				if got := len(view.Authorities()); got != 0 && view.TrustList() == nil {
					t.Errorf("%d authorities without a trust list", got)
				}
			}
		})
	}
	group.Wait()
	if got := len(keeper.View().Authorities()); got != 4 {
		t.Errorf("%d authorities in the end, want 4", got)
	}
}
