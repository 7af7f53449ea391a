package agent

import (
	"fmt"
	"os"
	"slices"
	"sort"
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/agent/link"
	"comity/agent/store"
	"comity/pki/jose"
	"comity/pki/journal"
	"comity/schemas"
)

// A broker that does with the desks' bytes what it likes. It stands between real agents: they submit what their outboxes
// hold, check its answers, and take what it hands them, each through the functions that run behind the link.

// delivery is an envelope that the broker has, for whom and from when on.
type delivery struct {
	from, to schemas.AuthorityID
	kind     store.Kind // the broker cannot see it; the test can, to be cruel on purpose
	seq      uint64
	wire     []byte
	at       time.Time
	copy     int // how often the same bytes were submitted before
}

// answer is what the broker says to a submission: an acceptance, a refusal, or nothing at all.
type answer struct {
	acceptance []byte
	refused    schemas.RefusalReason
	stores     bool
}

// mischief is one way in which a broker is dishonest. What it leaves out is done honestly.
type mischief struct {
	name   string
	answer func(b *hostileBroker, from *desk, p *store.Parcel) answer
	carry  func(b *hostileBroker, d delivery) []delivery
	order  func([]delivery)
	after  func(b *hostileBroker) // once all was sent
	until  time.Duration          // when it becomes honest; zero: never
	alarms []string               // the names that it is given, at whom
	also   []string               // likewise, of what an honest network gives cause for as well
	chance bool                   // it depends on chance who has cause for which of the alarms
}

type hostileBroker struct {
	*world
	t         *testing.T
	began     time.Time
	mischief  mischief
	held      []delivery
	carried   []delivery // all that was ever handed out
	submitted map[string]int
	due       map[schemas.AuthorityID]time.Time // each desk's chores
}

// inMemory puts the test's folders where a sync costs nothing, if there is such a place.
func inMemory(t *testing.T) {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "comity"); err == nil {
		os.RemoveAll(dir)
		t.Setenv("TMPDIR", "/dev/shm")
	}
}

func newHostileBroker(t *testing.T, m mischief, more ...schemas.AuthorityID) *hostileBroker {
	t.Helper()
	w := newWorldOf(t, append([]schemas.AuthorityID{qm, qn, qp}, more...)...)
	return &hostileBroker{world: w, t: t, began: w.clock.Now(), mischief: m, submitted: map[string]int{}, due: map[schemas.AuthorityID]time.Time{}}
}

func (b *hostileBroker) honest() bool {
	return b.mischief.until > 0 && b.clock.Now().Sub(b.began) >= b.mischief.until
}

// truth is the acceptance that an honest broker signs.
func (b *hostileBroker) truth(from *desk, p *store.Parcel, lies ...func(*schemas.Acceptance)) []byte {
	said := schemas.Acceptance{From: from.me, To: p.Peer, ID: p.ID, SHA256: sha256Hex(p.Wire), AcceptedAt: b.clock.Now().UTC()}
	for _, lie := range lies {
		lie(&said)
	}
	return acceptance(b.t, b.scheme.Broker.Signing, jose.TypAcceptance, said)
}

// take hands the broker what is due in a desk's outbox, and tells the desk what the broker answered.
func (b *hostileBroker) take(d *desk) (moved bool) {
	for _, lane := range []store.Lane{store.Express, store.Ordinary} {
		var due []*store.Parcel
		err := d.store.View(b.t.Context(), func(tx *store.Tx) (err error) {
			due, err = tx.DueParcels(lane, d.now(), outboxParallel)
			return err
		})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, p := range due {
			moved = true
			b.submit(d, p)
		}
	}
	return moved
}

func (b *hostileBroker) submit(d *desk, p *store.Parcel) {
	said := answer{acceptance: nil, stores: true}
	if b.mischief.answer != nil && !b.honest() {
		said = b.mischief.answer(b, d, p)
	} else {
		said.acceptance = b.truth(d, p)
	}
	var failure error
	switch {
	case said.refused != "":
		failure = &link.Refused{Reason: said.refused}
	case said.acceptance == nil:
		failure = link.ErrDown
	}
	_ = d.answered(b.t.Context(), p, said.acceptance, failure) // an answer that is not believed is an error
	if !said.stores {
		return
	}
	one := delivery{from: d.me, to: p.Peer, kind: p.Kind, seq: p.Seq, wire: p.Wire, at: b.clock.Now(), copy: b.submitted[string(p.Wire)]}
	b.submitted[string(p.Wire)]++
	if b.mischief.carry == nil || b.honest() {
		b.held = append(b.held, one)
		return
	}
	b.held = append(b.held, b.mischief.carry(b, one)...)
}

// deliver hands out what is due. What an agent cannot take now it is given again later, as the link does.
func (b *hostileBroker) deliver() (moved bool) {
	now := b.clock.Now()
	var due []delivery
	b.held = slices.DeleteFunc(b.held, func(d delivery) bool {
		if d.at.After(now) {
			return false
		}
		due = append(due, d)
		return true
	})
	if b.mischief.order != nil && !b.honest() {
		b.mischief.order(due)
	}
	for _, d := range due {
		moved = true
		b.carried = append(b.carried, d)
		b.hand(d)
	}
	return moved
}

func (b *hostileBroker) hand(d delivery) {
	to := b.desks[d.to]
	ctx := b.t.Context()
	if err := to.accept(ctx, d.wire); err != nil {
		d.at = b.clock.Now().Add(time.Minute)
		b.held = append(b.held, d)
		return
	}
	if err := to.screenWaiting(ctx); err != nil {
		b.t.Fatalf("%s screening: %v", d.to, err)
	}
	_ = to.labelWaiting(ctx) // where the register cannot be asked, labels wait
}

// chores does what each desk's own loop of chores would do now.
func (b *hostileBroker) chores() {
	for _, id := range b.ids() {
		d := b.desks[id]
		ripe := !b.due[id].IsZero() && !b.due[id].After(d.now())
		select {
		case <-d.Agent.chores:
			ripe = true
		default:
		}
		if !ripe {
			continue
		}
		next, err := d.chore(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		if !next.IsZero() && !next.After(d.now()) { // as the loop itself does not spin
			next = d.now().Add(choreLeast)
		}
		b.due[id] = next
	}
}

// settle lets everything happen that happens now.
func (b *hostileBroker) settle() {
	b.t.Helper()
	for range 1000 {
		b.chores()
		moved := false
		for _, id := range b.ids() {
			moved = b.take(b.desks[id]) || moved
		}
		if moved = b.deliver() || moved; !moved {
			return
		}
	}
	b.t.Fatal("the desks never come to rest")
}

// pass lets time pass, from one thing that happens to the next.
func (b *hostileBroker) pass(length time.Duration) {
	b.t.Helper()
	end := b.clock.Now().Add(length)
	for range 10_000 {
		b.settle()
		next := b.nextAt()
		if next.IsZero() || next.After(end) {
			b.clock.Advance(end.Sub(b.clock.Now()))
			return
		}
		b.clock.Advance(max(next.Sub(b.clock.Now()), time.Millisecond))
	}
	b.t.Fatal("time does not pass")
}

func (b *hostileBroker) nextAt() (next time.Time) {
	for _, id := range b.ids() {
		d := b.desks[id]
		behind := b.clock.Now().Sub(d.now()) // its clock may be wrong
		ours := func(at time.Time) {
			if !at.IsZero() {
				next = earliest(next, at.Add(behind))
			}
		}
		ours(b.due[id])
		err := d.store.View(b.t.Context(), func(tx *store.Tx) error {
			for _, lane := range []store.Lane{store.Express, store.Ordinary} {
				at, err := tx.NextParcelAt(lane)
				if err != nil {
					return err
				}
				ours(at)
			}
			return nil
		})
		if err != nil {
			b.t.Fatal(err)
		}
	}
	for _, d := range b.held {
		next = earliest(next, d.at)
	}
	return next
}

func (b *hostileBroker) ids() []schemas.AuthorityID { return sortedKeys(b.desks) }

// story is a correspondence of three desks, sent while the broker does its mischief.
func (b *hostileBroker) story() {
	b.t.Helper()
	m, n, p := b.desks[qm], b.desks[qn], b.desks[qp]
	request := m.send(draft(b.t, qn, "request", "", ""))
	m.send(draft(b.t, qn, "status-query", request.Case, ""))
	m.send(draft(b.t, qp, "request", "", ""))
	n.send(draft(b.t, qm, "request", "", ""))
	p.send(draft(b.t, qm, "request", "", ""))
	b.pass(10 * time.Minute)
	m.send(draft(b.t, qn, "status-query", request.Case, ""))
	m.send(draft(b.t, qn, "status-query", request.Case, ""))
	b.pass(3 * time.Hour)
	if b.mischief.after != nil {
		b.mischief.after(b)
	}
	b.pass(3 * 24 * time.Hour)
}

// names are the names that a desk gave to what befell it: its alarms, also those that have ended, and its notices.
func (d *desk) names() (alarms, noticed []string) {
	d.t.Helper()
	err := d.store.View(d.t.Context(), func(tx *store.Tx) error {
		all, err := tx.Alarms(1000)
		for _, a := range all {
			if slices.Contains([]AlarmKind{AlarmOverdue, AlarmEscalated, AlarmPeerOverdue}, AlarmKind(a.Kind)) {
				continue // what is due in a case
			}
			name := fmt.Sprintf("%s %s", d.me, a.Kind)
			if slices.Contains([]AlarmKind{AlarmUnreadable, AlarmAcceptance}, AlarmKind(a.Kind)) {
				name += " " + a.Subject
			}
			alarms = append(alarms, name)
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, n := range d.notices.list() {
		noticed = append(noticed, fmt.Sprintf("%s %s", d.me, n.Kind))
	}
	h, err := d.Health(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, check := range h.Checks {
		if check.Name == "clock" && !check.OK {
			noticed = append(noticed, fmt.Sprintf("%s doctor clock", d.me))
		}
	}
	return alarms, noticed
}

// named are the names that all desks gave, each once, in order.
func (b *hostileBroker) named() (alarms, noticed []string) {
	for _, id := range b.ids() {
		a, n := b.desks[id].names()
		alarms, noticed = append(alarms, a...), append(noticed, n...)
	}
	sort.Strings(alarms)
	sort.Strings(noticed)
	return slices.Compact(alarms), slices.Compact(noticed)
}

// wantEqual demands that two desks hold the same: the same messages of the same bytes, each once and with a true receipt,
// the same cases, numbers without holes, and nothing left to do.
func (w *world) wantEqual(t *testing.T, one, other schemas.AuthorityID) {
	t.Helper()
	for _, side := range [][2]schemas.AuthorityID{{one, other}, {other, one}} {
		w.wantArrived(t, w.desks[side[0]], w.desks[side[1]])
	}
	a, b := w.desks[one].casesWith(other), w.desks[other].casesWith(one)
	if !slices.Equal(a, b) {
		t.Errorf("cases at %s are %v, at %s %v", one, a, other, b)
	}
}

// wantArrived looks at one direction.
func (w *world) wantArrived(t *testing.T, from, to *desk) {
	t.Helper()
	sent, arrived := from.between(store.Out, to.me), to.between(store.In, from.me)
	if len(sent) != len(arrived) {
		t.Errorf("%s sent %d messages, %s has %d", from.me, len(sent), to.me, len(arrived))
	}
	for id, m := range sent {
		got := arrived[id]
		switch {
		case got == nil:
			t.Errorf("message %d of %s is lost", m.Seq, from.me)
		case m.State != store.Delivered || got.State != store.Received:
			t.Errorf("message %d of %s is %s here and %s there", m.Seq, from.me, m.State, got.State)
		case got.JWSSHA256 != m.JWSSHA256 || got.Seq != m.Seq:
			t.Errorf("message %d of %s has other bytes there", m.Seq, from.me)
		case w.receiptOf(t, m) != (envelope.Receipt{ID: m.ID, Seq: m.Seq, JWS: envelope.Hash(m.JWSSHA256), Outcome: envelope.Stored, StoredAt: got.StoredAt}):
			t.Errorf("the receipt of message %d of %s is not true", m.Seq, from.me)
		}
	}
	err := from.store.View(t.Context(), func(tx *store.Tx) error {
		pair, err := tx.Pair(to.me)
		if err == nil && pair.Sent != uint64(len(sent)) {
			t.Errorf("%s used %d numbers for %d messages", from.me, pair.Sent, len(sent))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = to.store.View(t.Context(), func(tx *store.Tx) error {
		pair, err := tx.Pair(from.me)
		if err != nil {
			return err
		}
		holes, err := tx.Holes(10)
		if pair.Received != uint64(len(sent)) || pair.Highest != pair.Received || len(holes) > 0 {
			t.Errorf("%s has numbers of %s up to %d without and %d with holes %v, of %d", to.me, from.me, pair.Received, pair.Highest, holes, len(sent))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	log := journal.Between(from.me, to.me)
	if here, there := from.logAt(log), to.logAt(log); here != there || here.Size != int64(len(sent)) {
		t.Errorf("the log %s has %d leaves here and %d there, hashes %s and %s", log, here.Size, there.Size, here.Root, there.Root)
	}
	if depth := outboxDepth(t, from); depth != 0 {
		t.Errorf("the outbox of %s holds %d rows", from.me, depth)
	}
}

// receiptOf is what the receipt that a sender keeps says, by its bytes.
func (w *world) receiptOf(t *testing.T, m *store.Message) envelope.Receipt {
	t.Helper()
	signed, err := jose.ParseSigned(m.Receipt, jose.TypReceipt)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := signed.Verify(w.scheme.Authority(m.Recipient).Signing.Certificate.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		ID       schemas.MessageID `json:"id"`
		Seq      uint64            `json:"seq"`
		JWS      envelope.Hash     `json:"jws_sha256"`
		Outcome  envelope.Outcome  `json:"outcome"`
		StoredAt time.Time         `json:"stored_at"`
		Log      string            `json:"checkpoint"` // the copies of the logs are compared themselves
	}
	if err := schemas.Decode(payload, &said, schemas.DefaultLimits); err != nil {
		t.Fatal(err)
	}
	return envelope.Receipt{ID: said.ID, Seq: said.Seq, JWS: said.JWS, Outcome: said.Outcome, StoredAt: said.StoredAt}
}

// between are the numbered messages of one direction with a peer.
func (d *desk) between(direction store.Direction, peer schemas.AuthorityID) map[schemas.MessageID]*store.Message {
	d.t.Helper()
	found := map[schemas.MessageID]*store.Message{}
	err := d.store.View(d.t.Context(), func(tx *store.Tx) error {
		all, err := tx.Messages(store.Filter{Peer: peer, Limit: 1000})
		for _, m := range all {
			if m.Direction == direction && m.Seq > 0 {
				found[m.ID] = m
			}
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}

// casesWith are the cases with a peer and their states.
func (d *desk) casesWith(peer schemas.AuthorityID) []string {
	d.t.Helper()
	var found []string
	err := d.store.View(d.t.Context(), func(tx *store.Tx) error {
		all, err := tx.Cases(1000)
		for _, c := range all {
			if c.Peer == peer {
				found = append(found, string(c.ID)+" "+c.State)
			}
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	sort.Strings(found)
	return found
}
