package team

import (
	"fmt"
	"slices"
	"time"

	"comity/schemas"
)

// Reason says why an item is refused. The set is closed.
type Reason string

// The reasons of RefusedError.
const (
	// Of an item that contradicts itself (Read).
	AuthorNotInAudience Reason = "author-not-in-audience"
	NotTheProposer      Reason = "not-the-proposer"
	ApplicantInAudience Reason = "applicant-in-audience"
	DocumentContradicts Reason = "agreement-contradicts-itself"
	AudienceNotAll      Reason = "audience-not-all" // it is for more, or for fewer, than it names
	OtherOpens          Reason = "other-opens"      // of two members, the other one opens their case

	// Of an item that the team does not take now (CheckItem).
	OtherTeam        Reason = "other-team"
	AlreadyProposed  Reason = "already-proposed"
	NotAMember       Reason = "not-a-member"      // its author is none
	AudienceStranger Reason = "audience-stranger" // it names somebody who is none
	NotALeader       Reason = "not-a-leader"      // leaders alone decide this
	ReadOnly         Reason = "read-only"         // the team has expired or is closed
	WrongState       Reason = "wrong-state"       // not in this state
	NotSigned        Reason = "not-signed"        // the agreement is not in force
	UnknownText      Reason = "unknown-agreement" // no such text is held, or it is not the one in force
	EarlierText      Reason = "earlier-agreement" // the author has signed a later text
	NotAgreed        Reason = "not-agreed"        // not all leaders voted in favour
	AlreadyMember    Reason = "already-a-member"  // who is a member does not join
	WrongDay         Reason = "wrong-day"         // a day that lies ahead, or does not extend anything
	TooFew           Reason = "too-few-members"   // no team would remain

	// Of what an item rests on (CheckReferences).
	UnknownItem       Reason = "unknown-item"       // its author does not hold what it names
	BeyondParent      Reason = "beyond-parent"      // its audience is wider than that of what it answers
	ReferenceNotSent  Reason = "reference-not-sent" // REF-01: a recipient was not sent what it names
	NotInAudience     Reason = "not-in-audience"    // a copy for somebody whom the audience does not name
	RecipientsMissing Reason = "recipients-missing" // no copy for somebody whom the audience names
)

// RefusedError says why an item is refused. It holds nothing of what the item says.
type RefusedError struct {
	Type   schemas.MessageType
	Reason Reason
	Hint   string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is refused by the team: %s", e.Type, e.Reason)
}

func (i Item) refuse(r Reason, hint string) error {
	return &RefusedError{Type: i.Type, Reason: r, Hint: hint}
}

// CheckItem tells whether an item may be sent now, by all that its author holds of the team. The error is a *RefusedError.
// It is asked where an item is drafted and again where it is released; a recipient does not ask it, because what the
// recipient holds of third members may be more or less.
func CheckItem(t Team, i Item, at time.Time) error {
	if i.Team != t.ID {
		return i.refuse(OtherTeam, "the item belongs to another team")
	}
	switch i.Type.Name() {
	case proposal:
		if t.State != Unopened {
			return i.refuse(AlreadyProposed, "draw a new identifier for another team")
		}
		return nil
	case teamOpen:
		return t.checkOpening(i)
	case accessionRequest:
		if t.Has(i.Author) {
			return i.refuse(AlreadyMember, "who is a member does not ask to join")
		}
		return nil
	case agreement:
		return t.checkText(i)
	case signature:
		return t.checkSignature(i, at)
	}
	return t.checkWork(i, at)
}

// checkOpening lets two meet who both take part: as parties, as members, or as one who may join.
func (t Team) checkOpening(i Item) error {
	if !slices.Contains(t.concerned(), i.Author) {
		return i.refuse(NotAMember, "only those who take part in the team meet in it")
	}
	return t.within(i, t.concerned())
}

// concerned are all who may lawfully know of the team now.
func (t Team) concerned() (list []schemas.AuthorityID) {
	if t.Agreement == "" {
		list = slices.Clone(t.Parties)
		for _, x := range t.Texts {
			list = append(list, x.Document.Parties...)
		}
		return list
	}
	for _, a := range t.Accessions {
		if a.State == Agreed {
			list = append(append(list, a.Members...), a.Request.Author)
		}
	}
	return append(list, t.authorities()...)
}

func (t Team) applicants(in ...AccessionState) (list []schemas.AuthorityID) {
	for _, a := range t.Accessions {
		if slices.Contains(in, a.State) {
			list = append(list, a.Request.Author)
		}
	}
	return list
}

func (t Team) within(i Item, allowed []schemas.AuthorityID) error {
	if !within(i.Audience, allowed) {
		return i.refuse(AudienceStranger, "the audience names somebody who does not take part in the team now")
	}
	return nil
}

// checkText takes a text for signature from whoever negotiates, and in a team at work as an amendment or for a newcomer.
func (t Team) checkText(i Item) error {
	if !slices.Contains(t.concerned(), i.Author) {
		return i.refuse(NotAMember, "only those who take part in the team write its agreement")
	}
	if t.over() {
		return i.refuse(ReadOnly, "the team has ended")
	}
	if t.Agreement == "" && !within(i.Document.Parties, t.concerned()) {
		return i.refuse(AudienceStranger, "a party of the agreement was not asked to take part")
	}
	return t.within(i, t.concerned())
}

func (t Team) over() bool { return t.State == Expired || t.State == Evaluated || t.State == Closed }

// checkSignature takes the signature of a party, or of one whom all leaders have accepted, sent to all whom it binds.
func (t Team) checkSignature(i Item, at time.Time) error {
	x, held := t.Texts[i.Agreement]
	switch {
	case !held:
		return i.refuse(UnknownText, "sign a text that is held here; its SHA-256 names it")
	case t.over():
		return i.refuse(ReadOnly, "the team has ended")
	case i.On > today(at):
		return i.refuse(WrongDay, "a signature is not dated ahead")
	}
	if !slices.Contains(x.Document.Parties, i.Author) {
		if i.Agreement != t.Agreement {
			return i.refuse(NotAMember, "a newcomer signs the agreement in force, once all leaders have accepted it")
		}
		return t.checkNewcomer(i)
	}
	for _, later := range t.Texts {
		if later.Document.Version > x.Document.Version && slices.Contains(later.Signed, i.Author) {
			return i.refuse(EarlierText, "a later text has this party's signature")
		}
	}
	if !within(x.Document.Parties, i.Audience) {
		return i.refuse(AudienceNotAll, "a signature goes to every other party, so that each can prove it")
	}
	return nil
}

// checkNewcomer takes the signature of an applicant whom all leaders have accepted.
func (t Team) checkNewcomer(i Item) error {
	for _, a := range t.Accessions {
		if a.Request.Author != i.Author || a.State != Agreed || len(a.Members) == 0 {
			continue
		}
		if !sameSet(i.Audience, append(slices.Clone(a.Members), i.Author)) {
			return i.refuse(AudienceNotAll, "a signature goes to every member that the leaders named, so that each can prove it")
		}
		return nil
	}
	return i.refuse(NotAgreed, "a newcomer signs once all leaders have accepted it")
}

// checkWork is for all that members of a signed team send one another.
func (t Team) checkWork(i Item, at time.Time) error {
	name := i.Type.Name()
	if t.Agreement == "" {
		if name == teamMessage && slices.Contains(t.concerned(), i.Author) {
			return t.within(i, t.concerned())
		}
		return i.refuse(NotSigned, "the agreement is not in force: not all parties have signed")
	}
	if !t.Has(i.Author) {
		return i.refuse(NotAMember, "only a member sends items of the team")
	}
	if err := t.checkState(i); err != nil {
		return err
	}
	switch name {
	case secondment, measureRequest, evidenceItem, teamMessage:
		return t.within(i, t.authorities())
	case evaluation:
		return t.forAll(i)
	case memberRemoval:
		return t.checkRemoval(i, at)
	}
	// What is left is decided by the leaders.
	if !slices.Contains(t.leaders(), i.Author) {
		return i.refuse(NotALeader, "the leaders of the operating States decide this, all of them")
	}
	switch name {
	case extension:
		if i.Until <= t.To || i.On > today(at) {
			return i.refuse(WrongDay, "a team is extended to a later day, by a consent that is not dated ahead")
		}
	case accessionVote:
		return t.checkVote(i)
	case accessionAccept:
		return t.checkAcceptance(i, at)
	}
	return t.forAll(i)
}

// checkState says what may be sent while the team stands where it does.
func (t Team) checkState(i Item) error {
	name := i.Type.Name()
	working := t.State == Active || t.State == Extended || t.State == AccessionVote
	allowed := false
	switch name {
	case teamMessage:
		allowed = working || t.State == Signed || t.State == Closing
	case evidenceItem, memberRemoval:
		allowed = working || t.State == Closing || name == memberRemoval && t.State == Signed
	case closing:
		if i.Stage == final {
			allowed = t.State == Evaluated
		} else {
			allowed = working || t.State == Signed || t.State == Closing
		}
	case evaluation:
		allowed = working || t.State == Closing || t.State == Expired
	default:
		allowed = working
	}
	switch {
	case allowed:
		return nil
	case t.over():
		return i.refuse(ReadOnly, "the team has ended: it can be read, evaluated and closed")
	}
	return i.refuse(WrongState, "the team is "+string(t.State))
}

// forAll demands exactly the members as the audience: what leaves somebody out is no decision.
func (t Team) forAll(i Item) error {
	if !sameSet(i.Audience, t.authorities()) {
		return i.refuse(AudienceNotAll, "the audience is all members of the team now, and nobody else")
	}
	return nil
}

func (t Team) checkRemoval(i Item, at time.Time) error {
	members := append(t.authorities(), i.Member)
	switch {
	case i.Author != i.Member && !slices.Contains(t.leaders(), i.Author):
		return i.refuse(NotALeader, "the leaders of the operating States decide this, all of them")
	case i.On > today(at):
		return i.refuse(WrongDay, "a decision is not dated ahead")
	case !t.Has(i.Member) && !slices.Contains(t.Left, i.Member):
		return i.refuse(NotAMember, "only a member is removed")
	case i.Author != i.Member && len(without(t.authorities(), i.Member)) < 2:
		return i.refuse(TooFew, "no team would remain: close it")
	case !within(i.Informed, t.applicants(Voting, Agreed)):
		return i.refuse(AudienceStranger, "only applicants are told without deciding")
	case !sameSet(i.Audience, append(members, i.Informed...)):
		return i.refuse(AudienceNotAll, "the audience is all members of the team, the one that leaves, and the applicants who are told")
	}
	return nil
}

func (t Team) checkVote(i Item) error {
	if t.Has(i.Accession.Author) {
		return i.refuse(AlreadyMember, "who is a member does not join")
	}
	for _, a := range t.Accessions {
		if a.Request == i.Accession && a.State != Voting && a.State != Agreed {
			return i.refuse(WrongState, "this accession is "+string(a.State))
		}
	}
	return t.forAll(i)
}

func (t Team) checkAcceptance(i Item, at time.Time) error {
	agreed, another := false, false
	for _, a := range t.Accessions {
		agreed = agreed || a.Request == i.Accession && a.State == Agreed
		another = another || a.Request != i.Accession && a.State == Agreed && slices.Contains(a.Accepted, i.Author)
	}
	switch {
	case !agreed:
		return i.refuse(NotAgreed, "all leaders vote in favour first")
	case another:
		return i.refuse(WrongState, "another applicant was accepted and has not joined: one at a time, so that each is told of the other")
	case i.Agreement != t.Agreement:
		return i.refuse(UnknownText, "a newcomer is accepted on the terms in force")
	case i.Until != t.To || i.On > today(at):
		return i.refuse(WrongDay, "an acceptance names the last day of the team as it stands, and is not dated ahead")
	case !sameSet(i.Audience, append(t.authorities(), i.Accession.Author)):
		return i.refuse(AudienceNotAll, "the audience is all members and the applicant")
	}
	return nil
}
