package agent

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/deadline"
	"comity/agent/envelope"
	"comity/agent/register"
	"comity/agent/store"
	"comity/pki"
	"comity/pki/jose"
	"comity/pki/keyfile"
	"comity/pki/pkitest"
	"comity/schemas"
)

// world is a scheme with desks that have real stores, keys and envelopes, and no broker: the test carries the bytes, and
// so decides what arrives when.
type world struct {
	clock     *pkitest.Clock
	scheme    *pkitest.Scheme
	published string
	log       *strings.Builder
	rules     []string // files of rules that each State adds
	desks     map[schemas.AuthorityID]*desk
}

type desk struct {
	*Agent
	t    *testing.T
	w    *world
	keys *pkitest.Authority
}

const (
	qm = schemas.AuthorityID("QM/justice")
	qn = schemas.AuthorityID("QN/justice")
	qp = schemas.AuthorityID("QP/justice")
)

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOf(t, qm, qn, qp)
}

func newWorldOf(t *testing.T, desks ...schemas.AuthorityID) *world {
	t.Helper()
	return newWorldWith(t, nil, desks...)
}

// newWorldWith is a world whose States add rules of their own.
func newWorldWith(t *testing.T, rules []string, desks ...schemas.AuthorityID) *world {
	t.Helper()
	clock := pkitest.NewClock()
	w := &world{
		clock: clock, scheme: pkitest.NewScheme(t, clock.Now, "QM", "QN", "QP"), published: t.TempDir(), log: &strings.Builder{}, rules: rules,
		desks: map[schemas.AuthorityID]*desk{},
	}
	w.publish(t)
	for _, id := range desks {
		w.desks[id] = w.open(t, id)
	}
	return w
}

func (w *world) publish(t *testing.T) {
	t.Helper()
	if err := w.scheme.Publish(w.published); err != nil {
		t.Fatal(err)
	}
	for _, d := range w.desks {
		if err := d.refreshTrust(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) open(t *testing.T, id schemas.AuthorityID) *desk {
	t.Helper()
	home, keys := t.TempDir(), w.scheme.Authority(id)
	file := func(name string) string { return filepath.Join(home, name) }
	for name, pair := range map[string]struct {
		key         crypto.PrivateKey
		certificate *x509.Certificate
	}{
		"tls.pem":        {keys.TLS.PrivateKey, keys.TLS.Leaf},
		"signing.pem":    {keys.Signing.Key, keys.Signing.Certificate},
		"encryption.pem": {keys.Encryption.Key, keys.Encryption.Certificate},
	} {
		if err := keyfile.WritePair(file(name), pair.key, pair.certificate); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.WriteNewKey(file("store.key")); err != nil {
		t.Fatal(err)
	}
	config := Config{
		Authority: id, Data: file("data"), Socket: file("agent.sock"), BrokerURL: "tls://127.0.0.1:1", Published: w.published, Pin: w.scheme.Pin,
		Refresh: time.Second, Keys: KeyFiles{TLS: file("tls.pem"), Signing: file("signing.pem"), Encryption: file("encryption.pem"), Store: file("store.key")},
		Routine: time.Second, Urgent: time.Second, Rules: w.rules,
		Deadlines: deadline.Defaults(), Staff: listedStaff(),
		Console: Console{Cost: account.Cost{Argon2Time: 1, Argon2MemoryKiB: 64, Argon2Threads: 1, PBKDF2Iterations: 10}}, // tests log in often
		Timing: Timing{
			ValidFor: 30 * 24 * time.Hour, ResendFirst: 130 * time.Second, HoleAsk: time.Minute, HoleAlarm: 15 * time.Minute, LinkAlarm: 5 * time.Minute,
			ReceiptLate: []time.Duration{time.Hour, 12 * time.Hour, 24 * time.Hour},
		},
	}
	config.Register = RegisterFiles{Path: file("register.db"), Key: file("register.key")}
	w.newRegister(t, config)
	a, err := New(t.Context(), config, Options{Now: w.clock.Now, Log: slog.New(slog.NewTextHandler(w.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return &desk{Agent: a, t: t, w: w, keys: keys}
}

// newRegister makes an empty register that has been fed: nobody is in it, and so everybody's status is none.
func (w *world) newRegister(t *testing.T, c Config) {
	t.Helper()
	r, err := register.Create(t.Context(), RegisterConfig(c, w.clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Import(t.Context(), strings.NewReader(""), register.Options{})
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
}

// draft is the example of a type as a draft in a case. A name without a channel is of channel mla.
func draft(t *testing.T, to schemas.AuthorityID, name string, in schemas.CaseID, reply schemas.MessageID, change ...func(body map[string]any)) []byte {
	t.Helper()
	kind := schemas.MessageType(name + "/1")
	if !strings.Contains(name, ".") {
		kind = "mla." + kind
	}
	var object map[string]any
	if err := json.Unmarshal(schemas.Example(kind), &object); err != nil {
		t.Fatal(err)
	}
	object["to"], object["home"] = []any{string(to)}, recordsAtHome()
	delete(object, "case")
	delete(object, "in_reply_to")
	if in != "" {
		object["case"] = string(in)
	}
	if reply != "" {
		object["in_reply_to"] = string(reply)
	}
	for _, c := range change {
		c(object["body"].(map[string]any))
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// recordsAtHome are complete records for whomever an example is about.
func recordsAtHome() map[string]any {
	named := map[string]any{"name_by_choice": true, "necessity": "identification"}
	return map[string]any{
		"gate":    map[string]any{"voluntary": true, "informed_of_right_to_asylum": true, "risk_assessment": "low", "proceedings": "testimony-done"},
		"persons": map[string]any{"p1": named, "p2": named, "p3": named},
	}
}

// write drafts and approves by two people, without releasing.
func (d *desk) write(content []byte) api.Message {
	d.t.Helper()
	made, err := d.Draft(d.t.Context(), "officer-1", content)
	if err != nil {
		d.t.Fatalf("%s drafting: %v %+v", d.me, err, defectsOf(err))
	}
	m, err := d.Approve(d.t.Context(), "approver", made[0].ID, made[0].SHA256, d.proof(d.t, "approver", api.SignApproval, made[0].ID, made[0].SHA256))
	if err != nil {
		d.t.Fatalf("%s approving: %v", d.me, err)
	}
	return m
}

// send writes and seals.
func (d *desk) send(content []byte) *store.Message {
	d.t.Helper()
	m := d.write(content)
	d.seal(m.ID)
	sent := d.message(d.me, m.ID)
	if sent.State != store.Sent {
		d.t.Fatalf("%s: message is %s %s, not sent", d.me, sent.State, sent.Reason)
	}
	return sent
}

func (d *desk) seal(id schemas.MessageID) {
	d.t.Helper()
	if err := d.releaseOne(d.t.Context(), d.message(d.me, id)); err != nil {
		d.t.Fatalf("%s releasing: %v", d.me, err)
	}
}

// sealReviewed seals, and where the rules hold the message, has two protection officers release it first.
func (d *desk) sealReviewed(id schemas.MessageID) {
	d.t.Helper()
	d.seal(id)
	if d.message(d.me, id).State != store.UnderReview {
		return
	}
	r := d.review(id)
	for _, officer := range []string{"protection-1", "protection-2"} {
		if err := d.letGo(officer, r, "It is needed."); err != nil {
			d.t.Fatalf("%s releasing what was held (%s): %v", d.me, r.Why, err)
		}
	}
	d.seal(id)
}

// letGo is one officer's word for the release of what a review shows.
func (d *desk) letGo(officer string, r api.Review, necessity string) error {
	d.t.Helper()
	word := api.Release{SHA256: r.Message.SHA256, Digest: r.Digest, Necessity: necessity}
	_, err := d.ReleaseHeld(d.t.Context(), officer, r.Message.ID, word, []byte("proof"))
	return err
}

// releaseOne is steps 4 and 5 for one message, at no tick.
func (d *desk) releaseOne(ctx context.Context, m *store.Message) error {
	c, err := d.clearOne(ctx, m, d.now(), d.gatherAll(ctx, []*store.Message{m})[m])
	if c == nil {
		return err
	}
	return d.sealOne(ctx, m, c)
}

func (d *desk) message(sender schemas.AuthorityID, id schemas.MessageID) *store.Message {
	d.t.Helper()
	m, err := d.find(sender, id)
	if err != nil {
		d.t.Fatalf("%s reading message %s of %s: %v", d.me, id, sender, err)
	}
	return m
}

func (d *desk) find(sender schemas.AuthorityID, id schemas.MessageID) (m *store.Message, err error) {
	err = d.store.View(d.t.Context(), func(tx *store.Tx) error {
		m, err = tx.Message(store.Key{Sender: sender, ID: id})
		return err
	})
	return m, err
}

// outgoing takes what is due out of a desk's outbox, as the broker would: accepted, not yet delivered.
func (d *desk) outgoing() []*store.Parcel {
	d.t.Helper()
	var due []*store.Parcel
	err := d.store.Update(d.t.Context(), func(tx *store.Tx) (err error) {
		for _, lane := range []store.Lane{store.Express, store.Ordinary} {
			some, err := tx.DueParcels(lane, d.now(), 1000)
			if err != nil {
				return err
			}
			due = append(due, some...)
		}
		for _, p := range due {
			row := *p
			said := schemas.Acceptance{From: d.me, To: p.Peer, ID: p.ID, SHA256: sha256Hex(p.Wire), AcceptedAt: d.now().UTC()}
			kept := d.keepAcceptance(tx, p, acceptance(d.t, d.w.scheme.Broker.Signing, jose.TypAcceptance, said))
			if err := errors.Join(d.accepted(tx, &row), kept); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return due
}

func (d *desk) take(wire []byte) {
	d.t.Helper()
	if err := d.accept(d.t.Context(), wire); err != nil {
		d.t.Fatalf("%s accepting: %v", d.me, err)
	}
	if err := d.screenWaiting(d.t.Context()); err != nil {
		d.t.Fatalf("%s screening: %v", d.me, err)
	}
	_ = d.labelWaiting(d.t.Context()) // where the register cannot be asked, labels wait
}

// carry delivers everything that waits anywhere, until nothing does.
func (w *world) carry(t *testing.T) {
	t.Helper()
	for range 100 {
		moved := false
		for _, d := range w.desks {
			for _, p := range d.outgoing() {
				moved = true
				w.desks[p.Peer].take(p.Wire)
			}
		}
		if !moved {
			return
		}
	}
	t.Fatal("the desks never come to rest")
}

// state is a case as a desk sees it, "" where it has none.
func (d *desk) state(id schemas.CaseID) string {
	d.t.Helper()
	var state string
	err := d.store.View(d.t.Context(), func(tx *store.Tx) error {
		file, err := tx.Case(id)
		if err == nil {
			state = file.State
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return state
}

func (w *world) agree(t *testing.T, id schemas.CaseID, want string, sides ...schemas.AuthorityID) {
	t.Helper()
	for _, side := range sides {
		if got := w.desks[side].state(id); got != want {
			t.Errorf("%s sees the case %q, want %q", side, got, want)
		}
	}
}

// alarms lists the alarms that are up as "kind subject".
func (d *desk) alarms() []string {
	d.t.Helper()
	h, err := d.Health(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	var up []string
	for _, alarm := range h.Alarms {
		up = append(up, alarm.Kind+" "+alarm.Subject)
	}
	return up
}

// transportAlarms leaves out what is merely due in a case.
func (d *desk) transportAlarms() []string {
	d.t.Helper()
	return slices.DeleteFunc(d.alarms(), func(a string) bool {
		return slices.ContainsFunc([]AlarmKind{AlarmOverdue, AlarmEscalated, AlarmPeerOverdue}, func(k AlarmKind) bool { return strings.HasPrefix(a, string(k)) })
	})
}

func (d *desk) chores() {
	d.t.Helper()
	if _, err := d.chore(context.Background()); err != nil {
		d.t.Fatal(err)
	}
}

func defectsOf(err error) []schemas.Defect {
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return p.Defects
	}
	return nil
}

func wantProblem(t *testing.T, err error, reason string) {
	t.Helper()
	p, ok := errors.AsType[*api.Problem](err)
	if !ok || p.Reason != reason {
		t.Errorf("got %v, want a problem with reason %s", err, reason)
	}
}

// forge signs and seals a message with a desk's own keys past every check of its agent: what a dishonest peer can do.
func (d *desk) forge(to schemas.AuthorityID, payload []byte, seq uint64, prev envelope.Hash, change ...func(map[string]any)) []byte {
	d.t.Helper()
	peer := d.w.scheme.Authority(to)
	header := map[string]any{
		"from": d.me, "to": to, "channel": "mla", "id": schemas.NewMessageID(), "suite": 1,
		"recipient_key": jose.Thumbprint(peer.Encryption.Certificate), "seq": seq, "prev": prev.String(), "seen": 0,
		"sent_at": d.now().UTC().Format(time.RFC3339), "valid_until": d.now().Add(time.Hour).UTC().Format(time.RFC3339),
	}
	for _, c := range change {
		c(header)
	}
	return sealForged(d.t, d.keys, peer, header, payload)
}

func sealForged(t *testing.T, from, to *pkitest.Authority, header map[string]any, payload []byte) []byte {
	t.Helper()
	jws, err := jose.Sign(from.Signing.Key, jose.Thumbprint(from.Signing.Certificate), jose.TypMessage, header, payload)
	if err != nil {
		t.Fatal(err)
	}
	return sealRaw(t, jws, to, schemas.Route{
		From: header["from"].(schemas.AuthorityID), To: header["to"].(schemas.AuthorityID), Channel: schemas.Channel(header["channel"].(string)),
		ID: header["id"].(schemas.MessageID), Suite: 1,
	})
}

// sealRaw seals a signed document again, as anybody who once opened it can.
func sealRaw(t *testing.T, jws []byte, to *pkitest.Authority, route schemas.Route) []byte {
	t.Helper()
	route.Key = jose.Thumbprint(to.Encryption.Certificate)
	size := len(jws)
	if size <= 4096 {
		size = 4096
	} else {
		size = padme(size)
	}
	padded := append(bytes.Clone(jws), bytes.Repeat([]byte(" "), size-len(jws))...)
	wire, err := jose.Encrypt(to.Encryption.Certificate.PublicKey.(*ecdsa.PublicKey), jose.TypEnvelope, route, padded)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// padme is the padded size above 4 KiB, computed here from its definition.
func padme(n int) int {
	e := int(math.Floor(math.Log2(float64(n))))
	s := int(math.Floor(math.Log2(float64(e)))) + 1
	step := 1 << (e - s)
	return (n + step - 1) / step * step
}

// feed renews the registers: a day on, the last feed says nothing of who is not in it.
func (w *world) feed(t *testing.T) {
	t.Helper()
	for _, d := range w.desks {
		if _, err := d.ImportRegister(t.Context(), "protection-1", "jsonl", nil); err != nil {
			t.Fatal(err)
		}
	}
}

// renew publishes fresh documents: a month on, the old ones have expired.
func (w *world) renew(t *testing.T) {
	t.Helper()
	w.scheme.EditTrustList(t, func(*pki.TrustList) {})
	for _, state := range []schemas.StateCode{"QM", "QN", "QP"} {
		w.scheme.EditEntry(t, state, func([]pki.Authority) {})
	}
	w.publish(t)
	w.feed(t)
}
