package agent

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki"
	"comity/pki/jose"
	"comity/pki/journal"
	"comity/schemas"
)

// A probe is bytes that the State of origin sends in to see what comes back. Its desk signs them past every check of its
// own agent, with its own numbers, as a dishonest one can.

// prober writes to one desk of the host.
type prober struct {
	*stage
	from, to *desk
	seq      uint64
	prev     envelope.Hash
	sent     [][]byte // every envelope so far, to be sent again
	opened   map[schemas.Channel]schemas.CaseID
}

// probe is one way of asking. who is whom it is about.
type probe struct {
	name string
	ask  func(p *prober, who map[string]any)
}

// send signs a payload as the next number and sends it.
func (p *prober) send(payload []byte, change ...func(map[string]any)) {
	p.t.Helper()
	wire := p.seal(payload, p.seq+1, p.prev, change...)
	p.seq++
	p.prev = p.hashOf(wire)
	p.put(wire)
}

func (p *prober) seal(payload []byte, seq uint64, prev envelope.Hash, change ...func(map[string]any)) []byte {
	p.t.Helper()
	channel := func(h map[string]any) { h["channel"] = string(typeOfPayload(payload).Channel()) }
	return p.from.forge(p.to.me, payload, seq, prev, append([]func(map[string]any){channel}, change...)...)
}

// typeOfPayload is mla.request where the payload does not say.
func typeOfPayload(payload []byte) schemas.MessageType {
	if kind := glanceAt(payload).Type; kind.Channel() != "" && slices.Contains(schemas.Types(), kind) {
		return kind
	}
	return "mla.request/1"
}

// hashOf is of the signed part of an envelope of our own.
func (p *prober) hashOf(wire []byte) envelope.Hash {
	p.t.Helper()
	hash := envelope.HashJWS(p.signedOf(wire))
	p.view.drew(hash.String())
	return hash
}

func (p *prober) signedOf(wire []byte) []byte {
	p.t.Helper()
	outer, err := jose.ParseEncrypted(wire, jose.TypEnvelope)
	if err != nil {
		p.t.Fatal(err)
	}
	plaintext, err := outer.Decrypt(p.scheme.Authority(p.to.me).Encryption.Key)
	if err != nil {
		p.t.Fatal(err)
	}
	return bytes.TrimRight(plaintext, " ")
}

// put hands bytes to the broker.
func (p *prober) put(wire []byte) {
	p.t.Helper()
	p.sent = append(p.sent, wire)
	parcel := &store.Parcel{ID: schemas.NewMessageID(), Kind: store.KindMessage, Peer: p.to.me, Wire: wire}
	if outer, err := envelope.Parse(wire); err == nil {
		p.view.drew(string(outer.Route().ID))
	}
	p.lookAtParcel(string(p.from.me)+" sends to "+string(p.to.me), parcel)
	p.flying = append(p.flying, flight{parcel, p.from.me, p.clock.Now()})
}

// control seals a control message of the prober's.
func (p *prober) control(seal func(envelope.Header) (*envelope.Sealed, error)) {
	p.t.Helper()
	sealed, err := seal(envelope.Header{
		From: p.from.me, To: p.to.me, Channel: schemas.ChannelMLA, ID: schemas.NewMessageID(), SentAt: p.clock.Now().UTC().Truncate(time.Second),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.put(sealed.Wire)
}

// probes are the ways of asking. Whoever adds a check to the receiving side adds a probe for it.
func (g *teller) probes() []probe {
	all := []probe{
		{"a member twice", func(p *prober, who map[string]any) {
			p.send(bytes.Replace(g.about("mla.request/1", who), []byte(`"language":"en"`), []byte(`"language":"en","language":"fr"`), 1))
		}},
		{"an unknown version", func(p *prober, who map[string]any) {
			p.send(bytes.Replace(g.about("mla.request/1", who), []byte("mla.request/1"), []byte("mla.request/2"), 1))
		}},
		{"another channel outside", func(p *prober, who map[string]any) {
			p.send(g.about("mla.request/1", who), func(h map[string]any) { h["channel"] = "transfer" })
		}},
		{"a message in a case of others", func(p *prober, who map[string]any) {
			p.send(g.inCase("mla.status-query/1", who, schemas.CaseID(fixedID('c'))))
		}},
		{"a message in its own case", func(p *prober, who map[string]any) {
			p.send(g.inCase("mla.status-query/1", who, p.opened[schemas.ChannelMLA]))
		}},
		{"a message that the case does not permit", func(p *prober, who map[string]any) {
			p.send(g.inCase("mla.result-receipt/1", who, p.opened[schemas.ChannelMLA]))
		}},
		{"an expired message", func(p *prober, who map[string]any) {
			p.send(g.about("mla.request/1", who), func(h map[string]any) {
				h["sent_at"] = p.clock.Now().Add(-2 * time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
				h["valid_until"] = p.clock.Now().Add(-time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
			})
		}},
		{"a message from the future", func(p *prober, who map[string]any) {
			p.send(g.about("mla.request/1", who), func(h map[string]any) {
				h["sent_at"] = p.clock.Now().Add(time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
				h["valid_until"] = p.clock.Now().Add(2 * time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
			})
		}},
		{"a number far ahead", func(p *prober, who map[string]any) {
			p.put(p.seal(g.about("mla.request/1", who), p.seq+maxAhead+7, envelope.Hash{1}))
		}},
		{"seen what was never sent", func(p *prober, who map[string]any) {
			p.send(g.about("mla.request/1", who), func(h map[string]any) { h["seen"] = 99 })
		}},
		{"a hole", func(p *prober, who map[string]any) { // number seq+1 comes late, or never
			late := p.seal(g.about("mla.request/1", who), p.seq+1, p.prev)
			p.seq, p.prev = p.seq+1, p.hashOf(late)
			p.send(g.about("mla.request/1", who))
		}},
		{"the same number with other bytes", func(p *prober, who map[string]any) {
			if p.seq > 0 {
				p.put(p.seal(g.about("transfer.request/1", who), p.seq, envelope.Hash{1}))
			}
		}},
		{"the same bytes again", func(p *prober, _ map[string]any) {
			if len(p.sent) > 0 {
				p.put(p.sent[len(p.sent)-1])
			}
		}},
		{"a message of nobody", func(p *prober, who map[string]any) {
			wire := p.seal(g.about("mla.request/1", who), p.seq+1, p.prev)
			copy(wire[len(wire)-4:], "AAAA") // of the tag of the encryption
			p.put(wire)
		}},
		{"no envelope at all", func(p *prober, _ map[string]any) { p.put([]byte("no envelope")) }},
		{"a resend request", func(p *prober, _ map[string]any) {
			p.control(func(h envelope.Header) (*envelope.Sealed, error) {
				return envelope.SealResend(h, envelope.Resend{First: 1, Last: 20}, p.from.signer(), p.keyOfHost())
			})
		}},
		{"a receipt for nothing", func(p *prober, _ map[string]any) {
			p.control(func(h envelope.Header) (*envelope.Sealed, error) {
				return envelope.SealReceipt(h, envelope.Receipt{ID: fixedID('r'), Seq: 77, JWS: envelope.Hash{7}, Outcome: envelope.Stored, StoredAt: h.SentAt,
					Checkpoint: journal.Edge{}.Checkpoint(journal.Between(h.To, h.From))}, p.from.signer(), p.keyOfHost())
			})
		}},
		{"a breach notice about nothing", func(p *prober, _ map[string]any) {
			p.control(func(h envelope.Header) (*envelope.Sealed, error) {
				return envelope.SealBreach(h, envelope.Breach{ID: fixedID('b'), Seq: 77, JWS: envelope.Hash{7}}, p.from.signer(), p.keyOfHost())
			})
		}},
		{"a void", func(p *prober, who map[string]any) {
			closed := p.seal(g.about("mla.request/1", who), p.seq+1, p.prev)
			jws, id := p.hashOf(closed), p.idOf(closed)
			p.view.drew(string(id))
			p.control(func(h envelope.Header) (*envelope.Sealed, error) {
				h.Seq, h.Prev = p.seq+1, p.prev
				return envelope.SealVoid(h, envelope.Void{ID: id, JWS: jws}, p.from.signer(), p.keyOfHost())
			})
			p.seq, p.prev = p.seq+1, jws
		}},
		{"protected from the host", func(p *prober, who map[string]any) { p.send(g.labelled(who, host)) }},
		{"protected from a third", func(p *prober, who map[string]any) { p.send(g.labelled(who, "QN")) }},
		{"words of asylum", func(p *prober, who map[string]any) {
			p.send(bytes.Replace(g.about("mla.spontaneous-information/1", who), []byte("A carrier on the route"), []byte("She applied for asylum. A carrier on the route"), 1))
		}},
		{"a question of whereabouts", func(p *prober, who map[string]any) {
			p.send(bytes.Replace(g.about("mla.request/1", who), []byte(`"description":"`), []byte(`"description":"Where is the victim staying? `), 1))
		}},
	}
	for _, ch := range schemas.Channels() {
		if ch == schemas.ChannelJIT || ch == schemas.ChannelBorder { // the first asks for a team, the second for another desk
			continue
		}
		for _, kind := range schemas.Types() {
			if kind.Channel() == ch && schemas.Opens(kind) {
				all = append(all, probe{"an opening " + string(kind), func(p *prober, who map[string]any) {
					payload := g.about(kind, who)
					p.send(payload)
					id := p.idOf(p.sent[len(p.sent)-1])
					p.opened[ch] = schemas.CaseOpenedBy(p.from.me, p.to.me, id)
					p.view.drew(string(p.opened[ch]))
				}})
			}
		}
	}
	return all
}

func (p *prober) idOf(wire []byte) schemas.MessageID {
	p.t.Helper()
	outer, err := envelope.Parse(wire)
	if err != nil {
		p.t.Fatal(err)
	}
	return outer.Route().ID
}

// fixedID is an identifier that was never drawn.
func fixedID(letter byte) schemas.MessageID {
	return schemas.MessageID(bytes.Repeat([]byte{letter}, 26))
}

// about is the example of a type about a person, nil for nobody.
func (g *teller) about(kind schemas.MessageType, who map[string]any, change ...func(map[string]any)) []byte {
	g.t.Helper()
	object := deepClone(readLetter(g.t, schemas.Example(kind), g.now).object).(map[string]any)
	delete(object, "protect_from")
	subjects, _ := object["subjects"].([]any)
	for i, s := range subjects {
		subject := s.(map[string]any)
		_, identified := subject["identity"]
		delete(subject, "identity")
		if (identified || i == 0) && who != nil {
			subject["identity"] = deepClone(who)
			break
		}
	}
	for _, c := range change {
		c(object)
	}
	encoded, err := schemas.Canonical(object)
	if err != nil {
		g.t.Fatal(err)
	}
	return encoded
}

func (g *teller) inCase(kind schemas.MessageType, who map[string]any, in schemas.CaseID) []byte {
	g.t.Helper()
	return g.about(kind, who, func(object map[string]any) {
		if in != "" {
			object["case"] = string(in)
		}
	})
}

func (g *teller) labelled(who map[string]any, from schemas.StateCode) []byte {
	g.t.Helper()
	return g.about("mla.spontaneous-information/1", who, func(object map[string]any) { object["protect_from"] = []any{string(from)} })
}

// condition is how the host stands to the person in question while it is probed.
type condition struct {
	name    string
	guarded bool
	mode    registerMode
	stale   bool // the register was never fed
}

// conditions: the first is what all others are compared with.
func conditions() []condition {
	return []condition{
		{"unprotected", false, registerUp, false},
		{"protected", true, registerUp, false},
		{"protected, register slow", true, registerSlow, false},
		{"protected, register down", true, registerDown, false},
		{"unprotected, register down", false, registerDown, false},
		{"unprotected, register stale", false, registerUp, true},
		{"protected, register fed long ago", true, registerUp, true},
	}
}

// inquiry is a seeded list of probes with their moments.
func (g *teller) inquiry(seed uint64, c condition) *story {
	g.t.Helper()
	r := rand.New(rand.NewPCG(seed, 11))
	all := g.probes()
	var chosen []probe
	for range 18 {
		chosen = append(chosen, all[r.IntN(len(all))])
	}
	told := g.ask(c, r, chosen)
	told.name = fmt.Sprintf("inquiry %d, %s", seed, c.name)
	return told
}

// shortInquiry asks what is answered in the commonest ways: stored, rejected, quarantined.
func (g *teller) shortInquiry(c condition) *story {
	g.t.Helper()
	var chosen []probe
	for _, p := range g.probes() {
		if slices.Contains([]string{"an opening mla.request/1", "an opening transfer.request/1", "a member twice", "protected from the host"}, p.name) {
			chosen = append(chosen, p)
		}
	}
	return g.ask(c, rand.New(rand.NewPCG(1, 11)), chosen)
}

func (g *teller) ask(c condition, r *rand.Rand, probes []probe) *story {
	g.t.Helper()
	told := &story{}
	do := func(at time.Duration, by schemas.AuthorityID, what string, deed func(*stage, *desk)) {
		told.acts = append(told.acts, act{at: at, by: by, what: what, deed: deed})
	}
	do(time.Second, qm, "feed", func(s *stage, d *desk) {
		if !c.stale {
			feed(farRow, guardedRow)(s, d)
		} else if c.guarded {
			feed(guardedRow)(s, d)
		}
	})
	do(2*time.Second, qm, "register "+string(c.mode), turned(c.mode))
	var p *prober
	do(3*time.Second, qp, "begin", func(s *stage, d *desk) {
		p = &prober{stage: s, from: d, to: s.desks[qm], opened: map[schemas.Channel]schemas.CaseID{}}
	})
	persons := []map[string]any{guardedIdentity, guardedIdentity, otherIdentity, nil}
	at := 30 * time.Hour // a register that was fed before is stale by now
	if !c.stale {
		do(at-time.Hour, qm, "feed", feed(farRow, guardedRow))
	}
	for _, one := range probes {
		who := persons[r.IntN(len(persons))]
		at += time.Duration(r.IntN(4)*120+r.IntN(50)) * time.Second
		do(at, qp, "probe: "+one.name, func(*stage, *desk) { one.ask(p, who) })
	}
	told.length = at + 2*time.Hour
	return told
}

// Probe: whatever the State of origin sends in is answered the same, whoever it is about and however the register is.
func TestNonInterferenceOfProbes(t *testing.T) {
	c := newCompany(t)
	g := newTeller(t, c.start)
	sum := newTally()
	for seed := range storiesToPlay() / 4 {
		var first *stage
		for _, how := range conditions() {
			told := g.inquiry(seed, how)
			s := c.play(t, told, how.guarded, leak{}, sum)
			if first == nil {
				first = s
				continue
			}
			s.mustLookLike(first, told)
		}
	}
	t.Logf("%d inquiries under %d conditions: %s", storiesToPlay()/4, len(conditions()), sum)
}

func (p *prober) keyOfHost() pki.Proof {
	p.t.Helper()
	key, err := p.from.trust.View().EncryptionKey(p.to.me, p.clock.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	return key
}
