package agent

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/pki"
	"comity/pki/journal"
	"comity/schemas"
)

// disconnect makes every authority of a State one that is not connected, or with connected the one that the scheme had.
func (w *world) disconnect(t *testing.T, state schemas.StateCode, kind pki.Kind) {
	t.Helper()
	w.scheme.EditEntry(t, state, func(rows []pki.Authority) {
		for i := range rows {
			rows[i].Kind = kind
		}
	})
	w.publish(t)
}

// newPaperWorld is a world in which QP is not connected.
func newPaperWorld(t *testing.T) (*world, *desk) {
	t.Helper()
	w := newWorldOf(t, qm, qn)
	w.disconnect(t, "QP", pki.KindNotConnected)
	return w, w.desks[qm]
}

// cleared writes a message on paper up to where somebody prints it.
func (d *desk) cleared(content []byte) api.Message {
	d.t.Helper()
	m := d.write(content)
	d.seal(m.ID)
	if got := d.message(d.me, m.ID); got.State != store.ToPrint {
		d.t.Fatalf("message is %s %s, not to be printed", got.State, got.Reason)
	}
	return m
}

func (d *desk) print(m api.Message, means string) (api.Letter, error) {
	d.t.Helper()
	return d.PrintLetter(d.t.Context(), "officer-1", m.ID, api.Printing{SHA256: m.SHA256, Means: means})
}

// givenAway is a letter that was printed.
func (d *desk) givenAway(content []byte) (api.Message, api.Letter) {
	d.t.Helper()
	m := d.cleared(content)
	l, err := d.print(m, "post")
	if err != nil {
		d.t.Fatal(err)
	}
	return m, l
}

// leaves is how many leaves the logs have that a peer sees, and the home log.
func (d *desk) leaves() (shared, home int64) {
	d.t.Helper()
	err := d.store.View(d.t.Context(), func(tx *store.Tx) error {
		logs, err := tx.Logs()
		for _, log := range logs {
			size, err := tx.LogSize(log)
			if err != nil {
				return err
			}
			if log == journal.Home(d.me) {
				home = size
			} else {
				shared += size
			}
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return shared, home
}

func TestALetterForWhoIsNotConnected(t *testing.T) {
	w, d := newPaperWorld(t)
	m := d.cleared(draft(t, qp, "request", "", ""))
	if d.state(m.Case) != "" {
		t.Error("the case counts as sent before anybody printed the letter")
	}
	for _, wrong := range []struct {
		printing api.Printing
		reason   string
	}{
		{api.Printing{SHA256: m.SHA256}, api.ReasonRequest},
		{api.Printing{SHA256: m.SHA256, Means: "fax"}, api.ReasonRequest},
		{api.Printing{SHA256: strings.Repeat("0", 64), Means: "post"}, ReasonOtherBytes},
	} {
		_, err := d.PrintLetter(t.Context(), "officer-1", m.ID, wrong.printing)
		wantProblem(t, err, wrong.reason)
	}
	_, before := d.leaves()
	l, err := d.print(m, "diplomatic-bag")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256([]byte(l.Text)); l.SHA256 != hexOf(sum) || l.Person != "officer-1" || l.Means != "diplomatic-bag" || !l.At.Equal(w.clock.Now()) {
		t.Errorf("the letter: %+v", l)
	}
	for _, part := range []string{"(QM/justice)", "(QP/justice)", string(m.ID), string(m.Case), "TESTPERSON ALPHA-01", "purpose:"} {
		if !strings.Contains(l.Text, part) {
			t.Errorf("the letter does not say %q:\n%s", part, l.Text)
		}
	}
	for _, private := range []string{"officer-1", "approver", "risk_assessment", "necessity"} {
		if strings.Contains(l.Text, private) {
			t.Errorf("the letter says %q", private)
		}
	}
	// It counts, and the deadlines run from when it was given away.
	if got := d.state(m.Case); got != "sent" {
		t.Errorf("the case is %q", got)
	}
	if got := d.stages(m.Case)["acknowledgement QP/justice"]; got != "running" {
		t.Errorf("stages: %v", d.stages(m.Case))
	}
	sent := d.message(qm, m.ID)
	if sent.State != store.Dispatched || sent.Seq != 0 || sent.Paper != 1 || sent.Wire != nil || sent.JWS != nil {
		t.Errorf("message: %s, number %d, paper %d, sealed %t", sent.State, sent.Seq, sent.Paper, sent.Wire != nil)
	}
	// Nothing of it is anywhere that a peer or the broker sees; at home there is one leaf more.
	if shared, home := d.leaves(); shared != 0 || home != before+1 {
		t.Errorf("%d leaves in logs of peers, %d more at home", shared, home-before)
	}
	if got := d.outgoing(); len(got) > 0 {
		t.Errorf("the outbox holds %d", len(got))
	}
	// It is printed once, and shown again as it was.
	_, err = d.print(m, "post")
	wantProblem(t, err, ReasonState)
	again, err := d.Letter(t.Context(), m.ID)
	if err != nil || again != l {
		t.Errorf("again: %v %+v", err, again)
	}
	file, err := d.Case(t.Context(), string(m.Case))
	if err != nil || !file.OnPaper || !file.Messages[0].OnPaper || file.Messages[0].Paper.LetterSHA256 != l.SHA256 || len(file.Messages[0].Steps) > 0 {
		t.Errorf("the case: %v %+v", err, file)
	}
	_, err = d.ExportCase(t.Context(), "approver", string(m.Case), "QP/justice")
	wantProblem(t, err, ReasonState)
	w.clock.Advance(30 * 24 * time.Hour)
	w.renew(t)
	d.chores()
	if got := d.message(qm, m.ID); got.State != store.Dispatched {
		t.Errorf("a month on it is %s", got.State)
	}
	if got := d.transportAlarms(); len(got) > 0 {
		t.Errorf("alarms: %v", got)
	}
}

// Whoever has the database to themselves changes no letter without being found out.
func TestALetterStandsInTheJournal(t *testing.T) {
	_, d := newPaperWorld(t)
	m := d.cleared(draft(t, qp, "request", "", ""))
	if _, err := d.print(m, "diplomatic-bag"); err != nil {
		t.Fatal(err)
	}
	if got := d.verified(d.checkpoint("")); len(got) > 0 {
		t.Fatalf("defects of an honest journal: %v", got)
	}
	report, err := d.VerifyJournal(t.Context(), nil)
	if err != nil || report.Documents != 1 || report.Approvals != 1 {
		t.Errorf("%v: %d documents, %d approvals", err, report.Documents, report.Approvals)
	}
	d.edit(t, [2][]byte{[]byte("diplomatic-bag"), []byte("diplomatic-bog")})
	if got := d.verified(""); len(got) != 1 || got[0] != "evidence-missing 0" {
		t.Errorf("after a change of how it was given away: %v", got)
	}
}

// What was cleared is decided on again when it is printed: who came under protection meanwhile is not given away, and a letter that
// two officers released is.
func TestTheRulesAreAskedWhenALetterIsPrinted(t *testing.T) {
	_, d := newPaperWorld(t)
	m := d.cleared(draft(t, qp, "request", "", ""))
	record := `{"names":["TESTPERSON ALPHA-01"],"ref":"a1","status":"pending","feared_states":["QP"]}`
	if _, err := d.PutRegister(t.Context(), "protection-1", []byte(record)); err != nil {
		t.Fatal(err)
	}
	_, err := d.print(m, "post")
	wantProblem(t, err, ReasonState)
	if got := d.message(qm, m.ID); got.State != store.UnderReview || got.Paper != 0 {
		t.Fatalf("it is %s", got.State)
	}
	if d.state(m.Case) != "" {
		t.Error("the case counts as sent")
	}
	r := d.review(m.ID)
	if r.Outcome != string(policy.Hold) {
		t.Fatalf("%s by %v: %s", r.Outcome, r.Rules, r.Why)
	}
	if _, err := d.print(m, "post"); err == nil {
		t.Error("a letter under review was printed")
	}
	if err := d.letGo("protection-1", r, "It is needed."); err != nil {
		t.Fatal(err)
	}
	d.seal(m.ID)
	if _, err := d.print(m, "post"); err == nil {
		t.Error("one officer's word was enough")
	}
	if err := d.letGo("protection-2", r, "It is needed."); err != nil {
		t.Fatal(err)
	}
	d.seal(m.ID)
	if _, err := d.print(m, "post"); err != nil {
		t.Errorf("what two officers released: %v", err)
	}
}

// Held for paper and held for the wire are one thing to everybody but the protection officers.
func TestALetterUnderReviewLooksLikeAnyMessage(t *testing.T) {
	w := newRuledWorld(t, holding)
	w.disconnect(t, "QP", pki.KindNotConnected)
	d := w.desks[qm]
	var shown [][]byte
	for _, to := range []schemas.AuthorityID{qn, qp} {
		content := strings.Replace(string(requestOf(t, schemas.Urgent)), `"QN/justice"`, `"`+string(to)+`"`, 1)
		m := d.stopped([]byte(content))
		one, err := d.Message(t.Context(), string(m.ID))
		if err != nil {
			t.Fatal(err)
		}
		one.ID, one.To, one.Case, one.Payload, one.SHA256, one.Files = "", "", "", nil, "", nil
		encoded, err := json.Marshal(one, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, encoded)
	}
	if string(shown[0]) != string(shown[1]) {
		t.Errorf("%s\n%s", shown[0], shown[1])
	}
}

func TestWhatDoesNotGoOnPaper(t *testing.T) {
	w, d := newPaperWorld(t)
	_, err := d.Draft(t.Context(), "officer-1", draft(t, qp, "jit.proposal", "", ""))
	if err == nil {
		t.Error("an item of a team was drafted for paper")
	}
	// An edit, and giving it up, undo what was cleared.
	m := d.cleared(draft(t, qp, "request", "", ""))
	edited, err := d.Edit(t.Context(), "officer-1", m.ID, draft(t, qp, "request", "", "", func(b map[string]any) { b["purpose"] = "Another purpose." }))
	if err != nil || edited.State != string(store.InReview) || edited.ApprovedBy != "" {
		t.Errorf("edited: %v %+v", err, edited)
	}
	_, err = d.print(edited, "post")
	wantProblem(t, err, ReasonState)
	given := d.cleared(draft(t, qp, "request", "", ""))
	if _, err := d.Discard(t.Context(), "officer-1", given.ID); err != nil {
		t.Error(err)
	}
	_, err = d.print(given, "post")
	wantProblem(t, err, ReasonState)
	// Who was connected meanwhile is written to over Comity, and a case that stands on paper does not go on there.
	begun, _ := d.givenAway(draft(t, qp, "request", "", ""))
	waits := d.cleared(draft(t, qp, "request", "", ""))
	w.disconnect(t, "QP", pki.KindCentralAuthority)
	_, err = d.print(waits, "post")
	wantProblem(t, err, ReasonState)
	d.seal(waits.ID)
	if got := d.message(qm, waits.ID); got.State != store.Sent || got.Seq != 1 {
		t.Errorf("to who is connected by now: %s, number %d", got.State, got.Seq)
	}
	_, err = d.Draft(t.Context(), "officer-1", draft(t, qp, "status-query", begun.Case, ""))
	wantProblem(t, err, ReasonCase)
}

// A live alert leaves with one signature because somebody stands at the crossing. A letter is not that.
func TestNobodySignsALetterAlone(t *testing.T) {
	w := newWorldOf(t, "QM/border", "QN/border")
	w.disconnect(t, "QP", pki.KindNotConnected)
	d := w.desks["QM/border"]
	content := draft(t, "QP/border", "border.alert", "", "", func(b map[string]any) {
		b["expires_at"] = w.clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	})
	made, err := d.Draft(t.Context(), "officer-1", content)
	if err != nil {
		t.Fatalf("%v %+v", err, defectsOf(err))
	}
	m := made[0]
	_, err = d.SignAlone(context.Background(), "officer-1", m.ID, m.SHA256, d.proof(t, "officer-1", api.SignAlone, m.ID, m.SHA256))
	wantProblem(t, err, ReasonFourEyes)
}
