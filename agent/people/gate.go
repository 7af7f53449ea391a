package people

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"comity/pki/jose"
	"comity/schemas"
)

// Window is how far a command's time may lie from the agent's, either way. Both run on one machine.
const Window = time.Minute

// maxNonces bounds the memory of used commands: 100 a second for the life of a proof.
const maxNonces = 12_000

// Reason is why a command was not admitted: a closed set.
type Reason string

// The reasons.
const (
	ReasonMalformed       Reason = "malformed-proof"
	ReasonUnknownPerson   Reason = "unknown-person"
	ReasonSignature       Reason = "signature-invalid"
	ReasonOtherCommand    Reason = "proof-of-another-command"
	ReasonOutsideWindow   Reason = "outside-time-window"
	ReasonReplayed        Reason = "replayed"
	ReasonBusy            Reason = "too-many-commands"
	ReasonCredentialTimes Reason = "credential-expired"
)

// Refused says that a command was not admitted.
type Refused struct{ Reason Reason }

func (r *Refused) Error() string { return "command refused: " + string(r.Reason) }

// Gate admits commands of the staff. It is safe for concurrent use.
type Gate struct {
	authority schemas.AuthorityID
	now       func() time.Time
	opened    time.Time
	staff     map[string]*Person // by thumbprint
	acting    func(*Person) *Person

	mu   sync.Mutex
	used map[string]time.Time // nonce → when it can be forgotten
}

// NewGate admits the persons listed, each by the certificate of their credential. It refuses two persons of one name or
// one certificate: four eyes need two people.
func NewGate(authority schemas.AuthorityID, staff []*Person, now func() time.Time) (*Gate, error) {
	g := &Gate{authority: authority, now: now, opened: now(), staff: map[string]*Person{}, used: map[string]time.Time{}}
	names := map[string]bool{}
	var errs []error
	for _, p := range staff {
		key := jose.Thumbprint(p.Certificate)
		switch {
		case !nameForm.MatchString(p.Name):
			errs = append(errs, fmt.Errorf("person %q: name is not in its form", p.Name))
		case names[p.Name]:
			errs = append(errs, fmt.Errorf("person %q is listed twice", p.Name))
		case g.staff[key] != nil:
			errs = append(errs, fmt.Errorf("persons %q and %q have the same credential", g.staff[key].Name, p.Name))
		case len(p.Roles) == 0:
			errs = append(errs, fmt.Errorf("person %q has no role", p.Name))
		}
		names[p.Name], g.staff[key] = true, p
	}
	return g, errors.Join(errs...)
}

// Acting has everybody who is admitted looked at for whom they stand in for (Person.ActingFor). It is set before the first
// command.
func (g *Gate) Acting(acting func(*Person) *Person) { g.acting = acting }

// Has reports whether somebody admitted has a role.
func (g *Gate) Has(role Role) bool {
	for _, p := range g.staff {
		if slices.Contains(p.Roles, role) {
			return true
		}
	}
	return false
}

// ByCertificate finds a person by the thumbprint of their certificate, or returns nil.
func (g *Gate) ByCertificate(thumbprint string) *Person { return g.staff[thumbprint] }

// Admit returns who signed the proof, if it proves exactly this request, now, for the first time; otherwise *Refused.
func (g *Gate) Admit(proof []byte, method, target string, body []byte) (*Person, error) {
	person, c, err := ReadProof(proof, g.ByCertificate)
	if err != nil {
		return nil, err
	}
	now := g.now()
	switch {
	case !c.Is(g.authority, method, target, body):
		return nil, &Refused{ReasonOtherCommand}
	case c.At.Before(now.Add(-Window)) || c.At.After(now.Add(Window)):
		return nil, &Refused{ReasonOutsideWindow}
	case c.At.Before(g.opened.Truncate(time.Millisecond)):
		// What was used before a restart is forgotten: nothing signed then is good any more.
		return nil, &Refused{ReasonOutsideWindow}
	case now.Before(person.Certificate.NotBefore) || now.After(person.Certificate.NotAfter):
		return nil, &Refused{ReasonCredentialTimes}
	}
	if err := g.use(c.Nonce, c.At.Add(2*Window), now); err != nil {
		return nil, err
	}
	if g.acting != nil {
		person = g.acting(person)
	}
	return person, nil
}

// use remembers a nonce until its command is outside every window.
func (g *Gate) use(nonce string, until, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, used := g.used[nonce]; used {
		return &Refused{ReasonReplayed}
	}
	if len(g.used) >= maxNonces {
		for n, t := range g.used {
			if t.Before(now) {
				delete(g.used, n)
			}
		}
		if len(g.used) >= maxNonces {
			return &Refused{ReasonBusy}
		}
	}
	g.used[nonce] = until
	return nil
}
