package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"comity/agent/api"
	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// What comes on paper from an authority that is not connected is registered as a message of a case: written down in the schema of its
// type, with the day that the letter bears, the day on which it came and the reference under which it is filed. From there on it is
// screened, counts, and is due like any other. Nothing of it is signed by its sender, and it is marked so everywhere.

// paperHead is what stands beside the payload of what came on paper, under "paper".
type paperHead struct {
	Dated       schemas.Date `json:"dated"`
	ReceivedOn  schemas.Date `json:"received_on"`
	Means       string       `json:"means"`
	NationalRef string       `json:"national_ref"`
}

// maxNationalRef bounds a reference, in characters.
const maxNationalRef = 100

// RegisterPaper registers what came on paper: a draft that says from whom, with a member "paper".
func (a *Agent) RegisterPaper(ctx context.Context, by string, body []byte) (api.Message, error) {
	from, head, d, err := a.readPaper(body)
	if err != nil {
		return api.Message{}, err
	}
	view := a.trust.View()
	if err := a.mayComeOnPaper(view, from, d.Parsed); err != nil {
		return api.Message{}, err
	}
	dated, received, err := a.daysOf(view, head)
	if err != nil {
		return api.Message{}, err
	}
	outcome, err := lifecycle.Essence(d.Parsed)
	if err != nil {
		return api.Message{}, asProblem(err)
	}
	p := d.Parsed
	m := &store.Message{
		Key: store.Key{Sender: from, ID: schemas.NewMessageID()}, Recipient: a.me, Direction: store.In, State: store.Received,
		Channel: p.Channel, Type: p.Type, Case: p.Case, InReplyTo: p.InReplyTo, Outcome: outcome,
		Urgency: string(p.Urgency), Language: string(p.Language), Payload: d.Payload, PayloadSHA256: sha256.Sum256(d.Payload),
		SentAt: dated, StoredAt: received, Screening: store.ScreenPending,
	}
	if p.Case == "" {
		m.Case = schemas.CaseOpenedBy(m.Sender, m.Recipient, m.ID)
	}
	paper := &store.Paper{
		Key: m.Key, Means: head.Means, Person: by, At: a.now(), Dated: head.Dated, ReceivedOn: head.ReceivedOn, NationalRef: head.NationalRef,
	}
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		if err := a.placePaper(tx, m, dated.AddDate(0, 0, 1)); err != nil {
			return err
		}
		return errors.Join(tx.PutMessage(m), tx.PutPaper(paper), a.record(tx, paperEvent(m, paper)), a.refile(tx, m.Case, from))
	})
	if err != nil {
		return api.Message{}, err
	}
	a.arrived.give()
	a.chores.give()
	return show(m, nil), nil
}

// readPaper takes apart what is registered. The error names every defect of the payload.
func (a *Agent) readPaper(body []byte) (from schemas.AuthorityID, head paperHead, d *schemas.Draft, err error) {
	var object map[string]jsontext.Value
	if err := schemas.Decode(body, &object, schemas.PayloadLimits); err != nil {
		return "", head, nil, invalidDraft([]schemas.Defect{{Rule: schemas.RuleType, Hint: "a paper is registered as one JSON object"}})
	}
	missing := func(member, hint string) error {
		return invalidDraft([]schemas.Defect{{Pointer: "/" + member, Rule: schemas.RuleNotAllowed, Hint: hint}})
	}
	if err := schemas.Decode(object["from"], &from, schemas.DefaultLimits); err != nil {
		return "", head, nil, missing("from", `write "from": "QN/records", the authority whose letter it is`)
	}
	if from, err = schemas.ParseAuthorityID(string(from)); err != nil {
		return "", head, nil, missing("from", `write "from": "QN/records", the authority whose letter it is`)
	}
	if err := schemas.Decode(object["paper"], &head, schemas.DefaultLimits); err != nil {
		return "", head, nil, missing("paper", `write "paper": {"dated", "received_on", "means", "national_ref"}`)
	}
	switch {
	case !slices.Contains(api.Means(), head.Means):
		return "", head, nil, missing("paper/means", "one of "+strings.Join(api.Means(), ", "))
	case head.NationalRef == "" || utf8.RuneCountInString(head.NationalRef) > maxNationalRef:
		return "", head, nil, missing("paper/national_ref", fmt.Sprintf("the reference under which it is filed, of at most %d characters", maxNationalRef))
	case object["home"] != nil:
		return "", head, nil, missing("home", "what is recorded beside a draft is for messages of this authority's own")
	}
	delete(object, "from")
	delete(object, "paper")
	rest, err := schemas.Canonical(object)
	if err == nil {
		d, err = schemas.ParseDraft(rest, a.reads())
	}
	if err != nil {
		return "", head, nil, asProblem(err)
	}
	if len(d.To) != 1 || d.To[0] != a.me {
		return "", head, nil, missing("to", `write "to": ["`+string(a.me)+`"]: what came to another authority is registered there`)
	}
	return from, head, d, nil
}

// mayComeOnPaper lets nobody write down a message in the name of an authority that signs its own, of this one, or of nobody.
func (a *Agent) mayComeOnPaper(view *pki.View, from schemas.AuthorityID, p *schemas.Payload) error {
	refuse := func(why, hint string) error {
		return unsuitable(ReasonRecipient, from, why, schemas.Defect{Pointer: "/from", Rule: ruleRecipient, Hint: hint})
	}
	if view.Expired(a.now()) {
		return problem(ReasonUnavailable, "the trust list has expired: nobody knows who is connected", "comity doctor says since when")
	}
	if from.State() == a.me.State() {
		return refuse("is of this State", "nobody registers a paper in the name of their own State")
	}
	row, err := view.Authority(from)
	switch {
	case err != nil:
		return refuse("is not in the directory", "comity doctor shows whether the directory is fresh")
	case row.Kind != pki.KindNotConnected:
		return refuse("is connected, and signs what it sends", "ask it to send this over Comity")
	}
	return fitsPaper(p, from)
}

// daysOf are the first moments of the day that a letter bears and of the one on which it came, here. It came no earlier than it was
// written, and not tomorrow.
func (a *Agent) daysOf(view *pki.View, head paperHead) (dated, received time.Time, err error) {
	row, err := view.Authority(a.me)
	if err != nil {
		return dated, received, problem(ReasonUnavailable, "this authority is not in the directory", "comity doctor shows whether the directory is fresh")
	}
	zone, err := time.LoadLocation(row.TimeZone)
	if err != nil {
		return dated, received, fmt.Errorf("time zone of %s: %w", a.me, err)
	}
	wrong := func(member, hint string) error {
		return invalidDraft([]schemas.Defect{{Pointer: "/paper/" + member, Rule: schemas.RuleNotAllowed, Hint: hint}})
	}
	if dated, err = time.ParseInLocation(time.DateOnly, string(head.Dated), zone); err != nil {
		return dated, received, wrong("dated", "the day that the letter bears, as 2026-11-20")
	}
	if received, err = time.ParseInLocation(time.DateOnly, string(head.ReceivedOn), zone); err != nil {
		return dated, received, wrong("received_on", "the day on which it came, as 2026-11-27")
	}
	if dated.After(received) || received.After(a.now()) {
		return dated, received, wrong("received_on", "a letter comes on the day that it bears or later, and not in the future")
	}
	return dated.UTC(), received.UTC(), nil
}

// placePaper finds where a letter stands in its case. Its sender had what was given away up to the end of the day that it bears,
// and what it answers.
func (a *Agent) placePaper(tx *store.Tx, m *store.Message, until time.Time) error {
	at, err := a.paperSpot(tx, m.Sender)
	if err != nil {
		return err
	}
	m.Paper = at.seen + 1
	if m.Opens() {
		return notPermitted(lifecycle.CheckExpiry(eventOf(m)))
	}
	file, err := tx.Case(m.Case)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err != nil || file.Peer != m.Sender || file.Channel != m.Channel {
		return problem(ReasonCase, "there is no such case with this authority on this channel", "comity case list shows the cases")
	}
	_, messages, err := a.derive(tx, m.Case, m.Sender, nil)
	if err != nil {
		return err
	}
	answers := m.InReplyTo == ""
	for _, ours := range messages {
		if !ours.Counts() || ours.Direction != store.Out {
			continue
		}
		answers = answers || ours.ID == m.InReplyTo
		if ours.SentAt.Before(until) || ours.ID == m.InReplyTo {
			m.Seen = max(m.Seen, ours.Place())
			m.SentAt = later(m.SentAt, ours.SentAt) // a letter says the day alone: it was written after what it follows
		}
	}
	if !answers {
		return problem(ReasonCase, "in_reply_to names no message of this authority in the case", "comity case show lists them")
	}
	m.StoredAt = later(m.StoredAt, m.SentAt)
	state, _, err := a.derive(tx, m.Case, m.Sender, asSeenBy(m.Sender, m.Paper, m.Seen))
	if err != nil {
		return err
	}
	return notPermitted(state.PermitsEvent(eventOf(m)))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
