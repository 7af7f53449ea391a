package store

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"comity/pki/journal"
	"comity/schemas"
)

// AppendLeaf appends to a log of evidence, in the transaction of the rows that the leaf speaks of, and returns the log's
// edge with it. It is for Update only.
func (t *Tx) AppendLeaf(log journal.Origin, leaf journal.Hash, at time.Time) (journal.Edge, error) {
	edge, err := t.Edge(log)
	if err != nil {
		return edge, err
	}
	next, _ := edge.Append(leaf)
	if next, err = journal.Append(&logRows{tx: t, log: log, root: next.Root(), at: at}, edge, leaf); err != nil {
		return next, err
	}
	t.edges.put(log, next)
	return next, nil
}

// Edge is the right edge of a log as this transaction sees it.
func (t *Tx) Edge(log journal.Origin) (journal.Edge, error) {
	if edge, ok := t.edges.get(log); ok {
		return edge, nil
	}
	size, err := t.LogSize(log)
	if err != nil {
		return journal.Edge{}, err
	}
	edge, err := journal.ReadEdge(size, t.Log(log))
	if err == nil {
		t.edges.put(log, edge)
	}
	return edge, err
}

// LogSize counts the leaves of a log.
func (t *Tx) LogSize(log journal.Origin) (size int64, err error) {
	return size, t.row([]any{&size}, `SELECT coalesce(max(leaf) + 1, 0) FROM journal WHERE log = ?`, log)
}

// LogCheckpoint is what a log was at a size, or ErrNotFound where it has not grown to it.
func (t *Tx) LogCheckpoint(log journal.Origin, size int64) (journal.Checkpoint, error) {
	if size == 0 {
		return journal.Edge{}.Checkpoint(log), nil
	}
	var root []byte
	err := t.row([]any{&root}, `SELECT root FROM journal WHERE log = ? AND leaf = ?`, log, size-1)
	return journal.Checkpoint{Origin: log, Size: size, Root: hashOf(root)}, err
}

// Log reads the hashes of a log, for proofs.
func (t *Tx) Log(log journal.Origin) tlog.HashReader { return &logRows{tx: t, log: log} }

// LogRow is one leaf of a log, as it is stored.
type LogRow struct {
	Leaf   int64
	Hashes []journal.Hash // of the leaf, then of each subtree that it fills
	Root   journal.Hash
	At     time.Time
}

// LogRows reads at most limit rows of a log from a leaf on.
func (t *Tx) LogRows(log journal.Origin, from int64, limit int) ([]LogRow, error) {
	return collect(t, func(s scanner) (LogRow, error) {
		var r LogRow
		var hashes, root []byte
		var at int64
		err := s.Scan(&r.Leaf, &hashes, &root, &at)
		r.Root, r.At = hashOf(root), instant(at)
		for ; len(hashes) >= tlog.HashSize; hashes = hashes[tlog.HashSize:] {
			r.Hashes = append(r.Hashes, hashOf(hashes[:tlog.HashSize]))
		}
		return r, err
	}, `SELECT leaf, hashes, root, at FROM journal WHERE log = ? AND leaf >= ? ORDER BY leaf LIMIT ?`, log, from, limit)
}

// Logs lists the origins of all logs that have a leaf.
func (t *Tx) Logs() ([]journal.Origin, error) {
	return collect(t, func(s scanner) (log journal.Origin, err error) { return log, s.Scan(&log) },
		`SELECT DISTINCT log FROM journal ORDER BY log`)
}

// logRows is the journal.Storage of one log: a row holds the hashes that one leaf completes.
type logRows struct {
	tx   *Tx
	log  journal.Origin
	root journal.Hash // of the log after the write
	at   time.Time
}

// ReadHashes finds a subtree in the row of its last leaf.
func (l *logRows) ReadHashes(indexes []int64) ([]journal.Hash, error) {
	found := make([]journal.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		leaf := (n+1)<<level - 1
		var hash []byte
		err := l.tx.row([]any{&hash}, `SELECT substr(hashes, ?, ?) FROM journal WHERE log = ? AND leaf = ?`,
			level*tlog.HashSize+1, tlog.HashSize, l.log, leaf)
		if err == nil && len(hash) != tlog.HashSize {
			err = errors.New("the row has not so many hashes")
		}
		if err != nil {
			return nil, fmt.Errorf("reading leaf %d of log %s: %w", leaf, l.log, err)
		}
		found[i] = hashOf(hash)
	}
	return found, nil
}

func (l *logRows) WriteHashes(first int64, hashes []journal.Hash) error {
	level, leaf := tlog.SplitStoredHashIndex(first)
	if level != 0 {
		return errors.New("hashes are written leaf by leaf")
	}
	blob := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		blob = append(blob, h[:]...)
	}
	return l.tx.exec(`INSERT INTO journal (log, leaf, hashes, root, at) VALUES (?,?,?,?,?)`, l.log, leaf, blob, l.root[:], millis(l.at))
}

func hashOf(b []byte) (h journal.Hash) {
	copy(h[:], b)
	return h
}

// Witness is what a peer's receipt has said of the log of what we sent it.
type Witness struct {
	Peer    schemas.AuthorityID
	Finding string // "" where it fits our copy; closed set
	Size    int64
	Root    journal.Hash
	SaidAt  time.Time // the latest of the peer's receipts so far, by its clock
	Receipt []byte    // JWS
}

// PutWitness keeps what a peer has said, in the place of what it said before with the same finding.
func (t *Tx) PutWitness(w Witness) error {
	return t.exec(`INSERT OR REPLACE INTO witness (peer, finding, size, root, said_at, receipt) VALUES (?,?,?,?,?,?)`,
		w.Peer, w.Finding, w.Size, w.Root[:], millis(w.SaidAt), w.Receipt)
}

// DropWitness forgets what a peer has said with a finding.
func (t *Tx) DropWitness(peer schemas.AuthorityID, finding string) error {
	return t.exec(`DELETE FROM witness WHERE peer = ? AND finding = ?`, peer, finding)
}

// WitnessesOf reads what a peer has said, by finding.
func (t *Tx) WitnessesOf(peer schemas.AuthorityID) ([]Witness, error) {
	return t.witnesses(`WHERE peer = ? ORDER BY finding`, peer)
}

// Witnesses reads all that peers have said.
func (t *Tx) Witnesses() ([]Witness, error) { return t.witnesses(`ORDER BY peer, finding`) }

func (t *Tx) witnesses(where string, args ...any) ([]Witness, error) {
	return collect(t, func(s scanner) (Witness, error) {
		var w Witness
		var root []byte
		var said int64
		err := s.Scan(&w.Peer, &w.Finding, &w.Size, &root, &said, &w.Receipt)
		w.Root, w.SaidAt = hashOf(root), instant(said)
		return w, err
	}, `SELECT peer, finding, size, root, said_at, receipt FROM witness `+where, args...)
}
