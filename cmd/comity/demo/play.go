package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/people"
	"comity/cmd/comity/clerk"
	"comity/cmd/comity/sandbox"
	"comity/deploy/samples"
	"comity/schemas"
)

// The States between which the samples play.
var parties = []schemas.StateCode{"QM", "QN"}

// line is one step of a story as it went.
type line struct {
	from, to    schemas.AuthorityID
	file        string
	message     api.Message   // as its sender sees it in the end
	here, there string        // state of the case at the sender and at the recipient
	answered    time.Duration // of an answer to an alert: since the alert was signed
	err         error
}

func (l line) String() string {
	if l.err != nil {
		return fmt.Sprintf("FAILED  %s: %v", l.file, l.err)
	}
	who := fmt.Sprintf("%s (%s, %s)", l.from, strings.Join(l.message.Authors, ", "), l.message.ApprovedBy)
	if schemas.SingleSignature(l.message.Type) {
		who = fmt.Sprintf("%s (%s alone)", l.from, l.message.ApprovedBy)
	}
	cases := fmt.Sprintf("case at %s: %s, at %s: %s", l.from.State(), l.here, l.to.State(), l.there)
	text := fmt.Sprintf("ok  %s to %s  %-23s  %-58s  receipt in %d ms", who, l.to, l.message.Type.Name(), cases, l.message.ReceiptMillis)
	if l.answered > 0 {
		text += fmt.Sprintf("; %d ms after the alert was signed", l.answered.Milliseconds())
	}
	return text
}

// play plays a story step by step. A step that fails ends it: each of the rest has failed with it.
func play(ctx context.Context, s *sandbox.Sandbox, story samples.Story, lines chan<- line) {
	t := &table{sandbox: s, sent: map[string]schemas.MessageID{}}
	defer t.close()
	var failed error
	for _, step := range story.Steps {
		l := line{file: step.File, err: failed}
		if failed == nil {
			bounded, cancel := context.WithTimeout(ctx, stepTimeout)
			l = t.step(bounded, step)
			cancel()
		}
		lines <- l
		if l.err != nil {
			failed = errors.New("not played: an earlier step failed")
		}
	}
}

// table is where the people of both authorities sit while one story is played.
type table struct {
	sandbox *sandbox.Sandbox
	clients []*api.Client
	opened  schemas.CaseID
	sent    map[string]schemas.MessageID // by file
	alerted time.Time                    // when a live alert was signed
}

func (t *table) close() {
	for _, c := range t.clients {
		c.Close()
	}
}

// seat connects a person to their agent.
func (t *table) seat(id schemas.AuthorityID, p sandbox.Person) (*api.Client, error) {
	config, err := agent.LoadConfig(t.sandbox.AgentConfig(id))
	if err != nil {
		return nil, err
	}
	credential, err := people.ReadCredential(t.sandbox.Credential(id, p))
	if err != nil {
		return nil, err
	}
	client := api.Dial(config.Socket, id, credential)
	t.clients = append(t.clients, client)
	return client, nil
}

// step plays one message:
//  1. an officer drafts it, another person reads and approves it: of a live alert, after it has left;
//  2. it leaves, and the recipient's signed receipt comes back;
//  3. the recipient's officer finds the same content, and the case where the sender finds it.
func (t *table) step(ctx context.Context, step samples.Step) line {
	l := line{file: step.File}
	draft, err := samples.Draft(step.File, time.Now())
	if err != nil {
		l.err = err
		return l
	}
	if l.from, l.to, l.err = ends(draft); l.err != nil {
		return l
	}
	if l.message, l.err = t.send(ctx, l.from, draft, step); l.err != nil {
		return l
	}
	t.opened, t.sent[step.File] = l.message.Case, l.message.ID
	if l.message.Type.Name() == "alert-response" {
		l.answered = time.Since(t.alerted)
	}
	if l.here, l.there, l.err = t.compare(ctx, l.from, l.to, l.message); l.err != nil {
		return l
	}
	if l.here != step.State || l.there != step.State {
		l.err = fmt.Errorf("the case is %s at %s and %s at %s, and should be %s", l.here, l.from, l.there, l.to, step.State)
	}
	return l
}

// ends tells who sends a draft to whom.
func ends(draft []byte) (from, to schemas.AuthorityID, err error) {
	recipients, err := clerk.Recipients(draft)
	if err != nil {
		return "", "", err
	}
	if len(recipients) != 1 || !slices.Contains(parties, recipients[0].State()) {
		return "", "", fmt.Errorf("a sample is for one authority of %v", parties)
	}
	to = recipients[0]
	other := parties[1-slices.Index(parties, to.State())]
	return schemas.AuthorityID(string(other) + "/" + to.Name()), to, nil
}

// send drafts, approves and waits for the receipt.
func (t *table) send(ctx context.Context, from schemas.AuthorityID, draft []byte, step samples.Step) (api.Message, error) {
	officer, err := t.seat(from, sandbox.Officer1)
	if err != nil {
		return api.Message{}, err
	}
	approver, err := t.seat(from, sandbox.Approver)
	if err != nil {
		return api.Message{}, err
	}
	placed, err := clerk.Place{Case: t.opened, Answers: t.sent[step.Answers]}.Put(draft)
	if err != nil {
		return api.Message{}, err
	}
	made, err := officer.Draft(ctx, placed)
	if err != nil {
		return api.Message{}, explain("drafting", err)
	}
	if schemas.SingleSignature(made[0].Type) {
		return t.sendAlone(ctx, officer, approver, made[0])
	}
	m, err := approver.Message(ctx, string(made[0].ID))
	if err != nil {
		return m, explain("reading before approval", err)
	}
	if err := clerk.CheckShown(m); err != nil {
		return m, err
	}
	if m, err = approver.Approve(ctx, m.ID, m.SHA256); err != nil {
		return m, explain("approving", err)
	}
	return clerk.Await(ctx, officer, m.ID, "delivered")
}

// sendAlone lets a live alert go with its author's signature; the second pair of eyes follows.
func (t *table) sendAlone(ctx context.Context, officer, approver *api.Client, m api.Message) (api.Message, error) {
	t.alerted = time.Now()
	if _, err := officer.SignAlone(ctx, m.ID, m.SHA256); err != nil {
		return m, explain("signing", err)
	}
	m, err := clerk.Await(ctx, officer, m.ID, "delivered")
	if err != nil {
		return m, err
	}
	if _, err := approver.LookAgain(ctx, m.ID, m.SHA256); err != nil {
		return m, explain("looking again", err)
	}
	return m, nil
}

// explain names what was tried, and for a draft that broke its schema the places.
func explain(what string, err error) error {
	problem, ok := errors.AsType[*api.Problem](err)
	if !ok || len(problem.Defects) == 0 {
		return fmt.Errorf("%s: %w", what, err)
	}
	for _, d := range problem.Defects {
		err = fmt.Errorf("%w; at %s: %s", err, d.Pointer, d.Rule)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// compare looks for the message at its recipient, and returns the state of the case at both.
func (t *table) compare(ctx context.Context, from, to schemas.AuthorityID, sent api.Message) (here, there string, err error) {
	recipient, err := t.seat(to, sandbox.Officer2)
	if err != nil {
		return "", "", err
	}
	received, err := clerk.Await(ctx, recipient, sent.ID, "received") // the receipt does not wait until it may be read
	if err != nil {
		return "", "", fmt.Errorf("%s was receipted, but not found at %s: %w", sent.ID, to, err)
	}
	if received.SHA256 != sent.SHA256 {
		return "", "", fmt.Errorf("%s at %s is not what was sent", sent.ID, to)
	}
	if there, err = stateOf(ctx, recipient, sent.Case); err != nil {
		return "", "", fmt.Errorf("case at %s: %w", to, err)
	}
	sender, err := t.seat(from, sandbox.Officer2)
	if err != nil {
		return "", "", err
	}
	if here, err = stateOf(ctx, sender, sent.Case); err != nil {
		return "", "", fmt.Errorf("case at %s: %w", from, err)
	}
	return here, there, nil
}

func stateOf(ctx context.Context, client *api.Client, id schemas.CaseID) (string, error) {
	c, err := client.Case(ctx, string(id))
	return c.State, err
}

// nothingAt checks that an authority holds no message but those of its team.
func nothingAt(ctx context.Context, s *sandbox.Sandbox, id schemas.AuthorityID) error {
	t := &table{sandbox: s}
	defer t.close()
	officer, err := t.seat(id, sandbox.Officer1)
	if err != nil {
		return err
	}
	messages, err := officer.Messages(ctx, api.Query{})
	if err != nil {
		return err
	}
	messages = slices.DeleteFunc(messages, func(m api.Message) bool { return m.Channel == schemas.ChannelJIT }) // its team's
	if len(messages) > 0 {
		return fmt.Errorf("%s holds %d messages of others", id, len(messages))
	}
	return nil
}
