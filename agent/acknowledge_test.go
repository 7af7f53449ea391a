package agent

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/people"
	"comity/agent/store"
	"comity/schemas"
)

// received has QN open n cases with the desk.
func (o *office) received(t *testing.T, names ...string) (ids []schemas.CaseID) {
	t.Helper()
	n := o.w.desks[qn]
	for _, name := range names {
		m := n.write(draft(t, qm, name, "", ""))
		n.sealReviewed(m.ID)
		ids = append(ids, m.Case)
	}
	o.w.carry(t)
	return ids
}

func intakeOf(ref string, ids ...schemas.CaseID) api.Acknowledging {
	said := api.Acknowledging{NationalRef: ref, Desk: "Incoming requests", Complete: true}
	for _, id := range ids {
		said.Cases = append(said.Cases, api.Acknowledge{Case: id})
	}
	return said
}

// bodies are the bodies of what was made, by the case.
func bodyOf(t *testing.T, m *store.Message) (body struct {
	ReceivedAt  time.Time `json:"received_at"`
	NationalRef string    `json:"national_ref"`
	Desk        string    `json:"desk"`
	Complete    bool      `json:"complete"`
}) {
	t.Helper()
	var payload schemas.Payload
	if err := json.Unmarshal(m.Payload, &payload); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

// Requests of several channels are acknowledged with one form: a draft each, in review, that a second person approves one by one;
// asked again, nothing more is made.
func TestSeveralRequestsAreAcknowledged(t *testing.T) {
	o := newOfficeWithAccounts(t)
	ids := o.received(t, "request", "request", "confiscation.request", "transfer.request")
	said := intakeOf("QM-2026-0001", ids...)
	said.Cases[1].NationalRef = "QM-2026-0002"
	officer := o.as(t, people.CaseOfficer)
	made, err := officer.Acknowledge(t.Context(), said)
	if err != nil {
		t.Fatalf("%v %+v", err, defectsOf(err))
	}
	for i, one := range made.Acknowledgements {
		m := o.message(qm, one.Message.ID)
		body := bodyOf(t, m)
		want := "QM-2026-0001"
		if i == 1 {
			want = "QM-2026-0002"
		}
		if one.Case != ids[i] || !one.Made || m.State != store.InReview || m.Type.Name() != "acknowledgement" || m.Recipient != qn ||
			body.NationalRef != want || body.Desk != "Incoming requests" || !body.Complete || body.ReceivedAt.IsZero() {
			t.Errorf("%d: %+v, %s %s, %+v", i, one, m.State, m.Type, body)
		}
	}
	if got := o.approves(t, people.CaseOfficer, made.Acknowledgements[0].Message); got != api.ReasonForbidden {
		t.Errorf("the author approving: %q", got)
	}
	again, err := officer.Acknowledge(t.Context(), said)
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range again.Acknowledgements {
		if one.Made || one.Message.ID != made.Acknowledgements[i].Message.ID {
			t.Errorf("a second acknowledgement: %+v", one)
		}
	}
	// One is approved and leaves; then the form comes a third time, with a case that is new.
	first := made.Acknowledgements[0].Message
	if got := o.approves(t, people.Approver, first); got != "" {
		t.Fatalf("an approver is answered %q", got)
	}
	o.w.feed(t)
	o.seal(first.ID)
	o.w.carry(t)
	if got := o.state(ids[0]); got != "acknowledged" {
		t.Errorf("the case is %s", got)
	}
	more := o.received(t, "request")
	third, err := officer.Acknowledge(t.Context(), intakeOf("QM-2026-0003", ids[0], more[0]))
	if err != nil || third.Acknowledgements[0].Made || third.Acknowledgements[0].Message.ID != first.ID || !third.Acknowledgements[1].Made {
		t.Errorf("%+v, %v", third, err)
	}
	// A draft that was given up stands in nobody's way.
	if _, err := officer.Discard(t.Context(), made.Acknowledgements[1].Message.ID); err != nil {
		t.Fatal(err)
	}
	anew, err := officer.Acknowledge(t.Context(), intakeOf("QM-2026-0002", ids[1]))
	if err != nil || !anew.Acknowledgements[0].Made {
		t.Errorf("after the draft was discarded: %+v, %v", anew, err)
	}
}

// Where one of several cannot be acknowledged, none is, and each that cannot is named with what is wrong with it.
func TestNoneIsAcknowledgedWhereOneCannotBe(t *testing.T) {
	o := newOfficeWithAccounts(t)
	ids := o.received(t, "request", "repatriation.nationality-request")
	officer := o.as(t, people.CaseOfficer)
	refused := func(said api.Acknowledging, want ...string) {
		t.Helper()
		_, err := officer.Acknowledge(t.Context(), said)
		var got []string
		for _, d := range defectsOf(err) {
			got = append(got, d.Pointer+" "+string(d.Rule))
		}
		if slices.Sort(got); reasonIn(t, err) != ReasonInvalid || !slices.Equal(got, want) {
			t.Errorf("%v %v, want %v", err, got, want)
		}
		found, err := o.Messages(t.Context(), api.Query{State: "in-review"})
		if err != nil || len(found) != 0 {
			t.Fatalf("%d drafts were made: %v", len(found), err)
		}
	}
	// A desk in words is no code, which repatriation asks for; a case that is none, one twice.
	refused(intakeOf("QM-2026-0001", ids[0], ids[1], "nosuchcase", ids[0]),
		"/cases/1/body/desk enum", "/cases/2 case", "/cases/3 unique")
	refused(intakeOf(strings.Repeat("x", 101), ids[0]), "/cases/0/body/national_ref length")
	refused(intakeOf("", ids[0]), "/cases/0/body/national_ref length")
	if _, err := officer.Acknowledge(t.Context(), intakeOf("x")); reasonIn(t, err) != api.ReasonRequest {
		t.Errorf("no case: %v", err)
	}
	if _, err := officer.Acknowledge(t.Context(), intakeOf("x", make([]schemas.CaseID, api.MaxBulk+1)...)); reasonIn(t, err) != api.ReasonRequest {
		t.Errorf("too many: %v", err)
	}
	if _, err := o.as(t, people.Approver).Acknowledge(t.Context(), intakeOf("x", ids[0])); reasonIn(t, err) != api.ReasonForbidden {
		t.Errorf("an approver: %v", err)
	}
}

// Who asked acknowledges nothing.
func TestACaseOfOursIsNotAcknowledged(t *testing.T) {
	o := newOfficeWithAccounts(t)
	_, err := o.as(t, people.CaseOfficer).Acknowledge(t.Context(), intakeOf("QM-1", o.openCases(t, 1)...))
	if d := defectsOf(err); len(d) != 1 || d[0].Pointer != "/cases/0" || d[0].Rule != ReasonNotPermitted {
		t.Errorf("%v %+v", err, d)
	}
}

// Two clicks at the same time make one acknowledgement.
func TestTwoClicksMakeOneAcknowledgement(t *testing.T) {
	o := newOfficeWithAccounts(t)
	ids := o.received(t, "request", "request", "request")
	var done sync.WaitGroup
	var mu sync.Mutex
	made := map[schemas.CaseID]int{}
	for range 8 {
		done.Go(func() {
			answers, err := o.Acknowledge(context.WithoutCancel(t.Context()), "case-officer", intakeOf("QM-1", ids...))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			for _, one := range answers {
				if one.Made {
					made[one.Case]++
				}
			}
		})
	}
	done.Wait()
	for _, id := range ids {
		if made[id] != 1 {
			t.Errorf("case %s has %d acknowledgements", id, made[id])
		}
	}
}

// An acknowledgement that the rules hold and one that they block are the same to whoever sends the form again: both are there, and
// nothing new is made.
func TestAHeldAndABlockedAcknowledgementAreTheSame(t *testing.T) {
	o := newOfficeWithAccounts(t)
	ids := o.received(t, "request", "request")
	made, err := o.Acknowledge(t.Context(), "case-officer", intakeOf("QM-1", ids...))
	if err != nil {
		t.Fatal(err)
	}
	// Both wait for protection officers; one review is closed with a block.
	for _, one := range made {
		if err := o.store.Update(t.Context(), func(tx *store.Tx) error {
			m, err := tx.Message(store.Key{Sender: qm, ID: one.Message.ID})
			if err != nil {
				return err
			}
			m.State = store.UnderReview
			return tx.PutMessage(m)
		}); err != nil {
			t.Fatal(err)
		}
	}
	again, err := o.Acknowledge(t.Context(), "case-officer", intakeOf("QM-1", ids...))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range again {
		if one.Made || one.Message.State != string(store.UnderReview) {
			t.Errorf("%+v", one)
		}
	}
}

// At the web door and in the console: the form names every defect and keeps what was written; sent twice it makes one draft each.
func TestRequestsAreAcknowledgedInTheConsole(t *testing.T) {
	o := newOfficeWithAccounts(t)
	d := serveWeb(t, o.desk)
	ids := o.received(t, "request", "request")
	officer := d.login(t, "web-case-officer")
	status, page := officer.chooses("/acknowledge", "case", ids, nil)
	if status != http.StatusOK || strings.Count(page, `name="ref-`) != 2 || !strings.Contains(page, `name="national_ref"`) {
		t.Fatalf("the form: %d %.400s", status, page)
	}
	filled := map[string][]string{"national_ref": {""}, "desk": {"Incoming requests"}, "complete": {"true"}, "act": {"draft"}, "ref-" + string(ids[0]): {"QM-7"}}
	status, page = officer.chooses("/acknowledge", "case", ids, filled)
	if status != http.StatusUnprocessableEntity || !strings.Contains(page, string(ids[1][:8])) || !strings.Contains(page, `value="QM-7"`) || !strings.Contains(page, `value="Incoming requests"`) {
		t.Errorf("without a reference for one: %d %s", status, page)
	}
	filled["national_ref"] = []string{"QM-8"}
	for range 2 {
		if status, page = officer.chooses("/acknowledge", "case", ids, filled); status != http.StatusOK {
			t.Fatalf("%d %.400s", status, page)
		}
	}
	found, err := o.Messages(t.Context(), api.Query{State: "in-review"})
	if err != nil || len(found) != 2 {
		t.Fatalf("%d drafts, %v", len(found), err)
	}
	for _, m := range found {
		if !strings.Contains(page, "/messages/"+string(m.ID)) {
			t.Errorf("the page does not lead to %s", m.ID)
		}
	}
	if status, _ = officer.chooses("/acknowledge", "case", nil, nil); status != http.StatusBadRequest {
		t.Errorf("no box ticked: %d", status)
	}
	machine := d.machine(t, "case-system", people.CaseOfficer)
	body, err := schemas.Canonical(intakeOf("QM-9", ids...))
	if err != nil {
		t.Fatal(err)
	}
	var answer api.Acknowledgements
	machine.want(http.StatusCreated, "POST", "/acknowledgements", body, &answer)
	if answer.Acknowledgements[0].Made || answer.Acknowledgements[1].Made {
		t.Errorf("a machine makes a second one: %+v", answer)
	}
}
