package agent

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/casefile"
	"comity/agent/envelope"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/pki"
	"comity/pki/journal"
	"comity/schemas"
)

// Handing out the file of a case is an outward act like sending: the rules are asked about every message in it, for the
// reader who is named. Only what was exchanged goes in, with what proves it. What was held, drafted or given up is no part
// of it, and nothing of the home log is.

// ExportCase writes the file of a case for a reader, an authority or whoever reads in a State, to w after it has called begin.
// What was written before an error is of no use.
func (a *Agent) ExportCase(ctx context.Context, by, prefix string, asked api.CaseRequest, begin func(api.CaseExport), w io.Writer) error {
	// 1. Who reads what, and may they?
	to, err := casefile.ParseReader(asked.Reader)
	if err != nil {
		return problem(api.ReasonRequest, "the reader is neither an authority nor a State", "write --for QN/justice or --for QN")
	}
	d, err := a.exchanged(ctx, prefix)
	if err != nil {
		return err
	}
	if !a.mayLookUp(by, min(len(d.messages), checksAtOnce)) {
		return problem(api.ReasonTooOften, "too many persons were looked up in a short time", "wait a few seconds; look-ups in the register are counted for each officer")
	}
	if err := a.mayRead(ctx, by, d, to); err != nil {
		return err
	}
	// 2. Gather and sign: the statement names every byte that will be written.
	x, err := a.exchange(ctx, d, to, asked.WithoutFiles)
	if err != nil {
		return fmt.Errorf("exporting case %s: %w", d.ID, err)
	}
	packed, err := casefile.Pack(x, a.identity.Signing, a.identity.SigningCertificate)
	if err != nil {
		return fmt.Errorf("exporting case %s: %w", d.ID, err)
	}
	// 3. Note it before the first byte, then write.
	if err := a.noteExport(ctx, by, d, x, packed.Statement()); err != nil {
		return err
	}
	said := api.CaseExport{Case: d.ID, Messages: len(x.Numbers)}
	said.Files, said.FileBytes = packed.Evidence()
	for _, files := range d.files {
		said.Absent += len(files)
	}
	said.Absent -= said.Files
	begin(said)
	if err := packed.Write(w); err != nil {
		return fmt.Errorf("exporting case %s: %w", d.ID, err)
	}
	return nil
}

// exchanged reads a case and what was sealed or received in it.
func (a *Agent) exchanged(ctx context.Context, prefix string) (*dossier, error) {
	d := &dossier{files: map[store.Key][]enclosedFile{}}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.CasesByPrefix(prefix, 2)
		if err != nil {
			return err
		}
		if err := exactlyOne(len(found), "case"); err != nil {
			return err
		}
		d.CaseFile = found[0]
		if err := erasedProblem(tx, d.ID); err != nil {
			return err
		}
		all, err := tx.MessagesOfCase(d.ID, d.Peer)
		if err != nil {
			return err
		}
		for _, m := range all {
			if m.Paper > 0 {
				return problem(ReasonState, "messages of this case stand on paper alone, and nothing proves them by a signature",
					"comity case show says which; hand out the papers themselves")
			}
			if m.Seq == 0 {
				continue
			}
			d.messages = append(d.messages, m)
			files, err := a.enclosedFiles(tx, m)
			if err != nil {
				return err
			}
			if len(files) > 0 {
				d.files[m.Key] = files
			}
		}
		return nil
	})
	if err == nil && len(d.messages) == 0 {
		err = problem(ReasonState, "nothing was exchanged in this case", "")
	}
	return d, err
}

// exportFacts are the facts of handing out one message. What was received in this case is an item that travels on: within its
// case to a reader of either State, beyond it to anybody else.
func (a *Agent) exportFacts(ctx context.Context, d *dossier, m *store.Message, reader casefile.Reader) (policy.Facts, error) {
	f := policy.Facts{From: a.me, To: reader.Authority(), Payload: m.Payload}
	home, err := policy.ParseHome(m.Home)
	if err != nil {
		return f, err
	}
	f.Home = home
	addCase(&f, d.messages, m.Key)
	f.Asked = nil // nothing is asked by this reader
	if f.Evidence, err = a.evidenceContents(ctx, m.Sender, m.Payload); err != nil {
		return f, fmt.Errorf("reading the evidence that a decision rests on: %w", err)
	}
	err = a.store.View(ctx, func(tx *store.Tx) error {
		if err := a.addTeam(tx, &f); err != nil {
			return err
		}
		within := reader.State() == a.me.State() || reader.State() == d.Peer.State()
		if m.Direction == store.In { // with all that is attached to it
			return a.addCarried(tx, &f, m, "", within)
		}
		hashes, err := a.attachedTo(tx, glanceAt(m.Payload))
		if err != nil {
			return err
		}
		for _, hash := range hashes {
			found, err := tx.MessagesWithItem(hash)
			if err != nil {
				return err
			}
			came := slices.DeleteFunc(slices.Clone(found), func(s *store.Message) bool { return s.Direction != store.In || oursBefore(found, s) })
			here := slices.ContainsFunc(came, func(s *store.Message) bool { return s.Case == d.ID })
			for _, source := range came {
				if here && source.Case != d.ID {
					continue // it came in this case too
				}
				if err := a.addCarried(tx, &f, source, hexOf(hash), within && here); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return f, err
}

// addCarried adds a received item. Its sender sent it to this State, so this State's own readers are no others.
func (a *Agent) addCarried(tx *store.Tx, f *policy.Facts, source *store.Message, sha256 string, sameCase bool) error {
	before := len(f.Items)
	if err := a.addItem(tx, f, glance{}, source, sha256); err != nil {
		return err
	}
	for i := before; i < len(f.Items); i++ {
		f.Items[i].SameCase = sameCase
		f.Items[i].SentTo = append(f.Items[i].SentTo, a.me.State())
	}
	return nil
}

// handedOut is the directory for what goes from hand to hand: no channel carries it, so no agreement, no channel and no language
// of an agent stands in its way. Everything else is asked as always.
type handedOut struct {
	*pki.View
	reader  schemas.AuthorityID
	payload []byte
}

func (h *handedOut) Authority(id schemas.AuthorityID) (*pki.Authority, error) {
	if id != h.reader {
		return h.View.Authority(id)
	}
	var p struct {
		Language schemas.Language `json:"language"`
	}
	if err := json.Unmarshal(h.payload, &p); err != nil {
		return nil, err
	}
	return &pki.Authority{
		ID: id, Kind: pki.KindJudicial, Name: "reader", Channels: schemas.Channels(), Types: schemas.Types(), Languages: []string{string(p.Language.Primary())},
	}, nil
}

// Route is open: it is a person's hand.
func (h *handedOut) Route(schemas.AuthorityID, schemas.AuthorityID, schemas.Channel, time.Time) (*pki.Agreement, error) {
	return &pki.Agreement{ID: "handed-out"}, nil
}

// exchange gathers what goes into the file, on one snapshot.
func (a *Agent) exchange(ctx context.Context, d *dossier, reader casefile.Reader, withoutFiles bool) (casefile.Exchange, error) {
	view, now := a.trust.View(), a.now()
	x := casefile.Exchange{
		Case: d.ID, Channel: d.Channel, Exporter: a.me, Peer: d.Peer, Reader: reader, At: now, Pin: a.config.Pin,
		Trust: view.Documents(a.me.State(), d.Peer.State()),
	}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		lists, err := a.trustLists(tx, now)
		if err != nil {
			return err
		}
		x.Trust.TrustLists = lists
		for _, m := range d.messages {
			n, err := a.exportNumber(tx, m)
			if err != nil {
				return err
			}
			if n.Signed != nil {
				n.Evidence = a.enclose(ctx, m, d.files[m.Key], withoutFiles)
			}
			x.Numbers = append(x.Numbers, n)
		}
		return a.exportProofs(tx, &x)
	})
	return x, err
}

// trustLists are those that lead from the pin to the list in force at a time: the last alone, unless the signers changed.
func (a *Agent) trustLists(tx *store.Tx, at time.Time) ([][]byte, error) {
	d, err := tx.TrustAsOf(at)
	if err != nil || len(d.TrustLists) == 0 {
		return nil, err
	}
	last := d.TrustLists[len(d.TrustLists)-1:]
	if _, err := pki.AsOf(a.config.Pin, pki.Documents{TrustLists: last}, at); err == nil {
		return last, nil
	}
	return d.TrustLists, nil
}

// exportNumber is one message with its documents.
func (a *Agent) exportNumber(tx *store.Tx, m *store.Message) (casefile.Number, error) {
	n := casefile.Number{
		From: m.Sender, To: m.Recipient, ID: m.ID, Seq: m.Seq, Type: m.Type, JWS: envelope.Hash(m.JWSSHA256), Outcome: outcomeOf(m),
		Signed: m.JWS, Acceptance: m.Acceptance, Receipt: m.Receipt, KnownAt: knownAt(m),
	}
	if m.Direction == store.Out && m.VoidID == "" {
		n.Envelope = m.Wire
	}
	if n.Outcome == casefile.Voided { // the message itself never arrived: it was not exchanged
		n.Signed, n.Acceptance = nil, nil
	}
	var err error
	if n.Trust, err = tx.TrustAsOf(n.KnownAt, a.me.State(), m.Peer().State()); err == nil {
		n.Trust.TrustLists, err = a.trustLists(tx, n.KnownAt)
	}
	return n, err
}

func outcomeOf(m *store.Message) casefile.Outcome {
	switch m.State {
	case store.Rejected:
		return casefile.Rejected
	case store.Voided:
		return casefile.Voided
	case store.Sent, store.Expired:
		return casefile.Sent
	}
	return casefile.Stored
}

// knownAt is when the last document of a message was taken here, by our clock.
func knownAt(m *store.Message) time.Time {
	switch {
	case m.Direction == store.In:
		return m.StoredAt.Add(time.Second - time.Millisecond) // cut to the second in its receipt
	case !m.ReceiptedAt.IsZero():
		return m.ReceiptedAt
	default:
		return m.SealedAt
	}
}

// exportProofs adds to each number its place in the journal, and who signed its documents. Both logs are signed as they were
// at the smallest size that holds what goes into the file: the rest of the exchange is nobody's business.
func (a *Agent) exportProofs(tx *store.Tx, x *casefile.Exchange) error {
	receipts := make([]*envelope.Receipt, len(x.Numbers))
	need := map[journal.Origin]int64{}
	for i := range x.Numbers {
		n := &x.Numbers[i]
		receipts[i] = a.signersOf(n)
		log := journal.Between(n.From, n.To)
		size, err := tx.LogSize(log)
		if err != nil {
			return err
		}
		if int64(n.Seq) <= size {
			need[log] = max(need[log], int64(n.Seq))
		}
		if r := receipts[i]; r != nil {
			need[log] = max(need[log], min(r.Checkpoint.Size, size))
		}
	}
	notes := map[journal.Origin][]byte{}
	for log, size := range need {
		c, err := tx.LogCheckpoint(log, size)
		if err != nil {
			return err
		}
		if notes[log], err = journal.Sign(c, a.me, a.identity.Signing); err != nil {
			return err
		}
	}
	for i := range x.Numbers {
		n := &x.Numbers[i]
		log := journal.Between(n.From, n.To)
		if int64(n.Seq) > need[log] {
			continue // a number before it is missing
		}
		hashes, err := journal.ProveLeaf(need[log], int64(n.Seq)-1, tx.Log(log))
		if err != nil {
			return err
		}
		n.Proof = &journal.Proof{Index: int64(n.Seq) - 1, Hashes: hashes, Note: notes[log]}
		if r := receipts[i]; r != nil {
			if n.Growth, err = journal.ProveGrowth(need[log], min(r.Checkpoint.Size, need[log]), tx.Log(log)); err != nil {
				return err
			}
		}
	}
	return nil
}

// signersOf notes the certificates of those who signed the documents of a number, for tools that have no directory. It returns
// what its receipt says, nil where that is not proved: whoever verifies the file is told so.
func (a *Agent) signersOf(n *casefile.Number) (receipt *envelope.Receipt) {
	view, err := pki.AsOf(a.config.Pin, n.Trust, n.KnownAt.Add(time.Second))
	if err != nil {
		return nil
	}
	for _, jws := range [][]byte{n.Signed, n.Receipt} {
		opened, err := envelope.Reopen(jws)
		if err != nil {
			continue
		}
		proved, err := opened.Verify(view, opened.Claims().SentAt)
		if err != nil {
			continue
		}
		n.Signers = append(n.Signers, proved.Signer().Certificate())
		if r, ok := proved.Receipt(); ok {
			receipt = &r
		}
	}
	return receipt
}
