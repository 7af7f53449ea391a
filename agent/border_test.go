package agent

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/store"
	"comity/schemas"
)

const (
	qmBorder = schemas.AuthorityID("QM/border")
	qnBorder = schemas.AuthorityID("QN/border")
)

// alert expires life from now on.
func alert(t *testing.T, now time.Time, life time.Duration) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(schemas.Example("border.alert/1"), &object); err != nil {
		t.Fatal(err)
	}
	object["to"] = []any{string(qnBorder)}
	object["body"].(map[string]any)["expires_at"] = now.Add(life).Format(time.RFC3339)
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
	made, err := b.Draft(ctx, "duty-1", alert(t, w.clock.Now(), 72*time.Hour))
	if err != nil {
		t.Fatalf("%v %+v", err, defectsOf(err))
	}
	id, sha := made[0].ID, made[0].SHA256
	_, err = b.LookAgain(ctx, "duty-2", id, sha, nil)
	wantProblem(t, err, ReasonState)
	_, err = b.SignAlone(ctx, "duty-2", id, sha, nil)
	wantProblem(t, err, ReasonFourEyes)
	if _, err := b.SignAlone(ctx, "duty-1", id, sha, b.proof(t, "duty-1", api.SignAlone, id, sha)); err != nil {
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
	if _, err := b.LookAgain(ctx, "duty-2", id, sha, b.proof(t, "duty-2", api.SignSecondLook, id, sha)); err != nil {
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

func TestAnAlertEndsByItself(t *testing.T) {
	w := newWorld(t)
	b, n := w.open(t, qmBorder), w.open(t, qnBorder)
	w.desks[qmBorder], w.desks[qnBorder] = b, n
	_, err := b.Draft(t.Context(), "duty-1", alert(t, w.clock.Now(), 73*time.Hour))
	wantProblem(t, err, ReasonNotPermitted)
	sent := b.send(alert(t, w.clock.Now(), 2*time.Hour))
	w.carry(t)
	w.agree(t, sent.Case, "raised", qmBorder, qnBorder)
	w.clock.Advance(2*time.Hour + time.Second)
	b.chores()
	n.chores()
	w.agree(t, sent.Case, "expired", qmBorder, qnBorder)
}

func TestAFalseHitIsErasedAtBothSides(t *testing.T) {
	w := newWorld(t)
	b, n := w.open(t, qmBorder), w.open(t, qnBorder)
	w.desks[qmBorder], w.desks[qnBorder] = b, n
	id := b.send(alert(t, w.clock.Now(), 24*time.Hour)).Case
	w.carry(t)
	hit := n.send(draft(t, qmBorder, "border.hit", id, ""))
	w.carry(t)
	w.agree(t, id, "hit", qmBorder, qnBorder)
	b.send(draft(t, qnBorder, "border.hit-confirmation", id, hit.ID, func(body map[string]any) {
		for key := range body {
			delete(body, key)
		}
		body["outcome"] = "false-hit"
	}))
	w.carry(t)
	w.agree(t, id, "false-hit", qmBorder, qnBorder)
	for _, d := range []*desk{b, n} {
		kept := d.message(qnBorder, hit.ID)
		if kept.Payload != nil || kept.JWS != nil || kept.Wire != nil {
			t.Errorf("%s still has what the false hit said", d.me)
		}
		if kept.JWSSHA256 != hit.JWSSHA256 || kept.Receipt == nil {
			t.Errorf("%s can no longer show that there was one", d.me)
		}
	}
}

// A live alert and its receipt do not queue behind anything else; an immediate message of another channel does.
func TestOnlyTheBorderGoesAheadOfEverything(t *testing.T) {
	w := newWorld(t)
	b, n := w.open(t, qmBorder), w.open(t, qnBorder)
	w.desks[qmBorder], w.desks[qnBorder] = b, n
	m := w.desks[qm]
	m.send(draft(t, qn, "request", "", ""))
	b.send(alert(t, w.clock.Now(), 24*time.Hour))
	lane := func(d *desk) store.Lane {
		t.Helper()
		out := d.outgoing()
		if len(out) != 1 {
			t.Fatalf("%s has %d rows", d.me, len(out))
		}
		w.desks[out[0].Peer].take(out[0].Wire)
		return out[0].Lane
	}
	if got := lane(b); got != store.Express {
		t.Errorf("an alert leaves in lane %s", got)
	}
	if got := lane(n); got != store.Express {
		t.Errorf("its receipt leaves in lane %s", got)
	}
	if got := lane(m); got != store.Ordinary {
		t.Errorf("an urgent request leaves in lane %s", got)
	}
	immediate := &store.Message{Channel: schemas.ChannelMLA, Urgency: string(schemas.Immediate)}
	if isExpress(immediate) {
		t.Error("an immediate message of another channel skips its tick")
	}
}
