package agent

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/store"
	"comity/schemas"
)

const (
	qmBorder = schemas.AuthorityID("QM/border")
	qnBorder = schemas.AuthorityID("QN/border")
)

func alert(t *testing.T) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(schemas.Example("border.alert/1"), &object); err != nil {
		t.Fatal(err)
	}
	object["to"] = []any{string(qnBorder)}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestTheBorderAlertLeavesWithOneSignature(t *testing.T) {
	w := newWorld(t)
	b := w.open(t, qmBorder)
	w.desks[qmBorder], w.desks[qnBorder] = b, w.open(t, qnBorder)
	ctx := t.Context()
	made, err := b.Draft(ctx, "duty-1", alert(t))
	if err != nil {
		t.Fatalf("%v %+v", err, defectsOf(err))
	}
	id, sha := made[0].ID, made[0].SHA256
	_, err = b.LookAgain(ctx, "duty-2", id, sha, nil)
	wantProblem(t, err, ReasonState)
	_, err = b.SignAlone(ctx, "duty-2", id, sha, nil)
	wantProblem(t, err, ReasonFourEyes)
	if _, err := b.SignAlone(ctx, "duty-1", id, sha, []byte("proof")); err != nil {
		t.Fatal(err)
	}
	b.seal(id)
	w.carry(t)
	if got := b.message(qmBorder, id); got.State != store.Delivered {
		t.Fatalf("it is %s", got.State)
	}
	// The second pair of eyes is owed for twelve hours, then alarmed.
	w.clock.Advance(12*time.Hour - time.Minute)
	b.chores()
	if up := b.alarms(); hasAlarm(up, "second-look") {
		t.Errorf("alarms before it is due: %v", up)
	}
	w.clock.Advance(2 * time.Minute)
	b.chores()
	if up := b.alarms(); !hasAlarm(up, "second-look-overdue "+string(id)) {
		t.Errorf("alarms after it was due: %v", up)
	}
	_, err = b.LookAgain(ctx, "duty-1", id, sha, nil)
	wantProblem(t, err, ReasonFourEyes)
	if _, err := b.LookAgain(ctx, "duty-2", id, sha, []byte("proof")); err != nil {
		t.Fatal(err)
	}
	if up := b.alarms(); hasAlarm(up, "second-look") {
		t.Errorf("alarms after the look: %v", up)
	}
}

func TestNothingElseLeavesWithOneSignature(t *testing.T) {
	for _, kind := range schemas.Types() {
		if alone := kind == "border.alert/1"; schemas.SingleSignature(kind) != alone {
			t.Errorf("%s: single signature %v", kind, !alone)
		}
	}
	w := newWorld(t)
	m := w.desks[qm]
	made, err := m.Draft(t.Context(), "officer-1", draft(t, qn, "request", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.SignAlone(t.Context(), "officer-1", made[0].ID, made[0].SHA256, nil)
	wantProblem(t, err, ReasonFourEyes)
}
