package agent

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/register"
	"comity/agent/store"
	"comity/schemas"
)

// information is spontaneous information about one person, to be kept from some States.
func information(t *testing.T, protectFrom ...any) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(schemas.Example("mla.spontaneous-information/1"), &object); err != nil {
		t.Fatal(err)
	}
	delete(object, "protect_from")
	if len(protectFrom) > 0 {
		object["protect_from"] = protectFrom
	}
	object["subjects"] = []any{map[string]any{"ref": "p1", "role": "victim", "identity": map[string]any{"names": []any{"TESTPERSON GOLF-07"}, "nationalities": []any{"QP"}}}}
	encoded, err := schemas.Canonical(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// outgoingKinds is what waits in a desk's outbox.
func (d *desk) outgoingKinds() (kinds []store.Kind) {
	d.t.Helper()
	err := d.store.View(d.t.Context(), func(tx *store.Tx) error {
		for _, lane := range []store.Lane{store.Express, store.Ordinary} {
			due, err := tx.DueParcels(lane, d.now(), 100)
			if err != nil {
				return err
			}
			for _, p := range due {
				kinds = append(kinds, p.Kind)
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return kinds
}

func (d *desk) alertsUp() (up []string) {
	d.t.Helper()
	alerts, err := d.ProtectionAlerts(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, a := range alerts {
		up = append(up, a.Kind)
	}
	return up
}

func (d *desk) received(from schemas.AuthorityID) *store.Message {
	d.t.Helper()
	found, err := d.Messages(d.t.Context(), api.Query{Peer: from})
	if err != nil || len(found) == 0 {
		d.t.Fatalf("messages of %s: %v, %v", from, found, err)
	}
	return d.message(from, found[0].ID)
}

// A peer sends what should never have come here. It gets its receipt like for anything else, and the notice; nobody but the
// protection officers reads it, until two of them say so.
func TestWhatShouldNotHaveComeIsQuarantined(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	d.take(w.desks[qn].forge(qm, information(t, "QM"), 1, envelope.Hash{}))

	if got := d.outgoingKinds(); !slices.Equal(got, []store.Kind{store.KindReceipt, store.KindBreach}) {
		t.Errorf("the outbox holds %v", got)
	}
	m := d.received(qn)
	shown, err := d.Message(t.Context(), string(m.ID))
	if err != nil || shown.State != "under-review" || !shown.Withheld {
		t.Errorf("shown as %s, withheld %v, %v", shown.State, shown.Withheld, err)
	}
	if got := d.alertsUp(); !slices.Equal(got, []string{string(AlertQuarantined)}) {
		t.Errorf("alerts %v", got)
	}
	for i, want := range []store.Screening{store.ScreenQuarantined, store.ScreenClear} {
		if _, err := d.ClearWithheld(t.Context(), []string{"protection-1", "protection-2"}[i], m.ID, []byte("proof")); err != nil {
			t.Fatal(err)
		}
		if got := d.message(qn, m.ID).Screening; got != want {
			t.Errorf("after %d officers: %s, want %s", i+1, got, want)
		}
	}
	if got := d.alertsUp(); len(got) > 0 {
		t.Errorf("alerts after it was cleared: %v", got)
	}
}

// The sender's protection officers learn of a notice about a message that they did send, and of no other.
func TestABreachNoticeReachesTheProtectionOfficers(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	sent := w.desks[qm].send(draft(t, qn, "request", "", ""))
	w.carry(t)
	notice := func(b envelope.Breach) {
		t.Helper()
		d := w.desks[qn]
		to, err := d.trust.View().EncryptionKey(qm, d.now())
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := envelope.SealBreach(envelope.Header{From: qn, To: qm, Channel: "mla", ID: schemas.NewMessageID(), SentAt: d.now()}, b, d.signer(), to)
		if err != nil {
			t.Fatal(err)
		}
		w.desks[qm].take(sealed.Wire)
	}
	notice(envelope.Breach{ID: sent.ID, Seq: 1, JWS: envelope.Hash{1}})
	if got := w.desks[qm].alertsUp(); len(got) > 0 {
		t.Errorf("a notice about other bytes raised %v", got)
	}
	if got := w.desks[qm].alarms(); !slices.Contains(got, string(AlarmReceipt)+" 1") {
		t.Errorf("a notice about other bytes: alarms %v", got)
	}
	notice(envelope.Breach{ID: sent.ID, Seq: 1, JWS: envelope.Hash(sent.JWSSHA256)})
	if got := w.desks[qm].alertsUp(); !slices.Equal(got, []string{string(AlertBreach)}) {
		t.Errorf("alerts %v", got)
	}
}

// A label that arrives sticks to the person: our register knows them from then on.
func TestALabelSticksToThePerson(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	d.take(w.desks[qn].forge(qm, information(t, "QP"), 1, envelope.Hash{}))
	if got := d.received(qn).Screening; got != store.ScreenClear {
		t.Fatalf("screening %s", got)
	}
	if got := d.outgoingKinds(); !slices.Equal(got, []store.Kind{store.KindReceipt}) {
		t.Errorf("the outbox holds %v", got)
	}
	answer, err := d.register.Look(t.Context(), register.Question{Persons: []schemas.Identity{{Names: []string{"TESTPERSON GOLF-07"}}}})
	if err != nil || len(answer.Persons[0]) != 1 {
		t.Fatalf("answer %+v, %v", answer, err)
	}
	if m := answer.Persons[0][0]; m.Status != register.Labelled || !slices.Contains(m.Origins, schemas.StateCode("QP")) {
		t.Errorf("registered as %s from %v", m.Status, m.Origins)
	}
}

// A label that cannot be registered keeps the message unread, and the receipt does not wait for it.
func TestAMessageWaitsUnreadForTheRegister(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	working := d.register
	d.register = &guardedRegister{}
	d.take(w.desks[qn].forge(qm, information(t, "QP"), 1, envelope.Hash{}))
	if got := d.outgoingKinds(); !slices.Equal(got, []store.Kind{store.KindReceipt}) {
		t.Errorf("the outbox holds %v", got)
	}
	m := d.received(qn)
	if shown, err := d.Message(t.Context(), string(m.ID)); err != nil || !shown.Withheld || m.Screening != store.ScreenClearing {
		t.Errorf("withheld %v, screening %s, %v", shown.Withheld, m.Screening, err)
	}
	d.register = working
	d.labels()
	if got := d.received(qn).Screening; got != store.ScreenClear {
		t.Errorf("once the register is back: %s", got)
	}
}

// What a peer is told of a breach follows from its own message alone: it does not wait for the register, and comes once.
func TestABreachIsToldWithoutTheRegister(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	working := d.register
	d.register = &guardedRegister{}
	d.take(w.desks[qn].forge(qm, information(t, "QM"), 1, envelope.Hash{}))
	if got := d.outgoingKinds(); !slices.Equal(got, []store.Kind{store.KindReceipt, store.KindBreach}) {
		t.Errorf("the outbox holds %v", got)
	}
	if got := d.received(qn).Screening; got != store.ScreenQuarantining {
		t.Errorf("without the register: %s", got)
	}
	d.register = working
	d.labels()
	if got := d.received(qn).Screening; got != store.ScreenQuarantined {
		t.Errorf("once the register is back: %s", got)
	}
	if got := d.outgoingKinds(); !slices.Equal(got, []store.Kind{store.KindReceipt, store.KindBreach}) {
		t.Errorf("once the register is back, the outbox holds %v", got)
	}
}

func (d *desk) labels() {
	d.t.Helper()
	if err := d.labelWaiting(d.t.Context()); err != nil {
		d.t.Fatalf("%s labelling: %v", d.me, err)
	}
}

// ASY-14: a person of an open case comes under protection. The officers are told; nothing is sent.
func TestACaseIsLookedAtAgainWhenTheRegisterChanges(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	d.take(w.desks[qn].forge(qm, information(t), 1, envelope.Hash{}))
	w.carry(t)
	look := func() {
		t.Helper()
		r, err := d.register.get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d.lookAtRegister(t.Context(), r, nil)
	}
	look()
	if got := d.alertsUp(); len(got) > 0 {
		t.Fatalf("before any change: %v", got)
	}
	for _, feared := range []struct {
		states string
		want   []string
	}{{`["QP"]`, nil}, {`["QN"]`, []string{string(AlertCase)}}} {
		record := `{"names":["TESTPERSON GOLF-07"],"ref":"g7","status":"pending","feared_states":` + feared.states + `}`
		if _, err := d.PutRegister(t.Context(), "protection-1", []byte(record)); err != nil {
			t.Fatal(err)
		}
		look()
		if got := d.alertsUp(); !slices.Equal(got, feared.want) {
			t.Errorf("feared States %s: alerts %v, want %v", feared.states, got, feared.want)
		}
		if got := d.outgoingKinds(); len(got) > 0 {
			t.Errorf("feared States %s: the outbox holds %v", feared.states, got)
		}
	}
}
