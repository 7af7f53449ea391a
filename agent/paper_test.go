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
	_, _, err = d.exportCase("approver", m.Case, api.CaseRequest{Reader: "QP/justice"})
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

// paperFrom is what a registrar writes down of a letter.
func (w *world) paperFrom(t *testing.T, from, to schemas.AuthorityID, name string, in schemas.CaseID, reply schemas.MessageID, change ...func(object map[string]any)) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(draft(t, to, name, in, reply), &object); err != nil {
		t.Fatal(err)
	}
	today := w.clock.Now().UTC().Format(time.DateOnly)
	delete(object, "home")
	object["from"] = string(from)
	object["paper"] = map[string]any{"dated": today, "received_on": today, "means": "post", "national_ref": "II-204/26"}
	for _, c := range change {
		c(object)
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// registers registers a paper and lets it be screened.
func (d *desk) registers(content []byte) *store.Message {
	d.t.Helper()
	m, err := d.RegisterPaper(d.t.Context(), "registrar", content)
	if err != nil {
		d.t.Fatalf("%v %+v", err, defectsOf(err))
	}
	if err := d.screenWaiting(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	_ = d.labelWaiting(d.t.Context())
	return d.message(m.From, m.ID)
}

// A request comes on paper, is acknowledged on paper, and the sender withdraws it on paper: the case goes its way as any other.
func TestAPaperRequestIsACase(t *testing.T) {
	w, d := newPaperWorld(t)
	came := d.registers(w.paperFrom(t, qp, qm, "request", "", ""))
	if came.State != store.Received || came.Screening != store.ScreenClear || came.Paper != 1 || came.Seq != 0 {
		t.Fatalf("it is %s, %s, paper %d, number %d", came.State, came.Screening, came.Paper, came.Seq)
	}
	if got := d.state(came.Case); got != "sent" {
		t.Errorf("the case is %q", got)
	}
	if got := d.stages(came.Case)["acknowledgement QM/justice"]; got != "running" {
		t.Errorf("stages: %v", d.stages(came.Case))
	}
	_, answer := d.givenAway(draft(t, qp, "acknowledgement", came.Case, came.ID))
	if got := d.state(came.Case); got != "acknowledged" || !strings.Contains(answer.Text, string(came.ID)) {
		t.Errorf("after the answer the case is %q", got)
	}
	if got := d.stages(came.Case)["acknowledgement QM/justice"]; got != "done" {
		t.Errorf("stages: %v", d.stages(came.Case))
	}
	query := d.registers(w.paperFrom(t, qp, qm, "status-query", came.Case, ""))
	if query.Paper != 2 || query.Seen != 1 {
		t.Errorf("the second letter stands at %d and has seen %d", query.Paper, query.Seen)
	}
	d.registers(w.paperFrom(t, qp, qm, "withdrawal", came.Case, "", func(o map[string]any) { accepting("withdrawal")(o["body"].(map[string]any)) }))
	if got := d.state(came.Case); got != "withdrawn" {
		t.Errorf("after the withdrawal the case is %q", got)
	}
	// A letter that the case does not take is not registered in it.
	_, err := d.RegisterPaper(t.Context(), "registrar", w.paperFrom(t, qp, qm, "decision", came.Case, came.ID))
	if err == nil {
		t.Error("the requesting side decided on its own request")
	}
	file, err := d.Case(t.Context(), string(came.Case))
	if err != nil || !file.OnPaper {
		t.Fatalf("%v, on paper %t", err, file.OnPaper)
	}
	for _, m := range file.Messages {
		if !m.OnPaper || len(m.Steps) > 0 || !m.StoredAt.IsZero() {
			t.Errorf("%s %s: on paper %t, proved %v, stored %v", m.From, m.Type, m.OnPaper, m.Steps, m.StoredAt)
		}
	}
	_, _, err = d.exportCase("approver", came.Case, api.CaseRequest{Reader: "QM/justice"})
	wantProblem(t, err, ReasonState)
	if shared, _ := d.leaves(); shared != 0 || len(d.outgoing()) > 0 {
		t.Errorf("%d leaves in logs of peers", shared)
	}
	if got := d.verified(""); len(got) > 0 {
		t.Errorf("the journal: %v", got)
	}
}

// Nobody writes down a letter in the name of who signs their own, and what is written down is whole and not from tomorrow.
func TestWhatIsNotRegisteredAsPaper(t *testing.T) {
	w, d := newPaperWorld(t)
	head := func(member, value string) func(map[string]any) {
		return func(o map[string]any) { o["paper"].(map[string]any)[member] = value }
	}
	set := func(member string, value any) func(map[string]any) {
		return func(o map[string]any) { o[member] = value }
	}
	day := func(offset int) string { return w.clock.Now().AddDate(0, 0, offset).UTC().Format(time.DateOnly) }
	tests := []struct {
		name    string
		content []byte
		reason  string
	}{
		{"a connected authority", w.paperFrom(t, qn, qm, "request", "", ""), ReasonRecipient},
		{"the own authority", w.paperFrom(t, qm, qm, "request", "", ""), ReasonRecipient},
		{"another of the own State", w.paperFrom(t, "QM/border", qm, "request", "", ""), ReasonRecipient},
		{"nobody", w.paperFrom(t, "QZ/justice", qm, "request", "", ""), ReasonRecipient},
		{"no sender", w.paperFrom(t, "", qm, "request", "", ""), ReasonInvalid},
		{"for another authority", w.paperFrom(t, qp, qn, "request", "", ""), ReasonInvalid},
		{"an item of a team", w.paperFrom(t, qp, qm, "jit.proposal", "", ""), ReasonRecipient},
		{"no such case", w.paperFrom(t, qp, qm, "status-query", schemas.CaseOpenedBy(qp, qm, schemas.NewMessageID()), ""), ReasonCase},
		{"came tomorrow", w.paperFrom(t, qp, qm, "request", "", "", head("received_on", day(2))), ReasonInvalid},
		{"came before it was written", w.paperFrom(t, qp, qm, "request", "", "", head("received_on", day(-3))), ReasonInvalid},
		{"no date", w.paperFrom(t, qp, qm, "request", "", "", head("dated", "")), ReasonInvalid},
		{"by fax", w.paperFrom(t, qp, qm, "request", "", "", head("means", "fax")), ReasonInvalid},
		{"no reference", w.paperFrom(t, qp, qm, "request", "", "", head("national_ref", "")), ReasonInvalid},
		{"a long reference", w.paperFrom(t, qp, qm, "request", "", "", head("national_ref", strings.Repeat("x", 101))), ReasonInvalid},
		{"more than there is", w.paperFrom(t, qp, qm, "request", "", "", head("signature", "x")), ReasonInvalid},
		{"records of a draft", w.paperFrom(t, qp, qm, "request", "", "", set("home", map[string]any{})), ReasonInvalid},
		{"no body", w.paperFrom(t, qp, qm, "request", "", "", set("body", map[string]any{})), ReasonInvalid},
		{"no object", []byte(`[]`), ReasonInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := d.RegisterPaper(t.Context(), "registrar", test.content)
			wantProblem(t, err, test.reason)
		})
	}
	if _, home := d.leaves(); home != 0 {
		t.Errorf("%d leaves at home of what was not registered", home)
	}
}

// What must never have come to this State is withheld also where it came on paper. No notice goes to whoever is not connected.
func TestAPaperIsScreenedAsAnyMessage(t *testing.T) {
	w, d := newPaperWorld(t)
	var object map[string]any
	if err := json.Unmarshal(information(t, "QM"), &object); err != nil {
		t.Fatal(err)
	}
	whole := w.paperFrom(t, qp, qm, "request", "", "", func(o map[string]any) {
		for member := range o {
			if member != "from" && member != "to" && member != "paper" {
				delete(o, member)
			}
		}
		for member, value := range object {
			o[member] = value
		}
	})
	m := d.registers(whole)
	if m.Screening != store.ScreenQuarantining && m.Screening != store.ScreenQuarantined {
		t.Fatalf("it is %s", m.Screening)
	}
	if got := d.alertsUp(); len(got) == 0 {
		t.Error("no protection officer is told")
	}
	if got := d.outgoingKinds(); len(got) > 0 {
		t.Errorf("the outbox holds %v", got)
	}
	shown, err := d.Message(t.Context(), string(m.ID))
	if err != nil || !shown.Withheld || shown.State != string(store.UnderReview) {
		t.Errorf("%v: shown as %s, withheld %t", err, shown.State, shown.Withheld)
	}
}
