package team

import (
	"slices"
	"strings"
	"time"

	"comity/schemas"
)

// State is where a team stands, by a name that does not change.
type State string

// The states (DOMAIN section 3). A signed team becomes active on its first day, and one that has passed its last day can
// only be read, evaluated and closed.
const (
	Unopened      State = "unopened" // nothing is held that begins a team
	Proposed      State = "proposed"
	Negotiating   State = "negotiating"
	Signed        State = "signed" // by all, and its first day lies ahead
	Active        State = "active"
	Extended      State = "extended"
	AccessionVote State = "accession-vote"
	Closing       State = "closing"
	Evaluated     State = "evaluated"
	Closed        State = "closed"
	Expired       State = "expired"
	MemberRemoved State = "member-removed" // what a former member is shown (Team.StateFor)
)

// Member is a current member.
type Member struct {
	Authority schemas.AuthorityID
	Accession Ref  // by which it joined; zero for a party of the agreement
	Leader    bool // it takes part in decisions
}

// Accession is where a request to join stands.
type Accession struct {
	Request Ref
	State   AccessionState
	Votes   []schemas.AuthorityID // in favour so far
	// Accepted are the leaders who told the applicant so, and Members those whom they named to it as the members.
	Accepted, Members []schemas.AuthorityID
}

// AccessionState is where a request to join stands.
type AccessionState string

// The states of an accession.
const (
	Voting   AccessionState = "voting"
	Rejected AccessionState = "rejected" // one leader was against
	Agreed   AccessionState = "agreed"   // all leaders are in favour, and it has not joined yet
	Joined   AccessionState = "joined"
)

// Team is how a team stands after a set of items.
type Team struct {
	ID    ID
	State State
	// Parties are those of the proposal, its author included; empty where the proposal is not held.
	Parties []schemas.AuthorityID
	// Agreement is the hash of the text in force, and Document the text; "" and nil before all have signed.
	Agreement string
	Document  *Document
	// Texts are all texts that are held, by hash.
	Texts map[string]Text
	// To is the last day, extensions included.
	To      schemas.Date
	Members []Member // sorted
	// Left are those who were members and are not any more.
	Left       []schemas.AuthorityID
	Accessions []Accession // sorted by request
}

// Text is a text of the agreement.
type Text struct {
	Document *Document
	Signed   []schemas.AuthorityID
	accepted []schemas.AuthorityID // leaders who accepted a newcomer on these terms
}

// Derive is the team after a set of items, at a moment that decides only what days have passed. The order of items and
// repetitions do not matter, and items of other teams are passed over.
func Derive(id ID, items []Item, at time.Time) Team {
	d := gather(id, items)
	t := Team{ID: id, State: Unopened, Texts: d.texts()}
	for _, i := range d.of(proposal) {
		if i.Author == id.Proposer {
			t.Parties, t.State = i.Audience, Proposed
		}
	}
	if t.State == Unopened && len(d.of(accessionRequest)) > 0 {
		t.State = AccessionVote
	}
	if len(t.Texts) > 0 || len(d.of(signature)) > 0 || len(d.of(teamOpen)) > 0 {
		t.State = Negotiating
	}
	t.Agreement = inForce(t.Texts)
	if t.Agreement == "" {
		return t
	}
	t.Document = t.Texts[t.Agreement].Document
	s := d.settle(t.Texts[t.Agreement], t.Agreement)
	t.Members, t.Left, t.To = s.members(), s.left(), s.to
	t.Accessions = d.accessions(t, s)
	t.State = t.stateOf(d, at)
	return t
}

// today is a moment as a day of the agreement. Its days are in UTC, so that all members agree when one ends.
func today(at time.Time) schemas.Date { return schemas.Date(at.UTC().Format(time.DateOnly)) }

// stateOf decides what is shown of a team whose agreement is in force.
func (t Team) stateOf(d items, at time.Time) State {
	evaluated := t.all(d.of(evaluation), func(Item) bool { return true })
	stage := func(stage string) bool { return t.all(d.of(closing), func(i Item) bool { return i.Stage == stage }) }
	switch day := today(at); {
	case evaluated && stage(final):
		return Closed
	case evaluated:
		return Evaluated
	case day > t.To:
		return Expired
	case stage(windingDown):
		return Closing
	case day < t.Document.From:
		return Signed
	case slices.ContainsFunc(t.Accessions, func(a Accession) bool { return a.State == Voting || a.State == Agreed }):
		return AccessionVote
	case t.To > t.Document.To:
		return Extended
	}
	return Active
}

// all tells whether each leader has sent such an item to all who are members now.
func (t Team) all(sent []Item, such func(Item) bool) bool {
	leaders := t.leaders()
	for _, i := range sent {
		if such(i) && within(t.authorities(), i.Audience) {
			leaders = without(leaders, i.Author)
		}
	}
	return len(leaders) == 0 && len(t.Members) > 0
}

// StateFor is the state as an authority is shown it: one that was a member is told that it is none.
func (t Team) StateFor(a schemas.AuthorityID) State {
	if slices.Contains(t.Left, a) {
		return MemberRemoved
	}
	return t.State
}

// Has tells whether an authority is a member now.
func (t Team) Has(a schemas.AuthorityID) bool { return slices.Contains(t.authorities(), a) }

func (t Team) authorities() (list []schemas.AuthorityID) {
	for _, m := range t.Members {
		list = append(list, m.Authority)
	}
	return list
}

func (t Team) leaders() (list []schemas.AuthorityID) {
	for _, m := range t.Members {
		if m.Leader {
			list = append(list, m.Authority)
		}
	}
	return list
}

// items is a set of items of one team, by type and in one order whatever the order given.
type items map[string][]Item // each list sorted by Ref

func gather(id ID, given []Item) items {
	held := map[Ref]Item{}
	for _, i := range given {
		if known, twice := held[i.Ref]; i.Team == id && (!twice || i.SHA256 < known.SHA256) {
			held[i.Ref] = i
		}
	}
	d := items{}
	for _, i := range held {
		d[i.Type.Name()] = append(d[i.Type.Name()], i)
	}
	for _, list := range d {
		slices.SortFunc(list, func(a, b Item) int { return compareRefs(a.Ref, b.Ref) })
	}
	return d
}

func (d items) of(name string) []Item { return d[name] }

// texts are the agreements that are held, with who is bound by each. A text is what its hash says, whoever sent it.
func (d items) texts() map[string]Text {
	texts := map[string]Text{}
	for _, i := range d.of(agreement) {
		x := Text{Document: i.Document, Signed: authorsNaming(i.Agreement, d.of(signature)), accepted: authorsNaming(i.Agreement, d.of(accessionAccept))}
		texts[i.Agreement] = x
	}
	return texts
}

func authorsNaming(agreement string, list []Item) (authors []schemas.AuthorityID) {
	for _, i := range list {
		if i.Agreement == agreement && !slices.Contains(authors, i.Author) {
			authors = append(authors, i.Author)
		}
	}
	return authors
}

// bound are those who said in any way that this text is theirs.
func (x Text) bound() []schemas.AuthorityID { return slices.Concat(x.Signed, x.accepted) }

// complete tells whether a text is agreed: all its parties signed it. A newcomer was sent no signatures; that each leader
// accepted it on the terms of this text says the same.
func (x Text) complete() bool {
	var leaders []schemas.AuthorityID
	for _, l := range x.Document.Leaders {
		leaders = append(leaders, l.Authority)
	}
	return within(x.Document.Parties, x.bound()) || within(leaders, x.accepted)
}

// inForce is the hash of the text that counts: the first that is complete, or a later one with at least the same parties.
func inForce(texts map[string]Text) string {
	var hashes []string
	for hash, x := range texts {
		if x.complete() {
			hashes = append(hashes, hash)
		}
	}
	slices.SortFunc(hashes, func(a, b string) int {
		if c := texts[a].Document.Version - texts[b].Document.Version; c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	current := ""
	for _, hash := range hashes {
		if current == "" || within(texts[current].Document.Parties, texts[hash].Document.Parties) {
			current = hash
		}
	}
	return current
}
