package agent

import (
	"errors"
	"slices"
	"time"

	"comity/agent/deadline"
	"comity/agent/store"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// The deadlines that say when a case was acknowledged, decided and executed. The others are about single messages in it.
var (
	acknowledging = []deadline.Kind{deadline.Acknowledgement}
	deciding      = []deadline.Kind{deadline.Decision, deadline.FreezeDecision, deadline.Recognition, deadline.TransferDecision, deadline.NationalityReply}
	executing     = []deadline.Kind{deadline.Execution, deadline.FreezeExecution, deadline.TransferHandover, deadline.TravelDocument, deadline.DocumentCheck}
)

// paceOf is how a case went, by the messages that both sides have and by nothing else. Of a message that was erased only what
// was reckoned before is left.
func paceOf(tx *store.Tx, id schemas.CaseID, c lifecycle.Case, messages []*store.Message, due []deadline.Deadline, now time.Time) (store.Pace, error) {
	var p store.Pace
	erased := false
	for _, m := range messages {
		erased = erased || m.Counts() && m.Payload == nil
		switch {
		case !c.Effects[lifecycle.Ref{From: m.Sender, ID: m.ID}]:
		case m.Opens():
			p.StoredAt = m.Arrived()
		case incomplete(m):
			p.Supplements++
		}
	}
	for _, step := range []struct {
		kinds []deadline.Kind
		at    *time.Time
	}{{acknowledging, &p.AcknowledgedAt}, {deciding, &p.DecidedAt}, {executing, &p.ExecutedAt}} {
		for _, d := range due {
			if !slices.Contains(step.kinds, d.Kind) || d.Who != c.Requested {
				continue
			}
			*step.at = earliest(*step.at, d.Met)
			stage := d.At(now)
			p.Late = p.Late || stage == deadline.DoneLate || overdue(string(stage))
		}
	}
	if !erased {
		return p, nil
	}
	before, err := tx.Case(id)
	if errors.Is(err, store.ErrNotFound) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.AcknowledgedAt = earliest(p.AcknowledgedAt, before.Pace.AcknowledgedAt)
	p.DecidedAt = earliest(p.DecidedAt, before.Pace.DecidedAt)
	p.ExecutedAt = earliest(p.ExecutedAt, before.Pace.ExecutedAt)
	p.Late = p.Late || before.Pace.Late
	return p, nil
}

// incomplete tells whether a message asks for what the request left out.
func incomplete(m *store.Message) bool {
	return m.Type.Name() == "supplement-request" ||
		m.Type.Name() == "nationality-result" && (m.Outcome == "needs-more" || m.Outcome == "interview-requested")
}
