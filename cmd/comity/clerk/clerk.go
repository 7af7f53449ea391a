// Package clerk does what takes a person at a desk more than one call to their agent: put a draft into its case, check
// that what is shown is what an approval would name, and wait until a message stands where it should.
//
// It trusts the agent for the state of messages, and not for the hash of what it shows. It must never change a draft in
// any other member than those that say where it belongs.
package clerk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"comity/agent/api"
	"comity/schemas"
)

// Place is where a draft belongs: ids that are known only once the case is open, so that no sample can hold them.
type Place struct {
	Case    schemas.CaseID
	Answers schemas.MessageID
}

// Put writes the place into a draft, over whatever stands there. The zero Place leaves the text as it is.
func (p Place) Put(draft []byte) ([]byte, error) {
	if p == (Place{}) {
		return draft, nil
	}
	var members map[string]jsontext.Value
	if err := schemas.Decode(draft, &members, schemas.PayloadLimits); err != nil {
		return nil, err
	}
	if members == nil {
		members = map[string]jsontext.Value{}
	}
	for name, value := range map[string]string{"case": string(p.Case), "in_reply_to": string(p.Answers)} {
		if value == "" {
			continue
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
		members[name] = quoted
	}
	return schemas.Canonical(members)
}

// ErrNotShown says that the agent shows the person no content: their role may not read it.
var ErrNotShown = errors.New("the agent does not show its content")

// ErrOtherContent says that the content shown has another hash than the one that an approval would name: who approved it
// would approve what they have not read.
var ErrOtherContent = errors.New("the content shown is not the content that its hash names")

// CheckShown holds the agent to its word.
func CheckShown(m api.Message) error {
	if len(m.Payload) == 0 {
		return fmt.Errorf("message %s: %w", m.ID, ErrNotShown)
	}
	canonical := m.Payload.Clone()
	if err := canonical.Canonicalize(); err != nil {
		return fmt.Errorf("message %s: %w", m.ID, ErrOtherContent)
	}
	if sum := sha256.Sum256(canonical); hex.EncodeToString(sum[:]) != m.SHA256 {
		return fmt.Errorf("message %s: %w", m.ID, ErrOtherContent)
	}
	return nil
}

// StuckError says that a message stands elsewhere than where it was awaited.
type StuckError struct {
	Message api.Message
	Wanted  string
	Final   bool // it will never get there
	cause   error
}

func (e *StuckError) Error() string {
	if e.Final {
		return fmt.Sprintf("message %s is %s and will not be %s", e.Message.ID, e.Message.State, e.Wanted)
	}
	return fmt.Sprintf("message %s is still %s, not %s", e.Message.ID, e.Message.State, e.Wanted)
}

// Unwrap gives why the wait ended.
func (e *StuckError) Unwrap() error { return e.cause }

// Await returns a message of the agent's once it stands in a state. It looks once the agent listens and then whenever the
// agent says that something changed, so that no change is missed. It ends with ctx, in a *StuckError.
func Await(ctx context.Context, client *api.Client, id schemas.MessageID, state string) (api.Message, error) {
	following, stop := context.WithCancel(ctx)
	defer stop()
	changed := make(chan struct{}, 1)
	look := func() {
		select {
		case changed <- struct{}{}:
		default: // a look is due already
		}
	}
	ended := make(chan error, 1)
	go func() {
		ended <- client.Events(following, look, func(e api.Event) error {
			if e.Message == id {
				look()
			}
			return nil
		})
	}()
	last := api.Message{ID: id, State: "unknown"}
	for {
		select {
		case <-changed:
		case err := <-ended:
			if ctx.Err() != nil {
				return last, &StuckError{Message: last, Wanted: state, cause: ctx.Err()}
			}
			return last, fmt.Errorf("following what changes: %w", err)
		}
		m, err := client.Message(ctx, string(id))
		if ctx.Err() != nil {
			return last, &StuckError{Message: last, Wanted: state, cause: ctx.Err()}
		}
		if err != nil {
			return last, err
		}
		if last = m; m.State == state {
			return m, nil
		}
		if final(m.State) {
			return m, &StuckError{Message: m, Wanted: state, Final: true}
		}
	}
}

// final reports whether a message in this state stays in it.
func final(state string) bool {
	switch state {
	case "delivered", "dispatched", "rejected", "voided", "discarded", "received":
		return true
	}
	return false
}

// Recipients are the authorities that a draft is for.
func Recipients(draft []byte) ([]schemas.AuthorityID, error) {
	var members map[string]jsontext.Value
	if err := schemas.Decode(draft, &members, schemas.PayloadLimits); err != nil {
		return nil, err
	}
	var to []schemas.AuthorityID
	if err := schemas.Decode(members["to"], &to, schemas.DefaultLimits); err != nil {
		return nil, fmt.Errorf("reading who a draft is for: %w", err)
	}
	return to, nil
}
