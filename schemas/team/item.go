package team

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"comity/schemas"
)

// ID names a team. The authority that proposed it is part of the name, so that nobody else can propose another team under
// the same one.
type ID struct {
	Proposer schemas.AuthorityID `json:"proposer"`
	ID       schemas.MessageID   `json:"id"`
}

// Ref names an item: its author chose the identifier, which is unique within the author.
type Ref struct {
	Author schemas.AuthorityID `json:"author"`
	Item   schemas.MessageID   `json:"item"`
}

// Item is what a team needs to know of one item. The copies for all recipients give the same Item.
type Item struct {
	Ref
	Team     ID
	Type     schemas.MessageType
	Audience []schemas.AuthorityID // sorted; the author is one of them
	Parent   Ref                   // the item that this one answers; zero for none
	// References are all items that this one rests on, Parent among them.
	References []Ref
	// SHA256 is of the payload without what differs between the copies.
	SHA256 string

	// What the team decides by; each is set for the types that have it.
	Proposed  []schemas.AuthorityID // proposal
	Document  *Document             // agreement
	Agreement string                // agreement, signature, accession-accept: SHA-256 of the document
	Accession Ref                   // accession-vote, -accept, member-removal: the request; for a request, itself
	InFavour  bool                  // accession-vote
	Member    schemas.AuthorityID   // member-removal
	Informed  []schemas.AuthorityID // member-removal: those in the audience who do not decide
	Until     schemas.Date          // extension, accession-accept
	On        schemas.Date          // signature, extension, accession-accept, member-removal
	Stage     string                // close
}

// Document is what the team needs of the agreement that its parties sign.
type Document struct {
	Team            ID                    `json:"team"`
	Version         int                   `json:"version"`
	Parties         []schemas.AuthorityID `json:"parties"`
	From            schemas.Date          `json:"from"`
	To              schemas.Date          `json:"to"`
	OperatingStates []schemas.StateCode   `json:"operating_states"`
	Leaders         []Leader              `json:"leaders"`
}

// Leader leads the team in one operating State.
type Leader struct {
	State     schemas.StateCode   `json:"state"`
	Authority schemas.AuthorityID `json:"authority"`
}

// ErrNotOfATeam says that a payload is no item of a team: it concerns its two authorities only.
var ErrNotOfATeam = errors.New("not an item of a team")

// body is what the types of the channel have in their bodies. Members of the same name mean the same in all of them.
type body struct {
	Team       ID                    `json:"team"`
	Item       schemas.MessageID     `json:"item"`
	Audience   []schemas.AuthorityID `json:"audience"`
	Parent     Ref                   `json:"parent"`
	References []Ref                 `json:"references"`

	Proposed   []schemas.AuthorityID `json:"proposed_parties"`
	Document   jsontext.Value        `json:"document"`
	Agreement  string                `json:"agreement"`
	Accession  Ref                   `json:"accession"`
	Vote       string                `json:"vote"`
	Member     schemas.AuthorityID   `json:"member"`
	Informed   []schemas.AuthorityID `json:"informed"`
	Until      schemas.Date          `json:"until"`
	SignedOn   schemas.Date          `json:"signed_on"`
	AgreedOn   schemas.Date          `json:"agreed_on"`
	AcceptedOn schemas.Date          `json:"accepted_on"`
	Stage      string                `json:"stage"`
}

// IsItem tells whether messages of this type are items of a team.
func IsItem(t schemas.MessageType) bool {
	return t.Channel() == schemas.ChannelJIT && slices.Contains([]string{
		proposal, teamOpen, agreement, signature, extension, accessionRequest, accessionVote, accessionAccept, secondment, memberRemoval,
		measureRequest, evidenceItem, teamMessage, closing, evaluation,
	}, t.Name())
}

// The names of the types.
const (
	proposal         = "proposal"
	teamOpen         = "team-open"
	agreement        = "agreement"
	signature        = "signature"
	extension        = "extension"
	accessionRequest = "accession-request"
	accessionVote    = "accession-vote"
	accessionAccept  = "accession-accept"
	secondment       = "secondment"
	memberRemoval    = "member-removal"
	measureRequest   = "measure-request"
	evidenceItem     = "evidence-item"
	teamMessage      = "team-message"
	closing          = "close"
	evaluation       = "evaluation"
)

// The stages of closing.
const (
	windingDown = "winding-down"
	final       = "final"
)

// Read makes an Item of a validated payload that author signed. The error is ErrNotOfATeam, or a *RefusedError for an item
// that contradicts itself: that follows from its bytes alone, so author and recipient say the same.
func Read(author schemas.AuthorityID, p *schemas.Payload) (Item, error) {
	if !IsItem(p.Type) {
		return Item{}, ErrNotOfATeam
	}
	var b body
	if err := json.Unmarshal(p.Body, &b); err != nil { // other members are passed over: Validate has read them strictly
		return Item{}, fmt.Errorf("reading an item of a team: %w", ErrNotOfATeam)
	}
	common := *p
	common.Case, common.InReplyTo = "", ""
	canonical, err := schemas.Canonical(common)
	if err != nil {
		return Item{}, fmt.Errorf("hashing an item of a team: %w", err)
	}
	i := Item{
		Ref: Ref{author, b.Item}, Team: b.Team, Type: p.Type, Audience: sorted(b.Audience), Parent: b.Parent, References: b.References,
		SHA256: hexSum(canonical), Proposed: sorted(b.Proposed), Agreement: b.Agreement, Accession: b.Accession, InFavour: b.Vote == "in-favour",
		Member: b.Member, Informed: sorted(b.Informed), Until: b.Until, On: firstOf(b.SignedOn, b.AgreedOn, b.AcceptedOn), Stage: b.Stage,
	}
	if i.Parent != (Ref{}) && !slices.Contains(i.References, i.Parent) {
		i.References = append([]Ref{i.Parent}, i.References...)
	}
	if i.Type.Name() == accessionRequest {
		i.Accession = i.Ref
	}
	if b.Document != nil {
		i.Document = &Document{}
		if err := json.Unmarshal(b.Document, i.Document); err != nil {
			return Item{}, fmt.Errorf("reading the agreement of a team: %w", ErrNotOfATeam)
		}
		document := b.Document.Clone()
		if err := document.Canonicalize(); err != nil {
			return Item{}, fmt.Errorf("hashing the agreement of a team: %w", err)
		}
		i.Agreement = hexSum(document)
	}
	return i, i.consistent()
}

// consistent holds an item against itself.
func (i Item) consistent() error {
	if !slices.Contains(i.Audience, i.Author) {
		return i.refuse(AuthorNotInAudience, "the audience names everybody who holds the item, its author included")
	}
	if slices.Contains(i.References, i.Ref) {
		return i.refuse(UnknownItem, "an item does not rest on itself")
	}
	switch i.Type.Name() {
	case proposal:
		if i.Team.Proposer != i.Author {
			return i.refuse(NotTheProposer, "a team is named after the authority that proposes it")
		}
		if !sameSet(i.Audience, append(slices.Clone(i.Proposed), i.Author)) {
			return i.refuse(AudienceNotAll, "the audience of a proposal is its author and the proposed parties")
		}
	case teamOpen:
		if len(i.Audience) != 2 {
			return i.refuse(AudienceNotAll, "two members open a case between them")
		}
		if i.Author != i.Audience[0] {
			return i.refuse(OtherOpens, "the first of the two by name opens it, so that they never open two that cross")
		}
	case agreement:
		return i.consistentDocument()
	case accessionVote:
		if slices.Contains(i.Audience, i.Accession.Author) {
			return i.refuse(ApplicantInAudience, "the applicant is not told how the members vote")
		}
	case accessionAccept:
		if !slices.Contains(i.Audience, i.Accession.Author) {
			return i.refuse(AudienceNotAll, "an acceptance goes to the applicant too")
		}
	case memberRemoval:
		if !slices.Contains(i.Audience, i.Member) {
			return i.refuse(AudienceNotAll, "the member that leaves is told")
		}
	}
	return nil
}

// consistentDocument holds a text to what no schema can say.
func (i Item) consistentDocument() error {
	d := i.Document
	if d.Team != i.Team || !slices.Contains(d.Parties, i.Team.Proposer) {
		return i.refuse(DocumentContradicts, "the agreement is of this team, and its proposer is a party")
	}
	if d.To < d.From {
		return i.refuse(DocumentContradicts, "the last day is not before the first")
	}
	var led []schemas.StateCode
	for _, l := range d.Leaders {
		if l.Authority.State() != l.State || !slices.Contains(d.Parties, l.Authority) || slices.Contains(led, l.State) {
			return i.refuse(DocumentContradicts, "each operating State has one leader, who belongs to a party of that State")
		}
		led = append(led, l.State)
	}
	if !sameSet(led, d.OperatingStates) {
		return i.refuse(DocumentContradicts, "each operating State has one leader")
	}
	return nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func firstOf(dates ...schemas.Date) schemas.Date {
	for _, d := range dates {
		if d != "" {
			return d
		}
	}
	return ""
}

func sorted[S ~string](list []S) []S { return slices.Sorted(slices.Values(list)) }

func sameSet[S ~string](a, b []S) bool {
	return slices.Equal(slices.Compact(sorted(a)), slices.Compact(sorted(b)))
}

// within tells whether each of a is in b.
func within[S comparable](a, b []S) bool {
	return !slices.ContainsFunc(a, func(x S) bool { return !slices.Contains(b, x) })
}

// without is a list less one entry.
func without[S comparable](list []S, gone S) []S {
	return slices.DeleteFunc(slices.Clone(list), func(x S) bool { return x == gone })
}

func compareRefs(a, b Ref) int {
	if c := strings.Compare(string(a.Author), string(b.Author)); c != 0 {
		return c
	}
	return strings.Compare(string(a.Item), string(b.Item))
}
