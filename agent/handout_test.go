package agent

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/casefile"
	"comity/agent/people"
	"comity/schemas"
)

// toQP is a State's own rule about readers in QP alone: what goes to the peer of the case is stopped by neither.
const toQP = `
@id("NAT-01") @verdict("hold") @source("national law") @text("An urgent message is looked at before QP reads it.")
forbid (principal is Authority, action == Action::"send", resource is Message) when { resource.recipient.state == "QP" && resource.urgency == "urgent" };
@id("NAT-02") @verdict("block") @source("national law") @text("An immediate message is not for QP.")
forbid (principal is Authority, action == Action::"send", resource is Message) when { resource.recipient.state == "QP" && resource.urgency == "immediate" };
`

const court = "QP/justice"

func newHandoutWorld(t *testing.T) *world {
	t.Helper()
	return newRuledWorld(t, toQP)
}

// askFor asks for the file of a case for the court, and returns what an approver is told.
func (d *desk) askFor(in schemas.CaseID, by, reader string) ([]byte, error) {
	d.t.Helper()
	file, _, err := d.exportCase(by, in, api.CaseRequest{Reader: reader})
	return file, err
}

// theHandout is the one review of a case file that is open.
func (d *desk) theHandout() api.Handout {
	d.t.Helper()
	open, err := d.Handouts(d.t.Context())
	if err != nil || len(open) != 1 {
		d.t.Fatalf("open reviews of case files: %+v, %v", open, err)
	}
	return open[0]
}

func (d *desk) letOut(officer string, h api.Handout) error {
	d.t.Helper()
	_, err := d.ReleaseHandout(d.t.Context(), officer, h.ID, api.HandoutRelease{Digest: h.Digest}, []byte("proof"))
	return err
}

// aCaseOf is a case that begins with a request of one urgency.
func (w *world) aCaseOf(t *testing.T, urgency schemas.Urgency) schemas.CaseID {
	t.Helper()
	m := w.desks[qm].send(requestOf(t, urgency))
	w.carry(t)
	return m.Case
}

// Two officers release the file of a case for exactly one reader and exactly the messages that they have seen listed.
func TestTheFileOfACaseGoesOnceTwoOfficersReleasedIt(t *testing.T) {
	w := newHandoutWorld(t)
	d := w.desks[qm]
	in := w.aCaseOf(t, schemas.Urgent)
	d.exported(in, "QN/justice") // whoever else reads is no matter of this rule

	_, err := d.askFor(in, "approver", court)
	wantProblem(t, err, ReasonReview)
	h := d.theHandout()
	if h.Case != in || h.Reader != court || h.Outcome != "hold" || h.AskedBy != "approver" || h.Messages != 1 || len(h.Held) != 1 || !slices.Equal(h.Held[0].Rules, []string{"NAT-01"}) {
		t.Fatalf("%+v", h)
	}
	alerts, err := d.ProtectionAlerts(t.Context())
	if err != nil || len(alerts) != 1 || alerts[0].Kind != string(AlertHandout) || alerts[0].Subject != string(h.ID) {
		t.Errorf("alerts: %+v, %v", alerts, err)
	}
	wantProblem(t, d.EndProtectionAlert(t.Context(), "protection-1", string(AlertHandout), string(h.ID)), ReasonState)
	wantProblem(t, d.letOut("approver", h), ReasonFourEyes) // who asked
	other := h
	other.Digest = strings.Repeat("0", 64)
	wantProblem(t, d.letOut("protection-1", other), ReasonOtherBytes)
	for range 2 { // the same officer's second word is no second officer's
		if err := d.letOut("protection-1", h); err != nil {
			t.Fatal(err)
		}
		_, err = d.askFor(in, "approver", court)
		wantProblem(t, err, ReasonReview)
	}
	if err := d.letOut("protection-2", h); err != nil {
		t.Fatal(err)
	}
	_, err = d.askFor(in, "protection-2", court)
	wantProblem(t, err, ReasonFourEyes)
	file, err := d.askFor(in, "approver", court)
	if err != nil {
		t.Fatal(err)
	}
	verdict := casefile.Verify(strings.NewReader(string(file)), int64(len(file)), &w.scheme.Pin)
	if verdict.Defects > 0 || verdict.Reader != court {
		t.Errorf("%+v", verdict)
	}
	if alerts, err = d.ProtectionAlerts(t.Context()); err != nil || len(alerts) > 0 {
		t.Errorf("alerts: %+v, %v", alerts, err)
	}
	// No other reader, not even in the same State.
	_, err = d.askFor(in, "approver", "QP")
	wantProblem(t, err, ReasonReview)
	if h := d.theHandout(); h.Reader != "QP" || len(h.ReleasedBy) > 0 {
		t.Errorf("%+v", h)
	}
	// And no other message, though nothing stands in that one's own way.
	d.send(draft(t, qn, "status-query", in, ""))
	w.carry(t)
	_, err = d.askFor(in, "approver", court)
	wantProblem(t, err, ReasonReview)
	open, err := d.Handouts(t.Context())
	if err != nil || len(open) != 2 {
		t.Fatalf("%+v, %v", open, err)
	}
	again := open[slices.IndexFunc(open, func(o api.Handout) bool { return o.Reader == court })]
	if again.ID != h.ID || again.Digest == h.Digest || again.Messages != 2 || len(again.ReleasedBy) > 0 {
		t.Errorf("%+v", again)
	}
	wantProblem(t, d.letOut("protection-1", h), ReasonOtherBytes) // the words of then
}

// Hold, block and a block that was decided on look the same to who asked, and nothing releases a block.
func TestAnApproverIsToldNothingOfWhyACaseFileWaits(t *testing.T) {
	w := newHandoutWorld(t)
	d := w.desks[qm]
	held, blocked := w.aCaseOf(t, schemas.Urgent), w.aCaseOf(t, schemas.Immediate)
	told := func(in schemas.CaseID) string {
		t.Helper()
		_, err := d.askFor(in, "approver", court)
		wantProblem(t, err, ReasonReview)
		text, jsonErr := json.Marshal(err)
		if jsonErr != nil {
			t.Fatal(jsonErr)
		}
		return strings.ReplaceAll(string(text), string(in), "CASE")
	}
	hold := told(held)
	if got := told(blocked); got != hold {
		t.Errorf("told %s of a block, %s of a hold", got, hold)
	}
	open, err := d.Handouts(t.Context())
	if err != nil || len(open) != 2 {
		t.Fatal(open, err)
	}
	block := open[slices.IndexFunc(open, func(o api.Handout) bool { return o.Case == blocked })]
	if block.Outcome != "block" {
		t.Fatalf("%+v", block)
	}
	wantProblem(t, d.letOut("protection-1", block), ReasonBlocked)
	if _, err := d.BlockHandout(t.Context(), "protection-1", block.ID); err != nil {
		t.Fatal(err)
	}
	if got := told(blocked); got != hold {
		t.Errorf("told %s once it is blocked for good", got)
	}
	// One officer has released the other: still the same.
	other := d.theHandout()
	if err := d.letOut("protection-1", other); err != nil {
		t.Fatal(err)
	}
	if got := told(held); got != hold {
		t.Errorf("told %s after one word", got)
	}
	// What is returned is returned with the same words, whichever it was, and asking again opens nothing.
	for _, id := range []schemas.MessageID{block.ID, other.ID} {
		if _, err := d.ReturnHandout(t.Context(), "protection-1", id); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := told(held), told(blocked); a != b || a == hold {
		t.Errorf("told %s, and %s", a, b)
	}
	if open, err := d.Handouts(t.Context()); err != nil || len(open) > 0 {
		t.Errorf("%+v, %v", open, err)
	}
	// Nothing of it is in the log, and every step has its leaf in the home log.
	for _, word := range []string{court, "NAT-0", string(block.ID)} {
		if strings.Contains(w.log.String(), word) {
			t.Errorf("the log holds %q", word)
		}
	}
	report, err := d.VerifyJournal(t.Context(), nil)
	if err != nil || len(report.Defects) > 0 {
		t.Errorf("%+v, %v", report.Defects, err)
	}
}

// A message that was withheld on arrival is in nobody's file, whoever releases it.
func TestWhatIsWithheldIsNotReleasedWithTheFile(t *testing.T) {
	w := newHandoutWorld(t)
	d := w.desks[qn]
	in := w.tell(t, qm, qn, 1)[0].Case
	d.quarantine(qm, 1)
	_, err := d.askFor(in, "approver", "QN")
	wantProblem(t, err, ReasonReview)
	h := d.theHandout()
	wantProblem(t, d.letOut("protection-1", h), ReasonBlocked)
	if len(h.Held) != 1 || h.Held[0].Why != whyWithheld {
		t.Errorf("%+v", h)
	}
}

// One officer and who stands in for them are one, and who stands in for the one who asked is no other person either.
func TestADeputyIsNoSecondOfficerForACaseFile(t *testing.T) {
	w := newHandoutWorld(t)
	d := w.desks[qm]
	d.hasAccounts(t, map[string]people.Role{
		"approver": people.Approver, "protection-1": people.ProtectionOfficer, "protection-2": people.ProtectionOfficer, "protection-3": people.ProtectionOfficer,
	})
	in := w.aCaseOf(t, schemas.Urgent)
	_, err := d.askFor(in, "approver", court)
	wantProblem(t, err, ReasonReview)
	h := d.theHandout()
	for person, deputy := range map[string]string{"approver": "protection-3", "protection-1": "protection-2"} {
		absence := api.Absence{Person: person, Deputy: deputy, From: d.now(), To: d.now().Add(time.Hour)}
		if _, err := d.PutAbsence(t.Context(), "key-officer", absence); err != nil {
			t.Fatal(err)
		}
	}
	wantProblem(t, d.letOut("protection-3", h), ReasonFourEyes) // stands in for who asked
	if err := d.letOut("protection-1", h); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, d.letOut("protection-2", h), ReasonFourEyes) // stands in for who released
	if _, err := d.EndAbsence(t.Context(), "key-officer", "approver"); err != nil {
		t.Fatal(err)
	}
	if err := d.letOut("protection-3", h); err != nil {
		t.Fatal(err)
	}
	_, err = d.askFor(in, "protection-2", court) // stands in for who released
	wantProblem(t, err, ReasonFourEyes)
	if _, err := d.askFor(in, "approver", court); err != nil {
		t.Error(err)
	}
}
