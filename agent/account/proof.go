package account

import (
	"crypto"
	"errors"
	"fmt"
	"time"

	"comity/agent/people"
	"comity/pki/jose"
	"comity/schemas"
)

// A person at a browser holds no key that signs a command. What is kept of an approval is then the agent's own signed word
// for who gave it and how they had logged in. It proves that this agent said so at the time, and not that the person did:
// an agent that lies can make one. Where the person has a passkey, their authenticator has signed the digest of the command
// itself, and everything that is needed to check that later is in the statement; that the authenticator is the person's rests
// on its registration, whose leaf in the home log holds the same public key.

// Statement is what the agent signs.
type Statement struct {
	Command people.Command `json:"command"`
	Person  string         `json:"person"`
	Method  Method         `json:"method"`
	LoginAt time.Time      `json:"login_at"`
	// Passkey is the authenticator's signature over the command; absent where the person had none.
	Passkey *Assertion `json:"passkey,omitzero"`
}

// ErrPasskey says that this person's approvals are given with the passkey, which a stolen session has not.
var ErrPasskey = errors.New("whoever has a passkey approves with it")

// Prove makes the proof that a person who logged in with a password gives a command: exactly this request, as the socket of
// the agent takes it.
func (b *Book) Prove(s *Session, method, target string, body []byte) ([]byte, error) {
	if s.HasPasskeys {
		return nil, ErrPasskey
	}
	return b.state(s, people.NewCommand(b.c.Authority, method, target, body, b.c.Now()), nil)
}

func (b *Book) state(s *Session, c people.Command, passkey *Assertion) ([]byte, error) {
	payload, err := schemas.Canonical(Statement{
		Command: c, Person: s.Person.Name, Method: s.Method, LoginAt: s.Began.UTC().Truncate(time.Millisecond), Passkey: passkey,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the statement of a login: %w", err)
	}
	return jose.Sign(b.c.Key, b.c.Thumbprint, jose.TypLogin, struct{}{}, payload)
}

// Proof is what a kept proof shows.
type Proof struct {
	Person  string
	Command people.Command
	// By is how it was given; "" for a command that the person's own credential file signed.
	By Method
	// Own: a key that the person holds and the agent does not has signed it.
	Own bool
}

// Keys are whose signatures a proof may bear.
type Keys struct {
	// Person finds a member of staff by the thumbprint of their credential, or returns nil.
	Person func(thumbprint string) *people.Person
	// Agent finds a key that signed for this authority by the thumbprint of its certificate, or returns nil.
	Agent func(thumbprint string) crypto.PublicKey
}

// ErrProof says that a proof does not show what it should.
var ErrProof = errors.New("the proof of an approval does not verify")

// ErrGone says that who signed a proof is not listed any more, so that nobody can tell whether it verifies.
var ErrGone = errors.New("who signed the proof of an approval is not listed any more")

// ReadProof verifies a proof that was kept with an approval, of either kind, by itself alone.
func ReadProof(proof []byte, keys Keys) (Proof, error) {
	person, command, err := people.ReadProof(proof, keys.Person)
	if err == nil {
		return Proof{Person: person.Name, Command: command, Own: true}, nil
	}
	if refused, ok := errors.AsType[*people.Refused](err); ok && refused.Reason == people.ReasonUnknownPerson {
		return Proof{}, ErrGone
	}
	signed, err := jose.ParseSigned(proof, jose.TypLogin)
	if err != nil || signed.Header(&struct{}{}) != nil {
		return Proof{}, ErrProof
	}
	key := keys.Agent(signed.Thumbprint())
	if key == nil {
		return Proof{}, ErrGone
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return Proof{}, ErrProof
	}
	var s Statement
	if err := schemas.Decode(payload, &s, schemas.DefaultLimits); err != nil {
		return Proof{}, ErrProof
	}
	if s.Passkey != nil {
		if err := s.Passkey.verify(s.Command); err != nil {
			return Proof{}, fmt.Errorf("%w: %w", ErrProof, err)
		}
	}
	return Proof{Person: s.Person, Command: s.Command, By: s.Method, Own: s.Passkey != nil}, nil
}
