package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/cedar-policy/cedar-go"

	"comity/agent/register"
	"comity/pki"
	"comity/schemas"
)

// Directory is what a decision asks of the verified directory and trust list; *pki.View is one. It must be a snapshot:
// both questions are answered from the same state of the world.
type Directory interface {
	Authority(id schemas.AuthorityID) (*pki.Authority, error)
	// Route names the agreement in force that allows the route, or fails.
	Route(from, to schemas.AuthorityID, ch schemas.Channel, at time.Time) (*pki.Agreement, error)
}

// Register knows who is protected; *register.Register is one. It honours ctx, and any failure is an error: the status is
// then unknown.
type Register interface {
	Look(context.Context, register.Question) (register.Answer, error)
}

// Facts is what a decision is about. What the message says is read from Payload; the caller adds no opinion of its own.
type Facts struct {
	From, To schemas.AuthorityID
	// Payload is exactly the bytes that were approved and would be sealed.
	Payload   []byte
	Directory Directory
	At        time.Time

	// Home is what the authority recorded beside the draft.
	Home Home
	// Case is the persons that earlier messages of this case are about, in either direction; none in a new case.
	Case []schemas.Subject
	// Audience is whoever will read it beyond To: the audience of a team's item.
	Audience []schemas.AuthorityID
	// Asked is the payloads of the peer's messages in this case that are not settled: what this may answer (NEU-01).
	Asked [][]byte
	// Items is what was received before and travels on in this message.
	Items []Item
	// Release is what two protection officers released, nil where there is none.
	Release *Release
}

const (
	authorityType cedar.EntityType = "Authority"
	messageType   cedar.EntityType = "Message"
	actionType    cedar.EntityType = "Action"
)

// query is the facts in the form in which Cedar reads them.
type query struct {
	request  cedar.Request
	entities cedar.EntityMap
	closed   error // why the directory does not open the route, nil where it does
}

// gather turns facts into a query. It fails only where a Source fails: an authority that is not listed and a route
// that is not allowed are facts like others.
func gather(ctx context.Context, f Facts, p *schemas.Payload, sources []Source) (query, error) {
	sender := authority(f.Directory, f.From)
	recipient := authority(f.Directory, f.To)
	message := cedar.Entity{
		// The message has no name of its own here: it is not numbered before it is allowed.
		UID: cedar.NewEntityUID(messageType, "draft"),
		Attributes: cedar.NewRecord(cedar.RecordMap{
			"recipient":    recipient.UID,
			"channel":      cedar.String(p.Channel),
			"type":         cedar.String(p.Type),
			"language":     cedar.String(p.Language.Primary()),
			"urgency":      cedar.String(p.Urgency),
			"use_limit":    cedar.String(p.UseLimit),
			"onward":       cedar.String(p.Onward),
			"confidential": cedar.Boolean(p.Confidential),
			"attachments":  cedar.Long(len(p.Attachments)),
		}),
	}

	agreement, closed := f.Directory.Route(f.From, f.To, p.Channel, f.At)
	circumstances := cedar.RecordMap{
		"agreement_in_force": cedar.Boolean(closed == nil && agreement != nil),
	}
	for _, source := range sources {
		record, err := source.Facts(ctx, Message{From: f.From, To: f.To, Payload: p})
		if err != nil {
			return query{}, fmt.Errorf("asking fact source %s: %w", source.Name(), err)
		}
		circumstances[cedar.String(source.Name())] = record
	}

	return query{
		request: cedar.Request{
			Principal: sender.UID,
			Action:    cedar.NewEntityUID(actionType, "send"),
			Resource:  message.UID,
			Context:   cedar.NewRecord(circumstances),
		},
		entities: cedar.EntityMap{sender.UID: sender, recipient.UID: recipient, message.UID: message},
		closed:   closed,
	}, nil
}

// authority is the directory's row as an entity. What is not in the directory is an entity too, so that a rule can say
// so, instead of an evaluation error.
func authority(d Directory, id schemas.AuthorityID) cedar.Entity {
	row, err := d.Authority(id)
	listed := err == nil && row != nil && row.ID == id
	if !listed {
		row = &pki.Authority{}
	}
	return cedar.Entity{
		UID: cedar.NewEntityUID(authorityType, cedar.String(id)),
		Attributes: cedar.NewRecord(cedar.RecordMap{
			"state":     cedar.String(id.State()),
			"kind":      cedar.String(row.Kind),
			"listed":    cedar.Boolean(listed),
			"connected": cedar.Boolean(listed && row.Kind != pki.KindNotConnected),
			"channels":  stringSet(row.Channels),
			"types":     stringSet(row.Types),
			"languages": stringSet(row.Languages),
		}),
	}
}

func stringSet[S ~string](names []S) cedar.Set {
	values := make([]cedar.Value, len(names))
	for i, name := range names {
		values[i] = cedar.String(name)
	}
	return cedar.NewSet(values...)
}
