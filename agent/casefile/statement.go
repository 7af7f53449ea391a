package casefile

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"comity/agent/envelope"
	"comity/pki"
	"comity/pki/jose"
	"comity/pki/journal"
	"comity/schemas"
)

// statementFile is the one name that every file of a case has.
const statementFile = "statement.jws"

// Statement is the exporter's word about the file.
type Statement struct {
	Case       schemas.CaseID      `json:"case"`
	Channel    schemas.Channel     `json:"channel"`
	Exporter   schemas.AuthorityID `json:"exporter"`
	Peer       schemas.AuthorityID `json:"peer"`
	Reader     Reader              `json:"reader"`
	ExportedAt time.Time           `json:"exported_at"`
	// Pin is whose signatures the trust lists in the file lead to. A reader who has a pin of their own compares.
	Pin   pki.Pin `json:"pin"`
	Items []Item  `json:"items"` // in the order in which they were sent
	// Trust is the documents by which the statement itself is proved.
	Trust []string `json:"trust"`
	// Files is the SHA-256 of every other file, in hexadecimal.
	Files map[string]string `json:"files"`
}

// Reader is whom the file was made for: an authority ("QN/justice"), or whoever reads in a State ("QN").
type Reader string

// State is the reader's State.
func (r Reader) State() schemas.StateCode { return r.authority().State() }

// authority is the reader as an authority; a State alone has the name of nobody in particular.
func (r Reader) authority() schemas.AuthorityID {
	if len(r) == 2 {
		return schemas.AuthorityID(string(r) + "/reader")
	}
	return schemas.AuthorityID(r)
}

// ParseReader accepts an authority or a State.
func ParseReader(text string) (Reader, error) {
	if _, err := schemas.ParseAuthorityID(string(Reader(text).authority())); err != nil {
		return "", fmt.Errorf("reader: an authority such as QN/justice, or a State such as QN: %w", err)
	}
	return Reader(text), nil
}

// Authority is the reader as an authority.
func (r Reader) Authority() schemas.AuthorityID { return r.authority() }

// Outcome is what became of a number, as its receipt says.
type Outcome string

// The outcomes.
const (
	Stored   Outcome = "stored"
	Rejected Outcome = "rejected"
	Voided   Outcome = "voided" // the message never arrived, and its number is closed
	Sent     Outcome = "sent"   // no receipt yet
)

// Item is one number of the exchange. Its members are names of files.
type Item struct {
	From    schemas.AuthorityID `json:"from"`
	To      schemas.AuthorityID `json:"to"`
	ID      schemas.MessageID   `json:"id"`
	Number  uint64              `json:"number"`
	Type    schemas.MessageType `json:"type"`
	JWS     envelope.Hash       `json:"jws_sha256"`
	Outcome Outcome             `json:"outcome"`

	Signed     string `json:"signed,omitzero"`     // the message; absent where it was erased or voided
	Envelope   string `json:"envelope,omitzero"`   // as it was sent, where the exporter sent it
	Acceptance string `json:"acceptance,omitzero"` // the broker's word for the envelope
	Receipt    string `json:"receipt,omitzero"`
	Proof      string `json:"proof,omitzero"` // that the journal has the number; absent where a number before it is missing
	// Evidence is the files that the message names, in its order.
	Evidence []Enclosed `json:"evidence,omitzero"`
	// Growth leads from the checkpoint in the receipt to that of the proof.
	Growth []journal.Hash `json:"growth,omitzero"`
	// Trust is the documents that the exporter had at KnownAt, when it took the last document of the number: by them all of
	// these are proved, each at the time that it was signed.
	Trust   []string  `json:"trust"`
	KnownAt time.Time `json:"known_at"`
}

// log is the log that the number stands in.
func (i Item) log() journal.Origin { return journal.Between(i.From, i.To) }

func (i Item) leaf() journal.Number {
	return journal.Number{From: i.From, To: i.To, Seq: i.Number, JWS: i.JWS}
}

// what names an item to a person.
func (i Item) what() string { return fmt.Sprintf("%s to %s, number %d", i.From, i.To, i.Number) }

// maxItems bounds the messages of a file.
const maxItems = 5000

// maxEvidence bounds its files of evidence: more of them have no room in a statement.
const maxEvidence = 10_000

var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Sign signs a statement.
func (s Statement) Sign(key crypto.Signer, certificate *x509.Certificate) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("signing the statement of a case: %w", err)
	}
	payload, err := schemas.Canonical(s)
	if err != nil {
		return nil, fmt.Errorf("signing the statement of a case: %w", err)
	}
	return jose.Sign(key, jose.Thumbprint(certificate), jose.TypCaseExport, nil, payload)
}

// openStatement reads a statement and proves it with the key that prove finds by what the statement says. known tells whether
// it could be read at all: the rest of the file is then checked whether it is proved or not.
func openStatement(raw []byte, prove func(s Statement, x5t string) (crypto.PublicKey, error)) (s Statement, known bool, err error) {
	signed, err := jose.ParseSigned(raw, jose.TypCaseExport)
	if err == nil {
		err = signed.Header(&struct{}{})
	}
	if err != nil {
		return s, false, err
	}
	_, err = signed.VerifyCarried(func(unverified []byte) (crypto.PublicKey, error) {
		if err := schemas.Decode(unverified, &s, schemas.Limits{Bytes: jose.MaxSize, Depth: 6}); err != nil {
			return nil, err
		}
		if err := s.check(); err != nil {
			return nil, err
		}
		known = true
		return prove(s, signed.Thumbprint())
	})
	return s, known, err
}

// check refuses a statement that does not make sense in itself.
func (s Statement) check() error {
	for _, id := range []schemas.AuthorityID{s.Exporter, s.Peer} {
		if _, err := schemas.ParseAuthorityID(string(id)); err != nil {
			return err
		}
	}
	if _, err := ParseReader(string(s.Reader)); err != nil {
		return err
	}
	if len(s.Items) == 0 || len(s.Items) > maxItems {
		return fmt.Errorf("between 1 and %d messages", maxItems)
	}
	if s.ExportedAt.IsZero() || !s.ExportedAt.Equal(s.ExportedAt.Truncate(time.Second)) {
		return errors.New("exported_at is not a whole second")
	}
	for name, hash := range s.Files {
		if !nameForm.MatchString(name) || !hashForm.MatchString(hash) {
			return errors.New("a file without a proper name or hash")
		}
	}
	for _, i := range s.Items {
		if err := s.checkItem(i); err != nil {
			return err
		}
	}
	return s.known(s.Trust...)
}

func (s Statement) checkItem(i Item) error {
	between := i.From == s.Exporter && i.To == s.Peer || i.From == s.Peer && i.To == s.Exporter
	if !between || i.Number == 0 || i.Number > journal.MaxSize || i.JWS.IsZero() {
		return errors.New("an item that is no number between the two authorities")
	}
	if _, err := schemas.ParseMessageID(string(i.ID)); err != nil {
		return err
	}
	if i.KnownAt.IsZero() || !i.KnownAt.Equal(i.KnownAt.Truncate(time.Second)) {
		return errors.New("known_at is not a whole second")
	}
	switch i.Outcome {
	case Stored, Rejected, Voided, Sent:
	default:
		return errors.New("an outcome that is not in the closed set")
	}
	if err := s.checkEnclosed(i); err != nil {
		return err
	}
	return s.known(append([]string{i.Signed, i.Envelope, i.Acceptance, i.Receipt, i.Proof}, i.Trust...)...)
}

// known refuses a name that is not among the files.
func (s Statement) known(names ...string) error {
	for _, name := range names {
		if _, listed := s.Files[name]; name != "" && !listed {
			return errors.New("a file that is not in the list of files")
		}
	}
	return nil
}

func hexOf(h [32]byte) string { return hex.EncodeToString(h[:]) }
