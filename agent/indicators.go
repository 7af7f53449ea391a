package agent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/indicator"
	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// The indicators are made of what was exchanged: messages that count in a case. Whether one of them is withheld from our own
// people, or a draft is under review, changes no number.

// Indicators computes the report of a period that is given by its first and last day.
func (a *Agent) Indicators(ctx context.Context, first, last string) (indicator.Report, error) {
	period, err := indicator.ParsePeriod(first, last, a.now())
	if err != nil {
		from, to := indicator.LastQuarter(a.now())
		return indicator.Report{}, problem(api.ReasonRequest, err.Error(), fmt.Sprintf("the last quarter is --from %s --to %s", from, to))
	}
	if !a.reckoning.CompareAndSwap(false, true) { // every case of years is read
		return indicator.Report{}, problem(api.ReasonTooOften, "indicators are being computed for somebody else", "wait a few seconds")
	}
	defer a.reckoning.Store(false)
	in := indicator.Input{Authority: a.me, Period: period}
	a.fromDirectory(&in)
	if err := a.fromStore(ctx, &in); err != nil {
		return indicator.Report{}, fmt.Errorf("computing indicators: %w", err)
	}
	return indicator.Compute(in), nil
}

// fromDirectory adds which States there are, and how many authorities of others can be written to on each channel.
func (a *Agent) fromDirectory(in *indicator.Input) {
	view, now := a.trust.View(), a.now()
	in.Reachable = map[schemas.Channel]int{}
	for _, row := range view.Authorities() {
		if state := row.ID.State(); !slices.Contains(in.States, state) {
			in.States = append(in.States, state)
		}
		if row.ID.State() == a.me.State() || row.Kind == pki.KindNotConnected {
			continue
		}
		for _, channel := range row.Channels {
			if _, err := view.Route(a.me, row.ID, channel, now); err == nil {
				in.Reachable[channel]++
			}
		}
	}
}

// fromStore adds the cases that were opened in the period, and the traffic of it and of the one before. Each case is read by
// itself, so that nobody else waits for the whole.
func (a *Agent) fromStore(ctx context.Context, in *indicator.Input) error {
	var files []*store.CaseFile
	before := in.Period.Before()
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		if files, err = tx.CasesOpened(in.Period.From, in.Period.To); err != nil {
			return err
		}
		if in.Messages, err = traffic(tx, in.Period); err != nil {
			return err
		}
		in.Before, err = traffic(tx, before)
		return err
	})
	if err != nil {
		return err
	}
	for _, file := range files {
		err := a.store.View(ctx, func(tx *store.Tx) error {
			state, messages, err := a.derive(tx, file.ID, file.Peer, nil)
			if err == nil {
				in.Cases = append(in.Cases, a.measured(file, state, messages))
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("case %s: %w", file.ID, err)
		}
	}
	return nil
}

func traffic(tx *store.Tx, p indicator.Period) (map[schemas.Channel]indicator.Traffic, error) {
	rows, err := tx.Traffic(p.From, p.To)
	sums := map[schemas.Channel]indicator.Traffic{}
	for _, row := range rows {
		t := sums[row.Channel]
		if row.Direction == store.Out {
			t.Sent += row.N
		} else {
			t.Received += row.N
		}
		sums[row.Channel] = t
	}
	return sums, err
}

// measured is what an indicator may know of a case.
func (a *Agent) measured(file *store.CaseFile, state lifecycle.Case, messages []*store.Message) indicator.Case {
	c := indicator.Case{
		Channel: file.Channel, Opened: state.Opened, Sent: file.Requesting == a.me, State: state.State, Late: file.Pace.Late,
		Supplemented: file.Pace.Supplements > 0, Team: string(file.ID),
		Acknowledged: since(file.Pace.StoredAt, file.Pace.AcknowledgedAt), Decided: since(file.Pace.StoredAt, file.Pace.DecidedAt),
		Executed: since(file.Pace.StoredAt, file.Pace.ExecutedAt),
	}
	switch state.State {
	case lifecycle.StateSigned, lifecycle.StateActive, lifecycle.StateExtended, lifecycle.StateClosing, lifecycle.StateEvaluated:
		c.Signed = true
	}
	for _, m := range messages {
		if state.Effects[lifecycle.Ref{From: m.Sender, ID: m.ID}] {
			note(&c, m, file.OpenedAt)
		}
	}
	return c
}

func since(from, to time.Time) *time.Duration {
	if from.IsZero() || to.IsZero() {
		return nil
	}
	return new(max(to.Sub(from), 0))
}

// counted are the members of payloads that an indicator reads: words of closed sets, counts, and of a victim who is returned the
// age, sex and nationality. Everything else is passed over.
type counted struct {
	Subjects []schemas.Subject `json:"subjects"`
	Body     struct {
		Route        string             `json:"route"`
		Person       schemas.SubjectRef `json:"person"`
		Kind         string             `json:"kind"`
		Extent       string             `json:"extent"`
		Outcome      string             `json:"outcome"`
		Victims      int                `json:"victims_safeguarded"`
		Children     int                `json:"children_safeguarded"`
		Forged       int                `json:"forged_documents"`
		Dispositions []struct {
			Kind string `json:"kind"`
		} `json:"dispositions"`
	} `json:"body"`
}

// note adds what one message says. One whose content was erased says its type only.
func note(c *indicator.Case, m *store.Message, opened time.Time) {
	name := string(m.Channel) + "." + m.Type.Name()
	if m.Team != "" {
		c.Team = m.Team
	}
	switch name {
	case "jit.evidence-item":
		c.Evidence = true
		return
	case "jit.close", "jit.evaluation", "jit.extension":
		c.Signed = true
		return
	case "confiscation.request", "confiscation.disposal-decision", "confiscation.result", "confiscation.freeze-report", "repatriation.nationality-request",
		"border.alert", "border.alert-response", "border.document-check-result":
	default:
		return
	}
	var read counted
	if m.Payload == nil || json.Unmarshal(m.Payload, &read) != nil { // Validate has passed what is there
		return
	}
	body := read.Body
	switch name {
	case "confiscation.request":
		c.Route = body.Route
	case "confiscation.disposal-decision":
		c.Dispositions = nil
		for _, d := range body.Dispositions {
			c.Dispositions = append(c.Dispositions, d.Kind)
		}
	case "confiscation.result":
		c.Done = c.Done || body.Extent == "full" || body.Extent == "partial"
	case "confiscation.freeze-report":
		c.Done = c.Done || m.Outcome == "frozen" || m.Outcome == "seized"
	case "repatriation.nationality-request":
		c.Person = personOf(read.Subjects, body.Person, opened)
	case "border.alert":
		c.Alert = body.Kind
	case "border.alert-response":
		c.Response = body.Outcome
		c.Victims, c.Children, c.Forged = c.Victims+body.Victims, c.Children+body.Children, c.Forged+body.Forged
	case "border.document-check-result":
		c.Checks = append(c.Checks, body.Outcome)
	}
}

// personOf is the person of a case as a statistic.
func personOf(subjects []schemas.Subject, ref schemas.SubjectRef, at time.Time) *indicator.Person {
	p := &indicator.Person{Age: -1}
	for _, s := range subjects {
		if s.Ref != ref || s.Identity == nil {
			continue
		}
		p.Sex = s.Identity.Sex
		if len(s.Identity.Nationalities) > 0 {
			p.Nationality = s.Identity.Nationalities[0]
		}
		if born, err := time.Parse(time.DateOnly, string(s.Identity.BirthDate)); err == nil && born.Before(at) {
			p.Age = at.Year() - born.Year()
			if at.YearDay() < time.Date(at.Year(), born.Month(), born.Day(), 0, 0, 0, 0, time.UTC).YearDay() {
				p.Age--
			}
		}
	}
	return p
}
