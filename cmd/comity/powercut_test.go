package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/store"
	"comity/cmd/comity/sandbox"
	"comity/pki/jose"
	"comity/powercut"
	"comity/schemas"
)

// TestPowerCut cuts the power of a real process at each durable step of agents, relay and broker, before the step takes
// effect and after it has and nobody was told; starts the process again; and holds the two sides against each other: the
// same messages and the same case, each once, each receipt true (DESIGN section 1, promises 3 and 5).
func TestPowerCut(t *testing.T) {
	t.Parallel()
	cases := powerCuts()
	if only := os.Getenv("COMITY_CUT"); only != "" {
		cases = slices.DeleteFunc(cases, func(c cut) bool { return !strings.Contains(c.String(), only) })
	} else if os.Getenv(fullRun) == "" {
		const seed, sample = 20261127, 5
		random := rand.New(rand.NewPCG(seed, 3))
		random.Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
		cases = cases[:sample]
	}
	m := newMatrix(t)
	defer m.print(cases) // also of a run that fails
	for _, c := range cases {
		m.play(c)
	}
	m.settle()
	m.verifyStores()
}

// cut is one row of the matrix: who loses power, where, and while people do what.
type cut struct {
	point  powercut.Point
	moment powercut.Moment
	victim victim
	deed   deed
}

func (c cut) String() string { return fmt.Sprintf("%s: %s %s", c.victim, c.moment, c.point) }

// Every point is reached in at least one way.
func powerCuts() []cut {
	reached := []struct {
		point  powercut.Point
		victim victim
		deed   deed
	}{
		{powercut.Drafted, qmAgent, exchange}, {powercut.Edited, qmAgent, exchange}, {powercut.Approved, qmAgent, exchange},
		{powercut.Discarded, qmAgent, giveUp}, {powercut.SignedAlone, qmBorder, alert}, {powercut.LookedAgain, qmBorder, alert},
		{powercut.Stopped, qnAgent, reviewed}, {powercut.OfficerWord, qnAgent, reviewed},
		{powercut.Sealed, qmAgent, exchange}, {powercut.Submitted, qmAgent, exchange}, {powercut.Planned, qmAgent, exchange},
		{powercut.Received, qnAgent, exchange}, {powercut.Acknowledged, qnAgent, exchange}, {powercut.Screened, qnAgent, exchange},
		{powercut.Submitted, qnAgent, exchange}, {powercut.Planned, qnAgent, exchange}, // of a receipt
		{powercut.Receipted, qmAgent, exchange}, {powercut.Registered, qmAgent, reviewed}, {powercut.Labelled, qmAgent, reviewed},
		{powercut.PutAside, qmAgent, rubbish}, {powercut.AskedAgain, qmAgent, lose}, {powercut.Chores, qnAgent, lose},
		{powercut.Recalled, qmAgent, loseDisk}, {powercut.GaveBack, qnAgent, loseDisk},
		{powercut.TrustRenewed, qmAgent, renew}, {powercut.TrustRenewed, theBroker, renew},
		{powercut.RelayStored, theBroker, exchange}, {powercut.RelayAnswered, theBroker, exchange},
		{powercut.HousePrepared, theBroker, wipe}, {powercut.AccountsKept, theBroker, wipe}, {powercut.InboxPrepared, theBroker, wipe},
	}
	var all []cut
	for _, r := range reached {
		for _, moment := range []powercut.Moment{powercut.MomentBefore, powercut.MomentAfter} {
			all = append(all, cut{r.point, moment, r.victim, r.deed})
		}
	}
	return all
}

func TestEveryPointIsCut(t *testing.T) {
	for _, point := range powercut.Points() {
		if !slices.ContainsFunc(powerCuts(), func(c cut) bool { return c.point == point }) {
			t.Errorf("nothing cuts the power at %q", point)
		}
	}
}

// matrix is a world in which one cut follows another.
type matrix struct {
	*world
	sent     []schemas.MessageID // by QM and QN of the name justice, as they were delivered
	outcomes map[string]string
	letters  int      // makes each letter another one
	armed    *process // who is about to lose power
	tally    tally    // of what the databases held in the end
	names    []string // what each fault was called
}

// tally counts what two sides have of each other in the end.
type tally struct {
	messages, receipts, lost, doubled, journals int
}

func (c tally) String() string {
	return fmt.Sprintf("%d messages of both ways: %d lost, %d doubled, %d receipts true; %d journals sound", c.messages, c.lost, c.doubled, c.receipts, c.journals)
}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	w := newWorldOf(t, "justice", func(s *sandbox.Sandbox) {
		edit(t, s.BrokerConfig(), "", "redeliver_after = \"500ms\"\n")
		for _, id := range s.Authorities() {
			edit(t, s.AgentConfig(id), "[[people]]", "[timing]\nhole_ask = \"1s\"\n\n[[people]]")
		}
	})
	return &matrix{world: w, outcomes: map[string]string{}}
}

// edit replaces the first place where a file has a text; an empty text is its beginning.
func edit(t *testing.T, path, text, by string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.Replace(string(content), text, by, 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// play cuts the power of the victim while people act, and starts it again.
func (m *matrix) play(c cut) {
	m.t.Helper()
	m.t.Log(c)
	if c.victim == qmBorder {
		m.openBorder()
	}
	victim := m.processes[c.victim]
	m.armed = victim
	struck := make(chan error, 1)
	arm := func(start ...func()) {
		if err := os.WriteFile(victim.cut, powercut.Cut(c.point, c.moment), 0o600); err != nil {
			m.t.Fatal(err)
		}
		for _, one := range start {
			one()
		}
		go func() { struck <- victim.dieAndReturn(m.t) }()
	}
	c.deed(m, arm)
	select {
	case err := <-struck:
		if err != nil {
			m.t.Fatalf("%s: %v", c, err)
		}
	case <-time.After(patience):
		m.t.Fatalf("%s: the process never came there", c)
	}
	m.wantSame()
	m.outcomes[c.String()] = sameState
}

const sameState = "same state, each once"

var errOtherEnd = errors.New("the process ended otherwise than by the cut of its power")

// dieAndReturn waits until the process has died of its cut, and starts it again.
func (p *process) dieAndReturn(t *testing.T) error {
	p.mu.Lock()
	cmd := p.cmd
	p.mu.Unlock()
	err := cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if _, left := os.Stat(p.cut); !ok || exit.ExitCode() != -1 || left == nil {
		return errors.Join(errOtherEnd, err)
	}
	p.start(t)
	return nil
}

// wantSame waits until both sides have delivered everything, and demands that each has exactly what was sent.
func (m *matrix) wantSame() {
	m.t.Helper()
	want := slices.Sorted(slices.Values(m.sent))
	for _, id := range []schemas.AuthorityID{m.qm, m.qn} {
		officer := m.client(id, sandbox.Officer1)
		m.until("comparing "+string(id), func(ctx context.Context) error {
			messages, err := officer.Messages(ctx, api.Query{})
			if err != nil {
				return err
			}
			var got []schemas.MessageID
			for _, one := range messages {
				switch one.State {
				case "discarded":
				case "delivered", "received":
					got = append(got, one.ID)
				default:
					return fmt.Errorf("%s: message %s is %s", id, one.ID, one.State) // screened in its own time
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				return fmt.Errorf("%s has messages %v, want %v", id, got, want)
			}
			return nil
		})
	}
}

// settle waits until nobody has anything left to say.
func (m *matrix) settle() {
	m.t.Helper()
	for _, id := range []schemas.AuthorityID{m.qm, m.qn} {
		officer := m.client(id, sandbox.Officer1)
		m.until("emptying the outbox of "+string(id), func(ctx context.Context) error {
			health, err := officer.Health(ctx)
			if err == nil && health.Outbox > 0 {
				err = fmt.Errorf("%d rows wait", health.Outbox)
			}
			return err
		})
	}
}

// print is the table of points and outcomes.
func (m *matrix) print(cases []cut) {
	var table strings.Builder
	same := 0
	for _, c := range cases {
		outcome := m.outcomes[c.String()]
		switch outcome {
		case "":
			outcome = "NOT PLAYED TO ITS END"
		case sameState:
			same++
		}
		fmt.Fprintf(&table, "%-60s %s\n", c, outcome)
	}
	m.t.Logf("%d of %d points, %d cuts, %d of them with the same state on both sides and each message once\n%s%v",
		len(pointsOf(cases)), len(powercut.Points()), len(cases), same, &table, m.tally)
}

func pointsOf(cases []cut) map[powercut.Point]bool {
	points := map[powercut.Point]bool{}
	for _, c := range cases {
		points[c.point] = true
	}
	return points
}

// verifyStores stops the agents and reads their databases.
func (m *matrix) verifyStores() {
	m.t.Helper()
	for _, p := range m.processes {
		p.kill(m.t)
	}
	pairs := [][2]schemas.AuthorityID{{m.qm, m.qn}}
	if m.processes[qmBorder] != nil {
		pairs = append(pairs, [2]schemas.AuthorityID{"QM/border", "QN/border"})
	}
	for _, pair := range pairs {
		for _, id := range pair {
			m.wantSoundJournal(id)
		}
		a, b := readBooks(m.t, m.sandbox, pair[0]), readBooks(m.t, m.sandbox, pair[1])
		a.wantArrived(b, &m.tally)
		b.wantArrived(a, &m.tally)
		a.wantSameCases(b)
	}
}

// wantSoundJournal has an authority's evidence verified: against itself, its messages, and all that was signed.
func (m *matrix) wantSoundJournal(id schemas.AuthorityID) {
	m.t.Helper()
	a, err := m.sandbox.OpenAgent(m.t.Context(), id, slog.New(slog.DiscardHandler))
	if err != nil {
		m.t.Fatal(err)
	}
	defer a.Close()
	report, err := a.VerifyJournal(m.t.Context(), nil)
	if err != nil || len(report.Defects) > 0 {
		m.t.Errorf("the journal of %s: %v %+v", id, err, report.Defects)
		return
	}
	m.tally.journals++
}

// books are what an authority's database holds.
type books struct {
	t        *testing.T
	id       schemas.AuthorityID
	signing  *x509.Certificate
	messages []*store.Message
	pairs    map[schemas.AuthorityID]store.Pair
	holes    []store.Hole
	cases    map[schemas.CaseID]string
}

func readBooks(t *testing.T, s *sandbox.Sandbox, id schemas.AuthorityID) *books {
	t.Helper()
	config, err := agent.LoadConfig(s.AgentConfig(id))
	if err != nil {
		t.Fatal(err)
	}
	columns, err := store.ReadColumns(config.Keys.Store)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), config.Data+"/agent.db", columns)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	keys, err := agent.ReadIdentity(config.Keys)
	if err != nil {
		t.Fatal(err)
	}
	k := &books{t: t, id: id, signing: keys.SigningCertificate, pairs: map[schemas.AuthorityID]store.Pair{}, cases: map[schemas.CaseID]string{}}
	err = db.View(t.Context(), func(tx *store.Tx) error {
		if k.messages, err = tx.Messages(store.Filter{Limit: 100_000}); err != nil {
			return err
		}
		for _, m := range k.messages {
			if k.pairs[m.Peer()], err = tx.Pair(m.Peer()); err != nil {
				return err
			}
		}
		cases, err := tx.Cases(100_000)
		for _, c := range cases {
			k.cases[c.ID] = c.State
		}
		if err != nil {
			return err
		}
		k.holes, err = tx.Holes(100)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// wantArrived demands that everything which one side sent is at the other once, in the same bytes and in order, and that
// the receipt which the sender keeps is the recipient's word about it.
func (k *books) wantArrived(other *books, count *tally) {
	k.t.Helper()
	arrived := map[schemas.MessageID]*store.Message{}
	for _, m := range other.messages {
		if m.Direction == store.In && m.Sender == k.id {
			if arrived[m.ID] != nil {
				count.doubled++
			}
			arrived[m.ID] = m
		}
	}
	sent := 0
	for _, m := range k.messages {
		if m.Direction != store.Out || m.Recipient != other.id || m.Seq == 0 {
			continue
		}
		sent++
		count.messages++
		got := arrived[m.ID]
		switch {
		case got == nil:
			count.lost++
			k.t.Errorf("number %d of %s is lost", m.Seq, k.id)
		case m.State != store.Delivered || got.State != store.Received || got.JWSSHA256 != m.JWSSHA256 || got.Seq != m.Seq:
			k.t.Errorf("number %d of %s: %s here, %s as number %d there, or other bytes", m.Seq, k.id, m.State, got.State, got.Seq)
		default:
			k.wantTrue(other, m, got, count)
		}
	}
	count.doubled += max(0, len(arrived)-sent)
	if sent != len(arrived) || k.pairs[other.id].Sent != uint64(sent) || other.pairs[k.id].Received != uint64(sent) || len(other.holes) > 0 {
		k.t.Errorf("%s sent %d messages with numbers up to %d; %s has %d, numbers up to %d, holes %v",
			k.id, sent, k.pairs[other.id].Sent, other.id, len(arrived), other.pairs[k.id].Received, other.holes)
	}
}

func (k *books) wantTrue(other *books, m, got *store.Message, count *tally) {
	k.t.Helper()
	signed, err := jose.ParseSigned(m.Receipt, jose.TypReceipt)
	if err != nil {
		k.t.Errorf("number %d of %s: %v", m.Seq, k.id, err)
		return
	}
	said, err := signed.Verify(other.signing.PublicKey)
	if err != nil {
		k.t.Errorf("number %d of %s: %v", m.Seq, k.id, err)
		return
	}
	for _, want := range []string{string(m.ID), `"outcome":"stored"`, fmt.Sprintf("%x", m.JWSSHA256), got.StoredAt.Format(time.RFC3339)} {
		if !strings.Contains(string(said), want) {
			k.t.Errorf("number %d of %s: its receipt does not say %s: %s", m.Seq, k.id, want, said)
			return
		}
	}
	count.receipts++
}

func (k *books) wantSameCases(other *books) {
	k.t.Helper()
	for id, state := range k.cases {
		if other.cases[id] != state {
			k.t.Errorf("case %s is %s at %s and %q at %s", id, state, k.id, other.cases[id], other.id)
		}
	}
	if len(k.cases) != len(other.cases) {
		k.t.Errorf("%s has %d cases, %s %d", k.id, len(k.cases), other.id, len(other.cases))
	}
}
