package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"

	"comity/agent/register"
	"comity/pki"
	"comity/schemas"
)

const (
	authorityType cedar.EntityType = "Authority"
	messageType   cedar.EntityType = "Message"
	personType    cedar.EntityType = "Person"
	actionType    cedar.EntityType = "Action"
)

// query is the facts in the form in which Cedar reads them: one question about the message, and one about each standing of
// each person.
type query struct {
	message  cedar.Request
	persons  []cedar.Request
	entities cedar.EntityMap
	// standings are what the persons' questions are about, in the same order.
	standings []standing
	closed    error // why the directory does not open the route, nil where it does
	fearNoted bool
	// protectFrom is what a label of this message would have to hold.
	protectFrom stateSet
}

// maxPersons bounds the standings of one message.
const maxPersons = 2000

// gather turns facts into a query. It fails only where a Source fails or where there is too much to look at: an authority
// that is not listed, a route that is not allowed, a register that does not answer are facts like others.
func (e *Engine) gather(ctx context.Context, f Facts, l *letter) (query, error) {
	sender := authority(f.Directory, f.From)
	recipient := authority(f.Directory, f.To)
	route := f.Directory.Route
	if f.Paper {
		route = f.Directory.PaperRoute
	}
	agreement, closed := route(f.From, f.To, l.payload.Channel, f.At)
	circumstances := cedar.RecordMap{"agreement_in_force": cedar.Boolean(closed == nil && agreement != nil)}
	for _, source := range e.sources {
		record, err := source.Facts(ctx, Message{From: f.From, To: f.To, Payload: l.payload})
		if err != nil {
			return query{}, fmt.Errorf("asking fact source %s: %w", source.Name(), err)
		}
		circumstances[cedar.String(source.Name())] = record
	}

	persons := findPersons(f, l)
	var known known
	look := func(persons []*person, fileText []string) {
		looking, stop := context.WithTimeout(ctx, e.patience)
		defer stop()
		known = askRegister(looking, e.register, persons, slices.Concat(l.namingTexts(), fileText), f.Home.Gate)
	}
	// Where nothing that the register is asked rests on what the scanner reads, both work at the same time. A file of any kind
	// may name people.
	var together sync.WaitGroup
	apart := len(l.files)+len(l.evidence)+len(f.Evidence)+len(f.Originals) > 0 || l.confirmsOnly()
	if !apart {
		together.Go(func() { look(persons, nil) })
	}
	reading, stop := context.WithTimeout(ctx, e.patience*3/4) // what the scanner leaves belongs to the register
	defer stop()
	said := readContent(reading, e.scanner, f, l, sender.called)
	open := openQuestion(reading, e.scanner, f, persons)
	together.Wait()
	if apart {
		if l.confirmsOnly() && said.clean() {
			persons = slices.DeleteFunc(persons, func(p *person) bool { return !p.here })
		}
		look(persons, said.fileText)
	}
	if len(known.standings) > maxPersons {
		return query{}, errors.New("more persons than a decision looks at")
	}

	q := query{
		entities: cedar.EntityMap{}, standings: known.standings, closed: closed, fearNoted: said.fearNoted,
		protectFrom: originSet(known.standings, said),
	}
	sender.attributes["asylum_unit"] = cedar.Boolean(said.unit)
	message := messageFacts{f: f, l: l, said: said, open: open, known: known, readers: readersOf(f, l)}
	attributes := message.record(recipient.uid)
	uid := cedar.NewEntityUID(messageType, "draft") // it has no name of its own: it is not numbered before it is allowed
	q.add(recipient.uid, recipient.attributes)
	q.add(sender.uid, sender.attributes)
	q.add(uid, attributes)
	request := func(action, resource string, kind cedar.EntityType) cedar.Request {
		return cedar.Request{
			Principal: sender.uid, Action: cedar.NewEntityUID(actionType, cedar.String(action)),
			Resource: cedar.NewEntityUID(kind, cedar.String(resource)), Context: cedar.NewRecord(circumstances),
		}
	}
	q.message = request("send", "draft", messageType)
	applicant := applicantOf(f, l)
	for i, s := range known.standings {
		r := request("disclose", fmt.Sprint(i), personType)
		facts := personRecord(s, message.readers, applicant, f.To.State())
		facts["message"] = uid
		facts["consent"] = cedar.Boolean(consents(f, l, s))
		q.add(r.Resource, facts)
		q.persons = append(q.persons, r)
	}
	return q, nil
}

func (q *query) add(uid cedar.EntityUID, attributes cedar.RecordMap) {
	q.entities[uid] = cedar.Entity{UID: uid, Attributes: cedar.NewRecord(attributes)}
}

// originSet is all States from which the persons in P must be protected: those whom the register or the gate record
// protects, and where the message itself says something of asylum, everybody in it.
func originSet(standings []standing, said content) (set stateSet) {
	for _, s := range standings {
		if s.protected() || said.datum || said.structured || said.doubtful {
			set = union(set, s.origins.all())
		}
	}
	return set
}

// messageFacts is everything that the facts of a message are made of.
type messageFacts struct {
	f       Facts
	l       *letter
	said    content
	open    question
	known   known
	readers stateSet
}

func (m messageFacts) record(recipient cedar.EntityUID) cedar.RecordMap {
	p, l := m.l.payload, m.l
	items := m.itemFacts()
	return cedar.RecordMap{
		"recipient":    recipient,
		"channel":      cedar.String(p.Channel),
		"type":         cedar.String(p.Type),
		"kind":         cedar.String(l.kind()),
		"name":         cedar.String(p.Type.Name()),
		"language":     cedar.String(p.Language.Primary()),
		"urgency":      cedar.String(p.Urgency),
		"use_limit":    cedar.String(p.UseLimit),
		"onward":       cedar.String(p.Onward),
		"confidential": cedar.Boolean(p.Confidential),
		"attachments":  cedar.Long(len(l.files) + len(l.evidence)),
		"on_paper":     cedar.Boolean(m.f.Paper),
		"outcome":      cedar.String(m.outcome()),
		"template":     cedar.String(l.inBody("template")),
		"valid":        cedar.Boolean(len(l.defects) == 0),

		"free_text":       cedar.Boolean(l.freeText()),
		"not_origin_safe": cedar.Boolean(l.notOriginSafe()),
		"minimal":         cedar.Boolean(l.minimal()),

		"datum":           cedar.Boolean(m.said.datum),
		"structured":      cedar.Boolean(m.said.structured || len(p.ProtectFrom) > 0),
		"doubtful":        cedar.Boolean(m.said.doubtful),
		"eurodac":         cedar.Boolean(m.said.eurodac),
		"unreadable":      cedar.Boolean(m.said.unreadable),
		"names_unchecked": cedar.Boolean(m.known.unchecked),

		"persons":       cedar.Boolean(len(m.known.standings) > 0),
		"suspects_only": cedar.Boolean(suspectsOnly(m.known.standings)),
		"child":         cedar.Boolean(m.child()),
		"victim_data":   cedar.Boolean(m.victimData()),
		"adults_only":   cedar.Boolean(m.adultsOnly()),

		"protected_from_reader":      cedar.Boolean(m.readers.meets(stateSet(p.ProtectFrom))),
		"item_protected_from_reader": cedar.Boolean(items.protectedFromReader),
		"item_protected":             cedar.Boolean(items.protected),
		"onward_breach":              cedar.Boolean(items.onward),
		"use_breach":                 cedar.Boolean(items.use),

		"asked":            cedar.Boolean(m.open.open),
		"answer_by_choice": cedar.Boolean(m.open.byChoice),

		"gate": gateRecord(m.f.Home.Gate, m.said.fearNoted),
	}
}

func (m messageFacts) outcome() string {
	if m.l.payload.Type.Name() != "decision" {
		return ""
	}
	return m.l.inBody("outcome")
}

// child tells whether a person of the message is a child, or is to be treated as one because the age is in doubt.
func (m messageFacts) child() bool {
	if gate := m.f.Home.Gate; gate != nil && gate.AgeInDoubt {
		return true
	}
	return slices.ContainsFunc(m.known.standings, func(s standing) bool { return childAt(s.identity.BirthDate, m.f.At) })
}

// victimData tells whether a victim stands in the message, or a list of persons under a name that means them.
func (m messageFacts) victimData() bool {
	for _, s := range m.l.payload.Subjects {
		if s.Role == schemas.RoleVictim {
			return true
		}
	}
	return slices.ContainsFunc(m.l.leaves, func(leaf schemas.Leaf) bool {
		return leaf.Unknown && leaf.Text != "" && containsAny(strings.ToLower(leaf.Pointer), []string{"victim", "passenger"})
	})
}

// adultsOnly tells whether a border message counts possible victims and does not say that a child may be among them.
func (m messageFacts) adultsOnly() bool {
	body := m.l.body()
	count, _ := body["possible_victims"].(float64)
	return m.l.payload.Channel == schemas.ChannelBorder && count > 0 && body["child_possible"] != true
}

// suspectsOnly tells whether everybody is a suspect or convict whose status is none. Likeness to a registered person does
// not count here: it holds, and must not make a block of a hold.
func suspectsOnly(standings []standing) bool {
	sure := 0
	for _, s := range standings {
		if !s.certain {
			continue
		}
		if s.status != register.None || s.role != schemas.RoleSuspect && s.role != schemas.RoleConvicted {
			return false
		}
		sure++
	}
	return sure > 0
}

// itemFacts is what sticks to the items that the message carries on.
type itemFacts struct{ onward, use, protected, protectedFromReader bool }

func (m messageFacts) itemFacts() (facts itemFacts) {
	for _, item := range m.f.Items {
		for _, reader := range m.readers {
			allowed := item.Consented || reader == item.From.State() || slices.Contains(item.SentTo, reader) ||
				item.Onward == schemas.OnwardListed && slices.Contains(item.OnwardTo, reader)
			facts.onward = facts.onward || !allowed
		}
		facts.use = facts.use || item.UseLimit != schemas.UseUnlimited && !item.SameCase && !item.Consented
		facts.protected = facts.protected || len(item.ProtectFrom) > 0
		facts.protectedFromReader = facts.protectedFromReader || m.readers.meets(stateSet(item.ProtectFrom))
	}
	return facts
}

func gateRecord(gate *Gate, fearNoted bool) cedar.Record {
	recorded := gate != nil
	if !recorded {
		gate = &Gate{}
	}
	child := gate.Child
	if child == nil {
		child = &Child{}
	}
	return cedar.NewRecord(cedar.RecordMap{
		"recorded":       cedar.Boolean(recorded),
		"voluntary":      cedar.Boolean(gate.Voluntary),
		"informed":       cedar.Boolean(gate.InformedOfRight),
		"risk":           cedar.String(gate.Risk),
		"proceedings":    cedar.String(gate.Proceedings),
		"age_in_doubt":   cedar.Boolean(gate.AgeInDoubt),
		"best_interests": cedar.Boolean(child.BestInterests),
		"guardian":       cedar.Boolean(child.Guardian),
		"fear_noted":     cedar.Boolean(fearNoted),
	})
}

// personRecord is a standing in the form in which Cedar reads it; what depends on the letter is added by the caller.
func personRecord(s standing, readers, applicant stateSet, to schemas.StateCode) cedar.RecordMap {
	set := s.origins.all()
	direct := slices.Contains(set, to)
	return cedar.RecordMap{
		"role":         cedar.String(s.role),
		"identifiable": cedar.Boolean(s.identifiable()),
		"named":        cedar.Boolean(s.named),
		"placed":       cedar.Boolean(s.placed),
		"certain":      cedar.Boolean(s.certain),
		"status":       cedar.String(s.status),
		"protected":    cedar.Boolean(s.protected()),
		"inherited":    cedar.Boolean(s.match.Inherited),
		"witness":      cedar.Boolean(s.match.Witness || s.record.ProtectedWitness),

		"origin_known":           cedar.Boolean(len(set) > 0),
		"reached":                cedar.Boolean(readers.meets(set)),
		"reached_surely":         cedar.Boolean(readers.meets(s.sure())),
		"reached_by_nationality": cedar.Boolean(readers.meets(s.origins.former) || len(s.origins.nationality) > 1 && readers.meets(s.origins.nationality)),
		"reached_by_residence":   cedar.Boolean(readers.meets(s.origins.residence)),
		"reached_by_fear":        cedar.Boolean(readers.meets(s.origins.feared)),
		"reached_beyond":         cedar.Boolean(!direct && readers.meets(set)),
		"joining":                cedar.Boolean(applicant.meets(set)),

		"suspensive_remedy":   cedar.Boolean(s.match.SuspensiveRemedy),
		"informed_of_sharing": cedar.Boolean(s.match.Informed),
		"withdrawal":          cedar.Boolean(s.match.Withdrawal),

		"by_choice": cedar.Boolean(s.record.NameByChoice && strings.TrimSpace(s.record.Necessity) != ""),
	}
}

// entry is an authority in the form in which Cedar reads it, and what it is called.
type entry struct {
	uid        cedar.EntityUID
	attributes cedar.RecordMap
	called     string
}

// competent are the kinds of authority that may speak for their State.
var competent = []pki.Kind{pki.KindCentralAuthority, pki.KindJudicial, pki.KindProsecution, pki.KindBorderAgency, pki.KindLawEnforcement}

// authority is the directory's row as an entity. What is not in the directory is an entity too, so that a rule can say
// so, instead of an evaluation error.
func authority(d Directory, id schemas.AuthorityID) entry {
	row, err := d.Authority(id)
	listed := err == nil && row != nil && row.ID == id
	if !listed {
		row = &pki.Authority{}
	}
	return entry{
		uid: cedar.NewEntityUID(authorityType, cedar.String(id)),
		attributes: cedar.RecordMap{
			"state":       cedar.String(id.State()),
			"kind":        cedar.String(row.Kind),
			"listed":      cedar.Boolean(listed),
			"connected":   cedar.Boolean(listed && row.Kind != pki.KindNotConnected),
			"competent":   cedar.Boolean(slices.Contains(competent, row.Kind)),
			"asylum_unit": cedar.False,
			"channels":    stringSet(row.Channels),
			"types":       stringSet(row.Types),
			"languages":   stringSet(row.Languages),
		},
		called: row.Name + " " + id.Name(),
	}
}

func stringSet[S ~string](names []S) cedar.Set {
	values := make([]cedar.Value, len(names))
	for i, name := range names {
		values[i] = cedar.String(name)
	}
	return cedar.NewSet(values...)
}
