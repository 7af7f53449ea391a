package agent

import (
	"strings"
	"testing"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/schemas"
)

func (d *desk) orders(id schemas.MessageID) api.Translation {
	d.t.Helper()
	o, err := d.OrderTranslation(d.t.Context(), "officer-1", id, api.TranslationOrder{Language: "fr", DueOn: schemas.Date(d.now().AddDate(0, 0, 7).Format("2006-01-02"))})
	if err != nil {
		d.t.Fatal(err)
	}
	return o
}

func text(content string) api.TranslationText {
	return api.TranslationText{MediaType: "text/plain", Content: []byte(content)}
}

// A translation of a draft is a file of it: it undoes the approval, and one that names what the original hides holds the message.
func TestATranslationOfADraftIsReadAsItsOwnText(t *testing.T) {
	for _, test := range []struct {
		name, content string
		goes          bool
	}{
		{"a faithful one", "Prière de transmettre les relevés de compte.", true},
		{"one that says more", "La personne a déposé une demande d'asile et craint d'être persécutée.", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorldOf(t, qm, qn)
			d := w.desks[qm]
			m := d.write(draft(t, qn, "request", "", ""))
			o := d.orders(m.ID)
			if !strings.Contains(o.Text, "TESTPERSON ALPHA-01") {
				t.Error("the order does not hold the text")
			}
			if open, err := d.OpenTranslations(t.Context()); err != nil || len(open) != 1 || open[0].Order != o.Order || open[0].Text != "" {
				t.Errorf("%v: open orders %+v", err, open)
			}
			if _, err := d.AttachTranslation(t.Context(), "officer-2", o.Order, text(test.content)); err != nil {
				t.Fatalf("%v %+v", err, defectsOf(err))
			}
			if got := d.message(qm, m.ID); got.State != store.InReview || got.ApprovedBy != "" || hexOf(got.PayloadSHA256) == m.SHA256 {
				t.Fatalf("after the attachment it is %s, approved by %q", got.State, got.ApprovedBy)
			}
			if open, _ := d.OpenTranslations(t.Context()); len(open) > 0 {
				t.Errorf("open orders %+v", open)
			}
			_, err := d.AttachTranslation(t.Context(), "officer-2", o.Order, text(test.content))
			wantProblem(t, err, ReasonState)
			sha := hexOf(d.message(qm, m.ID).PayloadSHA256)
			if _, err := d.Approve(t.Context(), "officer-2", m.ID, sha, []byte("proof")); err == nil {
				t.Error("who attached the translation approved it")
			}
			if _, err := d.Approve(t.Context(), "approver", m.ID, sha, d.proof(t, "approver", api.SignApproval, m.ID, sha)); err != nil {
				t.Fatal(err)
			}
			d.seal(m.ID)
			if got := d.message(qm, m.ID); (got.State == store.Sent) != test.goes || !test.goes && got.State != store.UnderReview {
				t.Errorf("it is %s", got.State)
			}
			if !test.goes {
				if r := d.review(m.ID); r.Outcome == string(policy.Allow) || len(r.Rules) == 0 {
					t.Errorf("review: %+v", r)
				}
			}
		})
	}
}

// A translation of what was received stays beside it, for those who read it, and is known by its hash as an item of its sender's.
func TestATranslationOfWhatWasReceivedStaysBesideIt(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	sent := w.desks[qn].send(draft(t, qm, "request", "", ""))
	w.carry(t)
	o := d.orders(sent.ID)
	before := d.message(qn, sent.ID)
	done, err := d.AttachTranslation(t.Context(), "officer-1", o.Order, text("Une traduction."))
	if err != nil {
		t.Fatal(err)
	}
	found, err := d.Translations(t.Context(), sent.ID)
	if err != nil || len(found) != 1 || string(found[0].Content) != "Une traduction." || found[0].SHA256 != done.SHA256 {
		t.Errorf("%v %+v", err, found)
	}
	if after := d.message(qn, sent.ID); after.PayloadSHA256 != before.PayloadSHA256 || len(d.outgoing()) > 0 {
		t.Error("the message was changed, or something was sent")
	}
	err = d.store.View(t.Context(), func(tx *store.Tx) error {
		hash, _ := fileHash(done.SHA256)
		items, err := tx.MessagesWithItem(hash)
		if len(items) != 1 || items[0].ID != sent.ID {
			t.Errorf("the translation is known as an item of %d messages", len(items))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []api.TranslationText{{MediaType: "text/html", Content: []byte("x")}, {MediaType: "text/plain"}} {
		_, err := d.AttachTranslation(t.Context(), "officer-1", d.orders(sent.ID).Order, bad)
		wantProblem(t, err, api.ReasonRequest)
	}
}

// The text of a translation goes with the content of its case; that there was one stays.
func TestATranslationIsErasedWithItsCase(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	sent := w.desks[qn].send(draft(t, qm, "request", "", ""))
	w.carry(t)
	if _, err := d.AttachTranslation(t.Context(), "officer-1", d.orders(sent.ID).Order, text("Une traduction.")); err != nil {
		t.Fatal(err)
	}
	err := d.store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.EraseCase(store.Erasure{Case: sent.Case, Closed: d.now(), At: d.now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := d.Translations(t.Context(), sent.ID)
	if err != nil || len(found) != 1 || found[0].Content != nil || found[0].SHA256 == "" {
		t.Errorf("%v %+v", err, found)
	}
	_, err = d.OrderTranslation(t.Context(), "officer-1", sent.ID, api.TranslationOrder{Language: "fr", DueOn: "2099-01-01"})
	wantProblem(t, err, ReasonState)
}

// Of what was withheld nobody orders a translation, and what was left of one before is shown to nobody.
func TestWhatIsWithheldIsNotTranslated(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	d.take(w.desks[qn].forge(qm, information(t, "QM"), 1, envelope.Hash{}))
	m := d.received(qn)
	_, err := d.OrderTranslation(t.Context(), "officer-1", m.ID, api.TranslationOrder{Language: "fr", DueOn: "2099-01-01"})
	wantProblem(t, err, ReasonState)
	if !strings.Contains(err.Error(), "under-review") {
		t.Errorf("it says %q", err)
	}
	if found, err := d.Translations(t.Context(), m.ID); err != nil || len(found) > 0 {
		t.Errorf("%v %+v", err, found)
	}
}
