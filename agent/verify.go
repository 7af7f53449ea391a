package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/store"
	"comity/pki/journal"
	"comity/schemas"
)

// Verification of the journal, on one snapshot of the database. Whoever has the database to themselves can make its logs
// agree with themselves again; so the logs are also held against the rows they speak of, against what peers and this
// authority itself have signed, and against checkpoints that an auditor has kept elsewhere.

// defect is what does not fit. The set is closed.
type defect string

// The defects.
const (
	defectHash      defect = "hash-changed"      // a stored hash does not follow from the leaves
	defectGap       defect = "leaf-missing"      // a log has a hole
	defectShort     defect = "numbers-unlogged"  // more numbers were used than the log has
	defectLong      defect = "numbers-unused"    // the log has numbers that the pair has not used
	defectRow       defect = "message-missing"   // the log has a number of which there is no row
	defectChanged   defect = "message-changed"   // the row of a number is of another message than its leaf
	defectBytes     defect = "bytes-changed"     // kept bytes do not have the hash of their row
	defectUnproved  defect = "signature-invalid" // a kept document cannot be proved
	defectPeer      defect = "peer-contradicts"  // a peer has signed that the log was another
	defectOwn       defect = "own-word-broken"   // this authority has signed that the log was another
	defectEvidence  defect = "evidence-missing"  // a signed document has no leaf in the home log
	defectKept      defect = "kept-checkpoint"   // a log does not go on from a checkpoint that was kept elsewhere
	defectKeptOther defect = "kept-unreadable"   // what was handed in is no checkpoint of a log here
)

const (
	verifyBatch = 500
	maxDefects  = 100 // listed; the rest is counted
)

// verification is one run.
type verification struct {
	a      *Agent
	tx     *store.Tx
	report api.JournalReport
	home   evidenceSet
	keys   account.Keys // of those whose names stand under approvals
}

// VerifyJournal checks every log. Its error is a failure to read; what does not fit is in the report.
func (a *Agent) VerifyJournal(ctx context.Context, kept []byte) (api.JournalReport, error) {
	v := &verification{a: a, keys: a.proofKeys(), report: api.JournalReport{
		Authority: a.me, Time: a.now().UTC().Truncate(time.Second), Logs: []api.JournalLog{}, Defects: []api.JournalDefect{},
	}}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		v.tx = tx
		return v.run(ctx, kept)
	})
	if err != nil {
		return api.JournalReport{}, fmt.Errorf("verifying the journal: %w", err)
	}
	return v.report, nil
}

func (v *verification) run(ctx context.Context, kept []byte) error {
	logs, err := v.tx.Logs()
	if err != nil {
		return err
	}
	home := journal.Home(v.a.me)
	if !slices.Contains(logs, home) {
		logs = append(logs, home)
	}
	// 1. Each log follows from its leaves.
	for _, log := range logs {
		if err := v.hashes(ctx, log, log == home); err != nil {
			return err
		}
	}
	// 2. The logs of each pair are what its rows, its receipts and the home log say.
	v.home.sort()
	pairs, err := v.tx.Pairs()
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		if err := errors.Join(v.sent(ctx, pair), v.received(ctx, pair), v.shown(pair.Peer)); err != nil {
			return err
		}
	}
	// 3. The letters are those that the home log says.
	if err := v.papers(ctx); err != nil {
		return err
	}
	// 4. The logs go on from what was kept elsewhere.
	return v.kept(kept)
}

// note lists a defect.
func (v *verification) note(d defect, log journal.Origin, number int64, format string, args ...any) {
	if len(v.report.Defects) >= maxDefects {
		v.report.More++
		return
	}
	v.report.Defects = append(v.report.Defects, api.JournalDefect{Name: string(d), Log: string(log), Number: number, Detail: fmt.Sprintf(format, args...)})
}

// hashes computes a log again from its leaves.
func (v *verification) hashes(ctx context.Context, log journal.Origin, home bool) error {
	var edge journal.Edge
	for {
		rows, err := v.tx.LogRows(log, edge.Size(), verifyBatch)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		for _, row := range rows {
			if row.Leaf != edge.Size() || len(row.Hashes) == 0 {
				v.note(defectGap, log, edge.Size()+1, "leaf %d is not there; what follows it cannot be checked", edge.Size()+1)
				return nil
			}
			if home {
				v.home.add(row.Hashes[0])
			}
			next, stored := edge.Append(row.Hashes[0])
			if !slices.Equal(row.Hashes, stored) || row.Root != next.Root() {
				v.note(defectHash, log, row.Leaf+1, "the stored hashes do not follow from the leaves")
			}
			edge = next
		}
		if len(rows) < verifyBatch {
			break
		}
	}
	v.report.Logs = append(v.report.Logs, api.JournalLog{Origin: string(log), Leaves: edge.Size(), Root: edge.Root().String()})
	return nil
}

// shown notes up to where a peer's receipts have confirmed what it was sent.
func (v *verification) shown(peer schemas.AuthorityID) error {
	said, err := v.tx.WitnessesOf(peer)
	if err != nil || len(said) == 0 || said[0].Finding != string(fits) {
		return err
	}
	for i := range v.report.Logs {
		if log := &v.report.Logs[i]; log.Origin == string(journal.Between(v.a.me, peer)) {
			log.SeenBy = said[0].Size
		}
	}
	return nil
}

// kept holds the logs against notes that this authority signed before.
func (v *verification) kept(notes []byte) error {
	for len(bytes.TrimSpace(notes)) > 0 {
		var one []byte
		one, notes = cutNote(notes)
		v.report.Kept++
		c, ok := v.openOwn(one)
		if !ok {
			v.note(defectKeptOther, "", int64(v.report.Kept), "no checkpoint that this authority has signed")
			continue
		}
		now, err := v.tx.LogCheckpoint(c.Origin, c.Size)
		switch {
		case errors.Is(err, store.ErrNotFound):
			v.note(defectKept, c.Origin, c.Size, "the log had %d leaves then, and has fewer now", c.Size)
		case err != nil:
			return err
		case now != c:
			v.note(defectKept, c.Origin, c.Size, "the first %d leaves are not what they were then", c.Size)
		}
	}
	return nil
}

// cutNote cuts the first of several notes off: it ends with its signature lines.
func cutNote(notes []byte) (one, rest []byte) {
	signatures := bytes.Index(notes, []byte("\n\n"))
	if signatures < 0 {
		return notes, nil
	}
	end := signatures + 2
	for {
		line := bytes.IndexByte(notes[end:], '\n')
		if line < 0 || !bytes.HasPrefix(notes[end:], []byte("\u2014 ")) {
			return notes[:end], notes[end:]
		}
		end += line + 1
	}
}

// openOwn reads a note that one of this authority's signing keys made, also one that is no longer in use.
func (v *verification) openOwn(note []byte) (journal.Checkpoint, bool) {
	certificates := [][]byte{v.a.identity.SigningCertificate.Raw}
	if row, err := v.a.trust.View().Authority(v.a.me); err == nil {
		certificates = append(certificates, row.Certificates.Signing...)
	}
	for _, der := range certificates {
		key, err := publicKeyOf(der)
		if err != nil {
			continue
		}
		if c, err := journal.Open(note, v.a.me, key); err == nil {
			return c, true
		}
	}
	return journal.Checkpoint{}, false
}

// Checkpoint signs what a log is now, for an auditor to keep where no operator reaches it. The home log's must never be
// handed to a peer.
func (a *Agent) Checkpoint(ctx context.Context, by, origin string) (api.Checkpoint, error) {
	log := journal.Origin(origin)
	if log == "" {
		log = journal.Home(a.me)
	}
	if from, to, err := log.Parties(); err != nil || from != a.me && to != a.me || to == "" && from != a.me {
		return api.Checkpoint{}, problem(ReasonNotFound, "this authority keeps no such log", "comity journal verify lists the logs")
	}
	var point journal.Checkpoint
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		edge, err := tx.Edge(log)
		point = edge.Checkpoint(log)
		return errors.Join(err, a.recordHome(tx, eventCheckpoint, "", store.Hash(point.Root), by))
	})
	if err != nil {
		return api.Checkpoint{}, err
	}
	signed, err := journal.Sign(point, a.me, a.identity.Signing)
	return api.Checkpoint{Note: string(signed)}, err
}
