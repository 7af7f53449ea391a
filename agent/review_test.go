package agent

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/store"
	"comity/schemas"
)

// holding is a State's own rule that holds urgent requests and blocks immediate ones: two messages that differ in what
// stops them and in nothing that people see.
const holding = `
@id("NAT-01") @verdict("hold") @source("national law") @text("An urgent request is looked at first.")
forbid (principal is Authority, action == Action::"send", resource is Message) when { resource.urgency == "urgent" };
@id("NAT-02") @verdict("block") @source("national law") @text("An immediate request does not leave.")
forbid (principal is Authority, action == Action::"send", resource is Message) when { resource.urgency == "immediate" };
`

func newReviewWorld(t *testing.T) *world {
	t.Helper()
	return newRuledWorld(t, holding)
}

// newRuledWorld is a world of QM and QN with rules of their own.
func newRuledWorld(t *testing.T, rules string) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "national.cedar")
	if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	return newWorldWith(t, []string{path}, qm, qn)
}

// requestOf is a request of one urgency.
func requestOf(t *testing.T, urgency schemas.Urgency) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(draft(t, qn, "request", "", ""), &object); err != nil {
		t.Fatal(err)
	}
	object["urgency"], object["urgency_reason"] = string(urgency), "a hearing is near"
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// stopped writes a message and lets policy stop it.
func (d *desk) stopped(content []byte) api.Message {
	d.t.Helper()
	m := d.write(content)
	d.seal(m.ID)
	if got := d.message(d.me, m.ID); got.State != store.UnderReview || got.Seq != 0 || got.Wire != nil {
		d.t.Fatalf("message is %s, number %d, %d bytes sealed", got.State, got.Seq, len(got.Wire))
	}
	return m
}

func (d *desk) review(id schemas.MessageID) api.Review {
	d.t.Helper()
	r, err := d.Review(d.t.Context(), string(id))
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func TestAHeldMessageLeavesOnceTwoOfficersReleasedIt(t *testing.T) {
	w := newReviewWorld(t)
	d := w.desks[qm]
	m := d.stopped(requestOf(t, schemas.Urgent))
	r := d.review(m.ID)
	if r.Outcome != "hold" || len(r.Rules) != 1 || r.Rules[0] != "NAT-01" || len(r.Message.Payload) == 0 {
		t.Fatalf("review = %+v", r)
	}
	wantProblem(t, d.letGo("officer-1", r, ""), ReasonFourEyes) // its author
	wantProblem(t, d.letGo("approver", r, ""), ReasonFourEyes)
	other := r
	other.Digest = hex.EncodeToString(make([]byte, 32))
	wantProblem(t, d.letGo("protection-1", other, ""), ReasonOtherBytes)

	for range 2 { // the same officer's second word is no second officer's
		if err := d.letGo("protection-1", r, ""); err != nil {
			t.Fatal(err)
		}
		if got := d.message(qm, m.ID).State; got != store.UnderReview {
			t.Fatalf("after one officer the message is %s", got)
		}
	}
	if err := d.letGo("protection-2", r, ""); err != nil {
		t.Fatal(err)
	}
	if got := d.message(qm, m.ID); got.State != store.Approved || got.Seq != 0 {
		t.Fatalf("after two officers the message is %s: it leaves at a tick and not before", got.State)
	}
	d.seal(m.ID)
	w.carry(t)
	if got := d.message(qm, m.ID); got.State != store.Delivered || got.Seq != 1 {
		t.Fatalf("after the tick the message is %s, number %d", got.State, got.Seq)
	}
	decisions, err := d.Decisions(t.Context(), 0)
	if err != nil || len(decisions) != 2 || decisions[1].What != store.DecisionStopped || decisions[0].What != store.DecisionSent ||
		decisions[0].Message != decisions[1].Message || strings.Contains(decisions[0].Message, string(m.ID)) {
		t.Errorf("the audit of decisions: %+v, %v", decisions, err)
	}
	if open, err := d.Reviews(t.Context()); err != nil || len(open) > 0 {
		t.Errorf("reviews that are open: %v, %v", open, err)
	}
}

func TestNothingReleasesABlock(t *testing.T) {
	w := newReviewWorld(t)
	d := w.desks[qm]
	m := d.stopped(requestOf(t, schemas.Immediate))
	r := d.review(m.ID)
	wantProblem(t, d.letGo("protection-1", r, ""), ReasonBlocked)
	if _, err := d.BlockHeld(t.Context(), "protection-1", m.ID); err != nil {
		t.Fatal(err)
	}
	if got := d.message(qm, m.ID).State; got != store.UnderReview {
		t.Errorf("a closed review shows as %s", got)
	}
	wantProblem(t, d.letGo("protection-2", r, ""), ReasonState)
	w.carry(t)
	if _, err := w.desks[qn].find(qm, m.ID); err == nil {
		t.Error("the peer has a message that was blocked")
	}
	// It can still be given back to its author.
	if _, err := d.ReturnHeld(t.Context(), "protection-1", m.ID); err != nil {
		t.Fatal(err)
	}
	if got := d.message(qm, m.ID); got.State != store.Returned || got.ApprovedBy != "" || got.Reason != "" {
		t.Errorf("returned as %s, approved by %q, reason %q", got.State, got.ApprovedBy, got.Reason)
	}
}

func TestAnEditAfterAReleaseIsDecidedAnew(t *testing.T) {
	w := newReviewWorld(t)
	d := w.desks[qm]
	m := d.stopped(requestOf(t, schemas.Urgent))
	r := d.review(m.ID)
	for _, officer := range []string{"protection-1", "protection-2"} {
		if err := d.letGo(officer, r, ""); err != nil {
			t.Fatal(err)
		}
	}
	edited, err := d.Edit(t.Context(), "officer-1", m.ID, []byte(strings.Replace(string(requestOf(t, schemas.Urgent)), "a hearing is near", "a hearing is very near", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Approve(t.Context(), "approver", m.ID, edited.SHA256, []byte("proof")); err != nil {
		t.Fatal(err)
	}
	d.seal(m.ID)
	if got := d.message(qm, m.ID).State; got != store.UnderReview {
		t.Errorf("other bytes than the released ones are %s", got)
	}
}

// What everybody else is shown of a hold and of a block is the same, and holds nothing of either.
func TestHoldAndBlockLookAlike(t *testing.T) {
	w := newReviewWorld(t)
	d := w.desks[qm]
	held, blocked := d.stopped(requestOf(t, schemas.Urgent)), d.stopped(requestOf(t, schemas.Immediate))
	seen := map[string]string{}
	for name, id := range map[string]schemas.MessageID{"held": held.ID, "blocked": blocked.ID} {
		m, err := d.Message(t.Context(), string(id))
		if err != nil {
			t.Fatal(err)
		}
		m.ID, m.SHA256, m.Case, m.Urgency, m.Payload = "", "", "", "", nil
		encoded, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		seen[name] = string(encoded)
	}
	if seen["held"] != seen["blocked"] {
		t.Errorf("a held message and a blocked one differ:\n%s\n%s", seen["held"], seen["blocked"])
	}
	health, err := d.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(health)
	if err != nil {
		t.Fatal(err)
	}
	telling := regexp.MustCompile(`[A-Z]{3}-\d\d|hold|block|review`)
	for what, text := range map[string]string{"message": seen["held"], "health": string(encoded), "log": w.log.String()} {
		if found := telling.FindString(strings.ReplaceAll(text, `"under-review"`, "")); found != "" {
			t.Errorf("the %s tells of %q", what, found)
		}
	}
	alerts, err := d.ProtectionAlerts(t.Context())
	if err != nil || len(alerts) != 2 {
		t.Errorf("alerts for the protection officers: %v, %v", alerts, err)
	}
}
