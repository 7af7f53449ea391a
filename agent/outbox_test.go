package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/store"
	"comity/pki/ca"
	"comity/pki/jose"
	"comity/pki/journal"
	"comity/schemas"
)

// acceptance is what a broker with this identity says of a parcel.
func acceptance(t *testing.T, by ca.Identity, typ jose.Typ, said schemas.Acceptance) []byte {
	t.Helper()
	body, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jose.Sign(by.Key, jose.Thumbprint(by.Certificate), typ, nil, body)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// Only the broker's own word, about exactly these bytes, is an acceptance.
func TestOnlyTheBrokersOwnAcceptanceCounts(t *testing.T) {
	w := newWorldOf(t, qm)
	m := w.desks[qm]
	p := &store.Parcel{ID: schemas.NewMessageID(), Peer: qn, Wire: []byte("sealed")}
	said := func(change func(*schemas.Acceptance)) schemas.Acceptance {
		a := schemas.Acceptance{From: qm, To: qn, ID: p.ID, SHA256: sha256Hex(p.Wire), AcceptedAt: w.clock.Now().Add(time.Second)}
		change(&a)
		return a
	}
	broker := w.scheme.Broker.Signing
	good := acceptance(t, broker, jose.TypAcceptance, said(func(*schemas.Acceptance) {}))
	if err := m.checkAcceptance(p, good); err != nil {
		t.Fatal(err)
	}
	if !m.compared.Load() || time.Duration(m.brokerAhead.Load()) != time.Second {
		t.Error("the broker's clock was not compared with ours")
	}
	const elsewhere = "speaks of something else"
	for name, test := range map[string]struct {
		acceptance []byte
		says       string
	}{
		"by an authority":     {acceptance(t, w.scheme.Authority(qn).Signing, jose.TypAcceptance, said(func(*schemas.Acceptance) {})), "unknown-broker"},
		"another document":    {acceptance(t, broker, jose.TypReceipt, said(func(*schemas.Acceptance) {})), "type"},
		"from another":        {acceptance(t, broker, jose.TypAcceptance, said(func(a *schemas.Acceptance) { a.From = qp })), elsewhere},
		"to another":          {acceptance(t, broker, jose.TypAcceptance, said(func(a *schemas.Acceptance) { a.To = qp })), elsewhere},
		"of another message":  {acceptance(t, broker, jose.TypAcceptance, said(func(a *schemas.Acceptance) { a.ID = schemas.NewMessageID() })), elsewhere},
		"of other bytes":      {acceptance(t, broker, jose.TypAcceptance, said(func(a *schemas.Acceptance) { a.SHA256 = sha256Hex(nil) })), elsewhere},
		"tampered":            {append(good[:len(good)-4:len(good)-4], "AAAA"...), "signature"},
		"nothing":             {nil, "malformed"},
		"an unsigned refusal": {[]byte(`{"refused":"quota"}`), "malformed"},
	} {
		if err := m.checkAcceptance(p, test.acceptance); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want an error about %q", name, err, test.says)
		}
	}
}

// A receipt may be faster than the broker's acceptance. The acceptance is evidence all the same.
func TestAnAcceptanceIsKeptThatComesAfterTheReceipt(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	sent := m.send(draft(t, qn, "request", "", ""))
	var p *store.Parcel
	err := m.store.View(t.Context(), func(tx *store.Tx) (err error) {
		p, err = tx.Parcel(sent.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.desks[qn].take(p.Wire)
	for _, receipt := range w.desks[qn].outgoing() {
		m.take(receipt.Wire)
	}
	if got := m.message(qm, sent.ID); got.State != store.Delivered || got.Acceptance != nil {
		t.Fatalf("%s, accepted by %q: the receipt was to be first", got.State, got.Acceptance)
	}
	home := m.logAt(journal.Home(qm)).Size
	said := schemas.Acceptance{From: qm, To: qn, ID: p.ID, SHA256: sha256Hex(p.Wire), AcceptedAt: w.clock.Now()}
	for range 2 { // the second is nothing new
		if err := m.answered(t.Context(), p, acceptance(t, w.scheme.Broker.Signing, jose.TypAcceptance, said), nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.message(qm, sent.ID); got.State != store.Delivered || got.Acceptance == nil {
		t.Errorf("%s, accepted by %q", got.State, got.Acceptance)
	}
	if grown := m.logAt(journal.Home(qm)).Size - home; grown != 1 {
		t.Errorf("%d leaves of the acceptance", grown)
	}
}

// What the broker refuses stays in the outbox: its number is used. What waiting may mend is tried again with growing
// pauses, anything else is an alarm at once, until it is taken.
func TestWhatTheBrokerRefusesStays(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	sent := m.send(draft(t, qn, "request", "", ""))
	row := func() *store.Parcel {
		t.Helper()
		var p *store.Parcel
		if err := m.store.View(t.Context(), func(tx *store.Tx) (err error) { p, err = tx.Parcel(sent.ID); return err }); err != nil {
			t.Fatal(err)
		}
		return p
	}
	refuse := func(reason schemas.RefusalReason) {
		t.Helper()
		p := row()
		if err := m.plan(t.Context(), p, func(tx *store.Tx, row *store.Parcel) error { return m.refusedByBroker(tx, row, reason) }); err != nil {
			t.Fatal(err)
		}
	}
	alarm := "broker-refuses " + string(sent.ID)
	for _, pause := range []time.Duration{1, 2, 4, 8} {
		refuse(schemas.RefusedQuota)
		if p := row(); !p.NextAt.Equal(w.clock.Now().Add(pause*time.Second)) || p.Refused != "quota" {
			t.Errorf("tried again in %s after %q, want %d s", p.NextAt.Sub(w.clock.Now()), p.Refused, pause)
		}
	}
	if up := m.alarms(); hasAlarm(up, alarm) {
		t.Errorf("alarms about a quota: %v", up)
	}
	for range 10 {
		refuse(schemas.RefusedRouteNotInForce)
	}
	if p := row(); p.NextAt.Sub(w.clock.Now()) != retryLast {
		t.Errorf("the pause has grown to %s, want %s", p.NextAt.Sub(w.clock.Now()), retryLast)
	}
	if up := m.alarms(); !hasAlarm(up, alarm) {
		t.Errorf("alarms about a route that is closed: %v", up)
	}
	w.clock.Advance(retryLast)
	w.carry(t)
	if up := m.alarms(); hasAlarm(up, alarm) {
		t.Errorf("alarms after it was taken: %v", up)
	}
	if got := m.message(qm, sent.ID); got.State != store.Delivered {
		t.Errorf("it is %s", got.State)
	}
}

// A receipt that the broker never takes is given up when its time is over: whoever waits for it asks by sending again.
func TestARefusedReceiptIsGivenUpInTheEnd(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	m.send(draft(t, qn, "request", "", ""))
	n.take(m.outgoing()[0].Wire)
	refuse := func() {
		t.Helper()
		err := n.store.Update(t.Context(), func(tx *store.Tx) error {
			due, err := tx.DueParcels(store.Ordinary, n.now(), 10)
			for _, p := range due {
				err = n.refusedByBroker(tx, p, schemas.RefusedRouteNotInForce)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	refuse()
	if depth := outboxDepth(t, n); depth != 1 {
		t.Errorf("%d rows after the first refusal, want 1", depth)
	}
	w.clock.Advance(receiptLife)
	refuse()
	if depth := outboxDepth(t, n); depth != 0 {
		t.Errorf("%d rows after its time, want none", depth)
	}
}

// The broker suppresses the same attempt for two minutes: a retry after a lost answer is one, what is sent again on
// purpose is not.
func TestAttemptsAreNamedApart(t *testing.T) {
	p := &store.Parcel{ID: schemas.NewMessageID()}
	if attemptOf(p) != p.ID {
		t.Error("the first attempt has another name than the message")
	}
	p.Attempts = 1
	if one, two := attemptOf(p), attemptOf(p); one == p.ID || one == two {
		t.Error("an attempt on purpose has the name of an earlier one")
	}
}

func TestPausesGrowWhileNoAnswerComes(t *testing.T) {
	var f failures
	one, other := schemas.NewMessageID(), schemas.NewMessageID()
	for want := range 3 {
		if got := f.again(one); got != want {
			t.Errorf("%d failures before, want %d", got, want)
		}
	}
	if got := f.again(other); got != 0 {
		t.Errorf("another message has %d failures before its first", got)
	}
	f.end(one)
	if got := f.again(one); got != 0 {
		t.Errorf("%d failures after an answer", got)
	}
	if got := backOff(retryFirst, retryLast, 100); got != retryLast {
		t.Errorf("the longest pause is %s", got)
	}
}
