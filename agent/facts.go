package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/policy"
	"comity/agent/scan"
	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
	"comity/schemas/team"
)

// outgoing is what may leave, as far as a decision needs it: a message of the store, or a draft that is only asked about.
type outgoing struct {
	key     store.Key // zero for a draft that is only asked about
	to      schemas.AuthorityID
	payload []byte
	home    []byte // what was recorded beside it
}

func outgoingOf(m *store.Message) outgoing {
	return outgoing{key: m.Key, to: m.Recipient, payload: m.Payload, home: m.Home}
}

// decide is step 4: the rules are asked on the facts of this moment, with what our own records add.
func (a *Agent) decide(ctx context.Context, o outgoing, view *pki.View, at time.Time, release *policy.Release) (policy.Decision, *policy.Clearance, error) {
	var g gathered
	err := a.store.View(ctx, func(tx *store.Tx) error {
		g = a.gather(tx, o)
		return g.err
	})
	if err != nil {
		return policy.Decision{}, nil, fmt.Errorf("gathering what a decision rests on: %w", err)
	}
	if release != nil {
		g.facts.Release = release
	}
	return a.decideOn(ctx, g, view, at)
}

// gathered is what a decision rests on but for the directory and the moment, or why that cannot be told.
type gathered struct {
	facts policy.Facts
	err   error
}

func (a *Agent) gather(tx *store.Tx, o outgoing) (g gathered) {
	if g.facts, g.err = a.facts(tx, o); g.err == nil && o.key.ID != "" {
		g.facts.Release, g.err = releaseOf(tx, o.key)
	}
	return g
}

// gatherAll gathers for several messages that wait, on one snapshot: beginning one costs more than most ask of it.
func (a *Agent) gatherAll(ctx context.Context, waiting []*store.Message) map[*store.Message]gathered {
	all := map[*store.Message]gathered{}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		for _, m := range waiting {
			all[m] = a.gather(tx, outgoingOf(m))
		}
		return nil
	})
	if err != nil {
		for _, m := range waiting {
			all[m] = gathered{err: err}
		}
	}
	return all
}

func (a *Agent) decideOn(ctx context.Context, g gathered, view *pki.View, at time.Time) (policy.Decision, *policy.Clearance, error) {
	if g.err != nil {
		return policy.Decision{}, nil, fmt.Errorf("gathering what a decision rests on: %w", g.err)
	}
	var err error
	if g.facts.Evidence, err = a.evidenceContents(ctx, a.me, g.facts.Payload); err != nil {
		return policy.Decision{}, nil, fmt.Errorf("reading the evidence that a decision rests on: %w", err)
	}
	g.facts.Directory, g.facts.At, g.facts.Paper = view, at, onPaper(view, g.facts.To)
	decision, clearance := a.policy.Decide(ctx, g.facts)
	return decision, clearance, nil
}

// glance is what the agent's own records are asked by. A payload that breaks its schema is read as far as it can be:
// what is wrong with it, policy says.
type glance struct {
	Channel     schemas.Channel        `json:"channel"`
	Type        schemas.MessageType    `json:"type"`
	Case        schemas.CaseID         `json:"case"`
	Subjects    []schemas.Subject      `json:"subjects"`
	Attachments []schemas.Attachment   `json:"attachments"`
	Evidence    []schemas.EvidenceFile `json:"evidence"`
	Body        struct {
		Team     team.ID               `json:"team"`
		Audience []schemas.AuthorityID `json:"audience"`
	} `json:"body"`
}

func glanceAt(payload []byte) glance {
	var g glance
	if json.Unmarshal(payload, &g) != nil {
		return glance{}
	}
	return g
}

// facts gathers what our own records add to what the message says: whom its case is about, what the peer asked, what
// sticks to the items that it passes on, and who else gets it.
func (a *Agent) facts(tx *store.Tx, o outgoing) (policy.Facts, error) {
	f := policy.Facts{From: a.me, To: o.to, Payload: o.payload}
	g := glanceAt(o.payload)
	home, err := policy.ParseHome(o.home)
	if err != nil {
		return f, fmt.Errorf("reading what was recorded beside a message: %w", err)
	}
	f.Home = home
	var earlier []*store.Message
	if g.Case != "" {
		if earlier, err = tx.BareMessagesOfCase(g.Case, o.to); err != nil {
			return f, err
		}
	}
	addCase(&f, earlier, o.key)
	if err := a.addTeam(tx, &f); err != nil {
		return f, err
	}
	before, err := originals(tx, &f, o.key)
	if err != nil {
		return f, err
	}
	return f, a.addItems(tx, &f, g, before)
}

// addCase reads whom the messages of a case are about, what the peer has asked in it, and the latest gates.
func addCase(f *policy.Facts, messages []*store.Message, self store.Key) {
	own := glanceAt(f.Payload).Subjects
	// The latest first; what was asked before a point that settled it has had its answer.
	settled := false
	for _, m := range slices.Backward(messages) {
		if m.Key == self {
			continue
		}
		if m.Direction == store.Out && m.Home != nil && m.State != store.Discarded {
			if earlier, err := policy.ParseHome(m.Home); err == nil {
				inherit(&f.Home, earlier, own, glanceAt(m.Payload).Subjects)
			}
		}
		if !m.Counts() || m.Payload == nil {
			continue
		}
		addSubjects(f, glanceAt(m.Payload).Subjects)
		switch {
		case m.Direction == store.Out:
			settled = settled || m.Type.Name() == "decision" && policy.Settles(m.Payload)
		case !settled:
			f.Asked = append(f.Asked, m.Payload)
		}
	}
}

// inherit takes over what an earlier message of the case recorded and this one does not say anew: the latest word counts. A
// reference means nothing in another message, so what was recorded of a person counts where it is the same person.
func inherit(home *policy.Home, earlier policy.Home, own, theirs []schemas.Subject) {
	if home.Gate == nil {
		home.Gate = earlier.Gate
	}
	for ref, record := range earlier.Persons {
		if _, said := home.Persons[ref]; !said && samePerson(ref, own, theirs) {
			persons := maps.Clone(home.Persons)
			if persons == nil {
				persons = map[schemas.SubjectRef]policy.PersonRecord{}
			}
			persons[ref], home.Persons = record, persons
		}
	}
}

// samePerson tells whether a reference stands for one person in two messages: the later one does not name the person anew, or
// by the same names.
func samePerson(ref schemas.SubjectRef, own, theirs []schemas.Subject) bool {
	by := func(s schemas.Subject) bool { return s.Ref == ref }
	i, j := slices.IndexFunc(own, by), slices.IndexFunc(theirs, by)
	if i < 0 || own[i].Identity == nil {
		return true
	}
	return j >= 0 && theirs[j].Identity != nil && own[i].Role == theirs[j].Role && slices.Equal(own[i].Identity.Names, theirs[j].Identity.Names) &&
		slices.Equal(own[i].Identity.Documents, theirs[j].Identity.Documents)
}

func addSubjects(f *policy.Facts, subjects []schemas.Subject) {
	for _, s := range subjects {
		known := slices.ContainsFunc(f.Case, func(k schemas.Subject) bool { return sameSubject(k, s) })
		if !known {
			f.Case = append(f.Case, s)
		}
	}
}

func sameSubject(a, b schemas.Subject) bool {
	if a.Ref != b.Ref || a.Role != b.Role || (a.Identity == nil) != (b.Identity == nil) {
		return false
	}
	if a.Identity == nil {
		return true
	}
	x, errX := schemas.Canonical(a.Identity)
	y, errY := schemas.Canonical(b.Identity)
	return errX == nil && errY == nil && string(x) == string(y)
}

// addTeam adds, for an item of a joint investigation team, who else gets it and whom the team's items are about: a member
// that joins may be sent what stands in any of them.
func (a *Agent) addTeam(tx *store.Tx, f *policy.Facts) error {
	if glanceAt(f.Payload).Type.Channel() != schemas.ChannelJIT {
		return nil
	}
	p, err := schemas.Validate(f.Payload)
	if err != nil {
		return nil // policy says what is wrong with it
	}
	item, err := team.Read(a.me, p)
	if err != nil {
		return nil // no item, or one that the team's own checks refuse
	}
	f.Audience = slices.DeleteFunc(slices.Clone(item.Audience), func(id schemas.AuthorityID) bool { return id == a.me || id == f.To })
	messages, err := tx.MessagesOfTeam(nameOf(item.Team))
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Counts() && m.Payload != nil {
			addSubjects(f, glanceAt(m.Payload).Subjects)
		}
	}
	return nil
}

// addItems adds the received items that the message attaches or declares as quoted, each with what sticks to it.
func (a *Agent) addItems(tx *store.Tx, f *policy.Facts, g glance, hashes []store.Hash) error {
	attached, err := a.attachedTo(tx, g)
	if err != nil {
		return err
	}
	for _, hash := range append(hashes, attached...) {
		found, err := tx.MessagesWithItem(hash)
		if err != nil {
			return err
		}
		for _, m := range found {
			if m.Direction != store.In || oursBefore(found, m) {
				continue
			}
			if err := a.addItem(tx, f, g, m, hex.EncodeToString(hash[:])); err != nil {
				return err
			}
		}
	}
	for _, quote := range f.Home.Quotes {
		found, err := tx.MessagesByPrefix(string(quote.Message), 2)
		if err != nil {
			return err
		}
		for _, m := range found {
			if m.Direction != store.In {
				continue
			}
			if err := a.addItem(tx, f, g, m, quote.SHA256); err != nil {
				return err
			}
		}
	}
	return nil
}

// oursBefore tells whether we had sent a file ourselves before it came to us: it is not the peer's to bind.
func oursBefore(withFile []*store.Message, received *store.Message) bool {
	return slices.ContainsFunc(withFile, func(m *store.Message) bool {
		return m.Direction == store.Out && !m.SealedAt.IsZero() && !m.SealedAt.After(received.StoredAt)
	})
}

// attachedTo are the hashes of the files of a message of ours: as they are, and as they were when they may have come here.
func (a *Agent) attachedTo(tx *store.Tx, g glance) (hashes []store.Hash, err error) {
	for _, attached := range g.Attachments {
		if hash, ok := fileHash(attached.SHA256); ok {
			hashes = append(hashes, hash)
		}
	}
	for _, file := range g.Evidence {
		if hash, ok := fileHash(file.SHA256); ok {
			hashes = append(hashes, hash)
		}
		original, err := originalOf(tx, a.me, file.ID)
		if err != nil {
			return nil, err
		}
		if original != nil {
			hashes = append(hashes, sha256.Sum256(original))
		}
	}
	return hashes, nil
}

// fileHash reads a SHA-256 as payloads spell it.
func fileHash(text string) (store.Hash, bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(store.Hash{}) {
		return store.Hash{}, false
	}
	return store.Hash(b), true
}

func (a *Agent) addItem(tx *store.Tx, f *policy.Facts, g glance, m *store.Message, sha256 string) error {
	var p schemas.Payload
	if m.Payload == nil { // erased: what is known of it is that it must not be passed on
		p = schemas.Payload{Onward: schemas.OnwardNone, UseLimit: schemas.StatedCaseOnly}
	} else if err := schemas.Decode(m.Payload, &p, schemas.PayloadLimits); err != nil {
		return fmt.Errorf("reading message %s: %w", m.ID, err)
	}
	consented, err := a.consented(tx, m, sha256, f.To)
	if err != nil {
		return err
	}
	of := glanceAt(m.Payload)
	sameCase := g.Case != "" && g.Case == m.Case && m.Sender == f.To
	f.Items = append(f.Items, policy.Item{
		From: m.Sender, Onward: p.Onward, OnwardTo: p.OnwardTo, SentTo: of.audience(), UseLimit: p.UseLimit, ProtectFrom: p.ProtectFrom,
		SameCase: sameCase || g.sameTeam(of), Consented: consented,
	})
	return nil
}

// audience is the States that an item of a team was sent to by its author.
func (g glance) audience() (states []schemas.StateCode) {
	for _, id := range g.Body.Audience {
		states = append(states, id.State())
	}
	return states
}

// sameTeam tells whether both are items of one team: what one member sent to it is used in its case.
func (g glance) sameTeam(other glance) bool {
	return g.Type.Channel() == schemas.ChannelJIT && g.Body.Team != (team.ID{}) && g.Body.Team == other.Body.Team
}

// noteItems makes a message and its files known by their hashes, so that they are recognised when they are passed on.
func noteItems(tx *store.Tx, m *store.Message) error {
	if err := tx.AddItem(m.PayloadSHA256, m.Key); err != nil {
		return err
	}
	for _, file := range evidenceNamed(m.Payload) {
		if hash, ok := fileHash(file.SHA256); ok {
			if err := tx.AddItem(hash, m.Key); err != nil {
				return err
			}
		}
	}
	for _, file := range glanceAt(m.Payload).Attachments {
		if hash, ok := fileHash(file.SHA256); ok {
			if err := tx.AddItem(hash, m.Key); err != nil {
				return err
			}
		}
		if m.Direction == store.Out {
			continue
		}
		// A file that came here is made neutral when it is attached to a message of ours: it is known under that hash too.
		neutral, err := scan.Neutralise(scan.File{Name: file.Name, MediaType: file.MediaType, Content: file.Content}, 1, false)
		if err == nil && neutral.Changed {
			if err := tx.AddItem(neutral.After, m.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

// consented tells whether the State that an item came from has allowed that it goes to an authority: by a granted decision
// on another use, in the case of the item, that names the item and the recipient (UNTOC art. 18(19)).
func (a *Agent) consented(tx *store.Tx, item *store.Message, sha256 string, to schemas.AuthorityID) (bool, error) {
	messages, err := tx.BareMessagesOfCase(item.Case, item.Sender)
	if err != nil {
		return false, err
	}
	for _, m := range messages {
		if m.Direction != store.In || !m.Counts() || m.Type.Name() != "use-consent-decision" || m.Payload == nil {
			continue
		}
		if grants(m.Payload, item.ID, sha256, to) {
			return true, nil
		}
	}
	return false, nil
}

// grants reads a decision on another use.
func grants(payload []byte, item schemas.MessageID, sha256 string, to schemas.AuthorityID) bool {
	var decision struct {
		Body struct {
			Outcome string `json:"outcome"`
			Items   []struct {
				Message schemas.MessageID `json:"message"`
				SHA256  string            `json:"sha256"`
			} `json:"items"`
			Recipients []string `json:"recipients"`
		} `json:"body"`
	}
	if json.Unmarshal(payload, &decision) != nil || decision.Body.Outcome == "refused" {
		return false
	}
	named := slices.Contains(decision.Body.Recipients, string(to)) || slices.Contains(decision.Body.Recipients, string(to.State()))
	for _, i := range decision.Body.Items {
		if named && i.Message == item && (i.SHA256 == "" || i.SHA256 == sha256) {
			return true
		}
	}
	return false
}

// releaseOf reads what two protection officers have released of a message: the last decision about it, and no other.
func releaseOf(tx *store.Tx, k store.Key) (*policy.Release, error) {
	review, err := tx.Review(k)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	releases, err := tx.Releases(k, review.Digest)
	if err != nil || len(releases) < 2 {
		return nil, err
	}
	r := &policy.Release{Digest: review.Digest, By: [2]string{releases[0].Person, releases[1].Person}}
	for _, one := range releases {
		r.Necessity = max(r.Necessity, one.Necessity)
	}
	return r, nil
}
