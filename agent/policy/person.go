package policy

import (
	"slices"
	"strings"
	"time"

	"comity/schemas"
)

// person is somebody whom the message is about: a subject, a subject of an earlier message of the case, the holder of a
// document whose data it gives, or somebody whom its free text names.
type person struct {
	ref      string // as in Ground.Person
	role     schemas.Role
	identity schemas.Identity
	aliases  []string // further names in the body
	named    bool     // a name or a document stands in this message
	placed   bool     // and where the person can be found
	here     bool     // a person of this message, not only of its case
	// origins is O(p) as far as the message itself and its case show it.
	origins origins
	record  PersonRecord
}

// identifiable tells whether the register can be asked about the person.
func (p *person) identifiable() bool {
	return len(p.identity.Names)+len(p.identity.FormerNames)+len(p.aliases)+len(p.identity.Documents) > 0
}

// sought is the identity with everything by which the register may know the person.
func (p *person) sought() schemas.Identity {
	who := p.identity
	who.FormerNames = slices.Concat(who.FormerNames, p.aliases)
	return who
}

// origins is an origin set with the reasons why each State belongs to it (ORI-01 to ORI-03).
type origins struct {
	nationality stateSet // present, claimed or suspected
	former      stateSet
	residence   stateSet // habitual residence of the stateless, birth where no nationality is known
	other       stateSet // known to be of the set, not why
	feared      stateSet
}

func (o origins) all() stateSet {
	return union(o.nationality, o.former, o.residence, o.other, o.feared)
}

// stateSet is a sorted list of States, each once.
type stateSet []schemas.StateCode

func union(sets ...stateSet) stateSet {
	all := slices.Concat(sets...)
	slices.Sort(all)
	return slices.Compact(all)
}

func (s stateSet) meets(other stateSet) bool {
	return slices.ContainsFunc(s, func(state schemas.StateCode) bool { return slices.Contains(other, state) })
}

// findPersons lists everybody whom the message is about but those whom its text names: they are found by asking.
func findPersons(f Facts, l *letter) []*person {
	var found []*person
	suspected := suspectedOrigins(f.To, l)
	for _, subject := range l.payload.Subjects {
		p := &person{ref: string(subject.Ref), role: subject.Role, here: true, record: f.Home.Persons[subject.Ref]}
		if subject.Identity != nil {
			p.identity = *subject.Identity
		}
		p.addFromBody(l.body())
		p.named = p.identifiable()
		p.origins = originsOf(p.identity, suspected)
		found = append(found, p)
	}
	for _, document := range documentsIn(l.body()) {
		if slices.ContainsFunc(found, func(p *person) bool { return p.holds(document) }) {
			continue
		}
		p := &person{ref: "document", role: schemas.RoleOther, here: true, named: true}
		p.identity.Documents = []schemas.IdentityDocument{document}
		p.origins = originsOf(p.identity, suspected)
		found = append(found, p)
	}
	if l.neitherConfirmsNorDenies() && len(found) == 0 {
		return nil // it says nothing of anybody, and must not wait for what is known of somebody
	}
	for _, subject := range f.Case {
		p := &person{ref: "case:" + string(subject.Ref), role: subject.Role}
		if subject.Identity != nil {
			p.identity = *subject.Identity
		}
		p.origins = originsOf(p.identity, suspected)
		if !slices.ContainsFunc(found, func(known *person) bool { return known.same(p) }) {
			found = append(found, p)
		}
	}
	return found
}

// addFromBody adds what the body says of a subject beyond the identity: further names, and a place.
func (p *person) addFromBody(body map[string]any) {
	if textOf(body["person"]) == p.ref {
		p.aliases = textsOf(body["aliases"])
	}
	objects(body, "", func(_ string, object map[string]any) {
		if textOf(object["person"]) != p.ref {
			return
		}
		for _, member := range []string{"location", "address", "current_address", "last_address", "place"} {
			p.placed = p.placed || object[member] != nil
		}
	})
}

func (p *person) holds(d schemas.IdentityDocument) bool {
	return slices.ContainsFunc(p.identity.Documents, func(own schemas.IdentityDocument) bool { return own.Number == d.Number })
}

// same tells whether other adds nothing to what is asked about p already.
func (p *person) same(other *person) bool {
	return p.role == other.role &&
		slices.Equal(p.identity.Names, other.identity.Names) &&
		p.identity.BirthDate == other.identity.BirthDate &&
		!slices.ContainsFunc(other.identity.Documents, func(d schemas.IdentityDocument) bool { return !p.holds(d) }) &&
		!slices.ContainsFunc(other.origins.all(), func(s schemas.StateCode) bool { return !slices.Contains(p.origins.all(), s) })
}

// documentsIn finds the data of documents in a body: whatever has a number and an issuer.
func documentsIn(body map[string]any) []schemas.IdentityDocument {
	var found []schemas.IdentityDocument
	objects(body, "", func(_ string, object map[string]any) {
		if textOf(object["number"]) != "" && textOf(object["issuer"]) != "" {
			found = append(found, documentOf(object))
		}
	})
	slices.SortFunc(found, func(a, b schemas.IdentityDocument) int { return strings.Compare(a.Number, b.Number) })
	return found
}

// originsOf is O(p) as an identity shows it, with the States that the procedure itself makes suspected nationalities.
func originsOf(who schemas.Identity, suspected stateSet) origins {
	o := origins{
		nationality: union(stateSet(who.Nationalities), suspected, issuersOf(who.Documents)),
		former:      union(stateSet(who.FormerNationalities)),
	}
	if len(who.Nationalities) == 0 { // stateless, or not known
		o.residence = union(stateSet(who.HabitualResidences))
		if who.BirthState != "" {
			o.residence = union(o.residence, stateSet{who.BirthState})
		}
	}
	return o
}

// issuersOf are the States whose nationality a document suggests. A visa, a residence permit or a driving licence suggests
// none.
func issuersOf(documents []schemas.IdentityDocument) (states stateSet) {
	for _, d := range documents {
		switch d.Kind {
		case "passport", "id", "birth-certificate", "emergency-travel-document":
			if d.Issuer != "" {
				states = append(states, d.Issuer)
			}
		}
	}
	return union(states)
}

// fromAdministering are the messages of a transfer that the administering State sends.
var fromAdministering = []string{
	"transfer.documents-administering", "transfer.consent-verification-request", "transfer.procedure", "transfer.enforcement-report",
}

// suspectedOrigins are the States that the procedure itself makes suspected nationalities: in a return the other side, in a
// transfer the administering State.
func suspectedOrigins(to schemas.AuthorityID, l *letter) stateSet {
	switch l.payload.Channel {
	case schemas.ChannelRepatriation:
		return stateSet{to.State()}
	case schemas.ChannelTransfer:
		administering := stateSet(statesOf(l.body()["administering_state"]))
		if slices.Contains(fromAdministering, l.kind()) || l.inBody("sender_is") == "administering-state" {
			return administering
		}
		return union(administering, stateSet{to.State()})
	}
	return nil
}

// readersOf is R(m) by States: the recipient, the audience of an item, known forwarding. The sender itself is no reader.
func readersOf(f Facts, l *letter) stateSet {
	readers := stateSet{f.To.State()}
	add := func(id schemas.AuthorityID) {
		if id != f.From {
			readers = append(readers, id.State())
		}
	}
	for _, id := range f.Audience {
		add(id)
	}
	for _, text := range textsOf(l.body()["audience"]) {
		if id, err := schemas.ParseAuthorityID(text); err == nil {
			add(id)
		}
	}
	return union(readers, stateSet(f.Home.Forwarding), stateSet(l.payload.OnwardTo))
}

// applicantOf is the State of an authority that would join a team by this message, nil where none would.
func applicantOf(f Facts, l *letter) stateSet {
	switch l.kind() {
	case "jit.accession-vote", "jit.accession-accept":
		accession, _ := l.body()["accession"].(map[string]any)
		if id, err := schemas.ParseAuthorityID(textOf(accession["author"])); err == nil {
			return stateSet{id.State()}
		}
		return readersOf(f, l) // whoever it is, it reads
	}
	return nil
}

// childAt tells whether somebody born on a day is a child at a moment. An unknown day does not make a child.
func childAt(born schemas.Date, at time.Time) bool {
	day, err := time.Parse(time.DateOnly, string(born))
	return err == nil && at.Before(day.AddDate(18, 0, 0))
}
