package agent

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/deploy/samples"
	"comity/pki/jose"
	"comity/pki/journal"
	"comity/schemas"
)

// A comparison that finds nothing proves something only if it would find what is there. Each leak here is a small fault in
// the world under protection, planted where the stage carries bytes or hands a desk its work; each must be found, and by
// its name.

// leak is a fault that a test plants. The zero value is none.
type leak struct {
	submits func(*stage, *desk, *store.Parcel) bool // may change what is handed to the broker; false withholds it
	holds   func(*stage, *desk, *store.Message)     // when policy has stopped a message
	frees   func(*stage, *desk, *written)           // when two officers have released one
	feeds   func(*stage, *desk)                     // when a register was fed
}

// planted is a leak with what it must be found by.
type planted struct {
	name string
	leak leak
	fact string // that differs first; "" where one world sees something that the other does not
	what string // that is seen
}

// leaksOfHolding are faults that tell the State of origin that something is held back from it, or was.
func leaksOfHolding() []planted {
	return []planted{
		{"a number is used up by what is held", leak{holds: func(s *stage, d *desk, m *store.Message) {
			s.change(d, func(tx *store.Tx) error {
				pair, err := tx.Pair(m.Recipient)
				pair.Sent++
				used := journal.Number{From: d.me, To: m.Recipient, Seq: pair.Sent, JWS: m.PayloadSHA256}
				return errors.Join(err, tx.PutPair(pair), d.recordNumber(tx, used))
			})
		}}, "header seq", "QP/justice is sent a message by QM/justice"},
		{"what is held takes part in the chain of hashes", leak{holds: func(s *stage, d *desk, m *store.Message) {
			s.change(d, func(tx *store.Tx) error {
				pair, err := tx.Pair(m.Recipient)
				pair.SentHash = m.PayloadSHA256
				return errors.Join(err, tx.PutPair(pair))
			})
		}}, "header prev", "QP/justice is sent a message by QM/justice"},
		{"what officers release leaves at once", leak{frees: func(s *stage, d *desk, w *written) {
			for _, id := range w.ids {
				d.seal(id)
			}
		}}, "at", "QP/justice is sent a message by QM/justice"},
		{"what is held holds up the rest of its tick", leak{holds: func(s *stage, d *desk, _ *store.Message) {
			s.ticks[d.me].routine.next = s.ticks[d.me].routine.next.Add(time.Hour)
		}}, "at", "QP/justice is sent a message by QM/justice"},
		{"what was released is not padded", leak{submits: ofReleased(func(s *stage, d *desk, p *store.Parcel) {
			p.Wire = s.sealAgain(p, s.signedIn(p))
		})}, "padded size", "QP/justice is sent a message by QM/justice"},
		{"an answer names a message that was never sent", leak{submits: toOrigin(store.KindMessage, func(s *stage, d *desk, p *store.Parcel) {
			if held := s.firstHeld(d); held != "" {
				s.signAgain(d, p, func(_, payload map[string]any) { payload["in_reply_to"] = string(held) })
			}
		})}, "payload in_reply_to", "QP/justice is sent a message by QM/justice"},
		{"a message counts what is held as said", leak{submits: toOrigin(store.KindMessage, func(s *stage, d *desk, p *store.Parcel) {
			if held := s.firstHeld(d); held != "" {
				s.signAgain(d, p, func(header, _ map[string]any) { header["seen"] = 0 })
			}
		})}, "header seen", "QP/justice is sent a message by QM/justice"},
		{"a change of status sends something", leak{feeds: func(s *stage, d *desk) {
			if d.me == qm && s.guarded {
				s.change(d, func(tx *store.Tx) error { return d.ask(tx, qp, schemas.ChannelMLA, envelope.Resend{First: 1, Last: 1}) })
			}
		}}, "", "QP/justice is sent a resend by QM/justice"},
		{"a chunk of a file leaves before its message", leak{holds: func(s *stage, d *desk, m *store.Message) {
			for _, f := range evidenceNamed(m.Payload) {
				d.jobs.put(job{peer: m.Recipient, channel: m.Channel, attempt: schemas.NewMessageID(), file: f, ranges: []envelope.ChunkRange{{First: 0, Last: 0}}})
			}
		}}, "", "QP/justice is sent a chunk by QM/justice"},
		{"a file of what is held counts in the names of others", leak{submits: toOrigin(store.KindMessage, func(s *stage, d *desk, p *store.Parcel) {
			if s.firstHeld(d) != "" {
				s.signAgain(d, p, func(_, payload map[string]any) {
					if files, _ := payload["evidence"].([]any); len(files) > 0 {
						files[0].(map[string]any)["name"] = "evidence-2.txt"
					}
				})
			}
		})}, "payload evidence", "QP/justice is sent a message by QM/justice"},
		{"what is held sends something", leak{holds: func(s *stage, d *desk, m *store.Message) {
			s.change(d, func(tx *store.Tx) error { return d.ask(tx, m.Recipient, m.Channel, envelope.Resend{First: 1, Last: 1}) })
		}}, "", "QP/justice is sent a resend by QM/justice"},
	}
}

// leaksOfBoth are faults that show in the other world too, and must tell the two apart all the same.
func leaksOfBoth() []planted {
	return []planted{
		{"a checkpoint counts the home log", leak{submits: toOrigin(store.KindReceipt, func(s *stage, d *desk, p *store.Parcel) {
			s.signAgain(d, p, func(_, payload map[string]any) { payload["checkpoint"] = s.homeCheckpoint(d) })
		})}, "payload checkpoint", "QP/justice is sent a receipt by QM/justice"},
	}
}

// leaksOfProbing are faults by which a probe would tell who is under protection.
func leaksOfProbing() []planted {
	return []planted{
		{"a receipt waits for the register", leak{submits: toOrigin(store.KindReceipt, func(s *stage, d *desk, p *store.Parcel) {
			if d.mode() == registerDown {
				s.clock.Advance(10 * time.Second)
			}
		})}, "at", "QP/justice is sent a receipt by QM/justice"},
		{"no receipt without the register", leak{submits: func(s *stage, d *desk, p *store.Parcel) bool {
			return p.Peer != qp || p.Kind != store.KindReceipt || d.mode() != registerDown
		}}, "", "QP/justice is sent a receipt by QM/justice"},
		{"a reason of its own for the protected", leak{submits: toOrigin(store.KindReceipt, func(s *stage, d *desk, p *store.Parcel) {
			if s.guarded {
				s.signAgain(d, p, func(_, payload map[string]any) {
					if payload["reason"] != nil {
						payload["reason"] = "protected"
					}
				})
			}
		})}, "payload reason", "QP/justice is sent a receipt by QM/justice"},
		{"a rejection of what is about the protected", leak{submits: toOrigin(store.KindReceipt, func(s *stage, d *desk, p *store.Parcel) {
			if s.guarded && s.isAboutGuarded(d, p.Subject) {
				s.signAgain(d, p, func(_, payload map[string]any) { payload["outcome"] = "rejected" })
			}
		})}, "payload outcome", "QP/justice is sent a receipt by QM/justice"},
		{"a breach notice that follows from the register", leak{submits: toOrigin(store.KindReceipt, func(s *stage, d *desk, p *store.Parcel) {
			if s.guarded && s.isAboutGuarded(d, p.Subject) {
				m, err := d.find(qp, p.Subject)
				if err == nil {
					s.change(d, func(tx *store.Tx) error { return d.tellBreach(tx, m) })
				}
			}
		})}, "", "QP/justice is sent a breach by QM/justice"},
	}
}

// leaksOfAnswering are faults by which an answer would tell whether there is anybody to protect.
func leaksOfAnswering() []planted {
	return []planted{
		{"an answer of its own for the protected", leak{submits: toOrigin(store.KindMessage, func(s *stage, d *desk, p *store.Parcel) {
			if s.guarded {
				s.signAgain(d, p, func(_, payload map[string]any) { payload["body"].(map[string]any)["template"] = "not-available" })
			}
		})}, "payload body template", "QP/justice is sent a message by QM/justice"},
		{"an answer that takes longer for the protected", leak{submits: toOrigin(store.KindMessage, func(s *stage, d *desk, p *store.Parcel) {
			if s.guarded {
				s.clock.Advance(time.Second)
			}
		})}, "at", "QP/justice is sent a message by QM/justice"},
	}
}

// toOrigin makes a leak of what is submitted to the State of origin.
func toOrigin(kind store.Kind, change func(*stage, *desk, *store.Parcel)) func(*stage, *desk, *store.Parcel) bool {
	return func(s *stage, d *desk, p *store.Parcel) bool {
		if p.Kind == kind && isOf(p.Peer, origin) && !isOf(d.me, origin) {
			change(s, d, p)
		}
		return true
	}
}

// ofReleased makes a leak of the messages that officers had to release.
func ofReleased(change func(*stage, *desk, *store.Parcel)) func(*stage, *desk, *store.Parcel) bool {
	return toOrigin(store.KindMessage, func(s *stage, d *desk, p *store.Parcel) {
		if w := s.wrote[s.labels[p.ID]]; w != nil && w.held {
			change(s, d, p)
		}
	})
}

func (s *stage) change(d *desk, work func(*store.Tx) error) {
	s.t.Helper()
	if err := d.store.Update(s.t.Context(), work); err != nil {
		s.t.Fatal(err)
	}
	s.stir(d)
}

// homeCheckpoint is the size and the hash of a desk's home log, in the form of what a receipt may say.
func (s *stage) homeCheckpoint(d *desk) (text string) {
	s.t.Helper()
	err := d.store.View(s.t.Context(), func(tx *store.Tx) error {
		edge, err := tx.Edge(journal.Home(d.me))
		text = edge.Checkpoint(journal.Between(qp, d.me)).Text()
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// firstHeld is a message of a desk that is held back from the State of origin, "" where there is none.
func (s *stage) firstHeld(d *desk) schemas.MessageID {
	for _, label := range sortedKeys(s.wrote) {
		if w := s.wrote[label]; w.by == d.me && w.held && w.left.IsZero() {
			return w.ids[0]
		}
	}
	return ""
}

// isAboutGuarded tells whether a received message names the person in question.
func (s *stage) isAboutGuarded(d *desk, id schemas.MessageID) bool {
	m, err := d.find(qp, id)
	return err == nil && bytes.Contains(m.Payload, []byte(guardedIdentity["names"].([]any)[0].(string)))
}

// signedIn opens a parcel.
func (s *stage) signedIn(p *store.Parcel) []byte {
	s.t.Helper()
	outer, err := jose.ParseEncrypted(p.Wire, jose.TypEnvelope)
	if err != nil {
		s.t.Fatal(err)
	}
	plaintext, err := outer.Decrypt(s.scheme.Authority(p.Peer).Encryption.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	return bytes.TrimRight(plaintext, " ")
}

// sealAgain encrypts without padding.
func (s *stage) sealAgain(p *store.Parcel, plaintext []byte) []byte {
	s.t.Helper()
	outer, err := envelope.Parse(p.Wire)
	if err != nil {
		s.t.Fatal(err)
	}
	to := s.scheme.Authority(p.Peer).Encryption.Certificate.PublicKey.(*ecdsa.PublicKey)
	wire, err := jose.Encrypt(to, jose.TypEnvelope, outer.Route(), plaintext)
	if err != nil {
		s.t.Fatal(err)
	}
	return wire
}

// signAgain changes what a desk signed and signs it with the desk's own key.
func (s *stage) signAgain(d *desk, p *store.Parcel, change func(header, payload map[string]any)) {
	s.t.Helper()
	jws := s.signedIn(p)
	header, payload := partsOf(s.t, jws)
	typ := jose.Typ(header["typ"].(string))
	change(header, payload)
	for _, own := range []string{"alg", "typ", "x5t#S256"} {
		delete(header, own)
	}
	content, err := schemas.Canonical(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	signing := d.keys.Signing
	again, err := jose.Sign(signing.Key, jose.Thumbprint(signing.Certificate), typ, header, content)
	if err != nil {
		s.t.Fatal(err)
	}
	outer, err := envelope.Parse(p.Wire)
	if err != nil {
		s.t.Fatal(err)
	}
	p.Wire = sealRaw(s.t, again, s.scheme.Authority(p.Peer), outer.Route())
}

// leakStory has an occasion for every leak of holding: a case of somebody else, in which the host goes on speaking, and
// about the person in question a message that is released late and one that never leaves.
func leakStory(t *testing.T, now time.Time) *story {
	t.Helper()
	request := func(file string, who about) map[string]any {
		content, err := samples.Draft(file, now)
		if err != nil {
			t.Fatal(err)
		}
		return withPerson(readLetter(t, content, now).object, who)
	}
	const bank, query = "mla-request-bank-records.json", "mla.status-query/1"
	queryForm := readLetter(t, schemas.Example(query), now).object
	told := &story{name: "an occasion for each leak", length: 9 * time.Hour}
	write := func(at time.Duration, by schemas.AuthorityID, who about, m *missive) {
		told.acts = append(told.acts, act{at: at + 17*time.Second, by: by, about: who, missive: m})
	}
	release := func(at time.Duration, by schemas.AuthorityID, who about, label string) {
		told.acts = append(told.acts, act{at: at + 17*time.Second, by: by, about: who, verdict: &verdict{label, released}})
	}
	do := func(at time.Duration, by schemas.AuthorityID, what string, deed func(*stage, *desk)) {
		told.acts = append(told.acts, act{at: at + 17*time.Second, by: by, what: what, deed: deed})
	}
	for _, id := range []schemas.AuthorityID{qm, qn, qp, qmBorder, qpBorder} {
		do(0, id, "feed", feed(farRow))
	}
	to := []schemas.AuthorityID{qp}
	write(10*time.Minute, qm, someoneElse, &missive{label: "other case", to: to, form: request(bank, someoneElse)})
	release(14*time.Minute, qm, someoneElse, "other case")
	do(60*time.Minute, qm, "feed with a new entry", feed(farRow, guardedRow))
	write(80*time.Minute, qm, theGuarded, &missive{label: "released late", to: to, form: request(bank, theGuarded)})
	write(90*time.Minute, qm, theGuarded, &missive{label: "never released", to: to, form: request(bank, theGuarded)})
	write(100*time.Minute, qp, someoneElse, &missive{label: "their case", to: []schemas.AuthorityID{qm}, form: request(bank, someoneElse)})
	release(104*time.Minute, qp, someoneElse, "their case")
	write(82*time.Minute, qm, theGuarded, &missive{label: "file released late", to: to, in: "other case", form: queryForm, files: [][]byte{random(600_000)}})
	write(92*time.Minute, qm, theGuarded, &missive{label: "file never released", to: to, in: "other case", form: queryForm, files: [][]byte{random(5_000)}})
	release(187*time.Minute, qm, theGuarded, "file released late")
	for i, at := range []time.Duration{95 * time.Minute, 170 * time.Minute, 4 * time.Hour} {
		label := "query " + string(rune('1'+i))
		write(at, qm, someoneElse, &missive{label: label, to: to, in: "other case", form: queryForm, files: [][]byte{bankText(50 + i)}})
		release(at+16*time.Minute, qm, someoneElse, label)
	}
	release(185*time.Minute, qm, theGuarded, "released late")
	told.sort()
	return told
}

// Every planted leak is found, by the fact that it changes.
func TestEachPlantedLeakIsFound(t *testing.T) {
	c := newCompany(t)
	sum := newTally()
	told := leakStory(t, c.start)
	clean := c.play(t, told, true, leak{}, sum)
	other := c.play(t, told.retold(clean, origin), false, leak{}, sum)
	if found, _ := differences(clean.view, other.view); len(found) > 0 {
		clean.tell(told)
		t.Fatalf("without a leak: %s", found[0])
	}
	for _, label := range []string{"released late", "never released", "file released late", "file never released"} {
		if w := clean.wrote[label]; w == nil || !w.held || w.left.IsZero() != strings.HasSuffix(label, "never released") {
			clean.tell(told)
			t.Fatalf("the story has lost its occasion: %s is %+v", label, w)
		}
	}
	for _, p := range leaksOfHolding() {
		t.Run(p.name, func(t *testing.T) {
			p.mustBeFound(t, c.play(t, told, true, p.leak, sum), other)
		})
	}
	for _, p := range leaksOfBoth() {
		t.Run(p.name, func(t *testing.T) {
			a := c.play(t, told, true, p.leak, sum)
			p.mustBeFound(t, a, c.play(t, told.retold(a, origin), false, p.leak, sum))
		})
	}
}

func TestEachPlantedLeakOfProbingIsFound(t *testing.T) {
	c := newCompany(t)
	g := newTeller(t, c.start)
	ordinary := c.play(t, g.shortInquiry(conditions()[0]), false, leak{}, newTally())
	for _, p := range leaksOfProbing() {
		t.Run(p.name, func(t *testing.T) {
			how := conditions()[3] // protected, register down
			p.mustBeFound(t, ordinary, c.play(t, g.shortInquiry(how), how.guarded, p.leak, newTally()))
		})
	}
}

func TestEachPlantedLeakOfAnswersIsFound(t *testing.T) {
	c := newCompany(t)
	g := newTeller(t, c.start)
	exchanges := g.exchanges()
	x := exchanges[slices.IndexFunc(exchanges, func(x exchange) bool { return x.alike })]
	for _, p := range leaksOfAnswering() {
		t.Run(p.name, func(t *testing.T) {
			a := c.play(t, x.story(conditions()[0], false), false, p.leak, newTally())
			b := c.play(t, x.story(conditions()[1], false), true, p.leak, newTally())
			p.mustBeFound(t, a, b)
		})
	}
}

func (p planted) mustBeFound(t *testing.T, a, b *stage) {
	t.Helper()
	found, _ := differences(a.view, b.view)
	if len(found) == 0 {
		t.Fatal("the two worlds look the same")
	}
	if first := found[0]; first.fact != p.fact || first.what != p.what && first.other != p.what {
		t.Errorf("found by %s; want %q of %q", first, p.fact, p.what)
	} else {
		t.Logf("found by %q of %q", first.fact, p.what)
	}
}

func partsOf(t *testing.T, jws []byte) (header, payload map[string]any) {
	t.Helper()
	parts := strings.Split(string(jws), ".")
	for i, into := range []*map[string]any{&header, &payload} {
		raw, err := decodePart(parts[i])
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return header, payload
}
