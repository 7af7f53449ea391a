package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/evidence"
	"comity/agent/policy"
	"comity/agent/scan"
	"comity/agent/store"
	"comity/schemas"
)

// Files of evidence, steps 4, 6 and 7 at the recipient: it asks for what is missing, keeps what proves itself, and believes the
// whole. Nothing here waits for the screen, the register or a person: what a peer can see of it follows from the message's
// bytes and from what has arrived.

const (
	fetchesAtOnce  = envelope.MaxWantFiles // files that are open at the same time
	stalledAfter   = 2 * time.Second       // without a chunk, what is missing is asked for again
	stalledLast    = 10 * time.Minute      // between two such questions, at the most
	fetchTick      = 250 * time.Millisecond
	finishesAtOnce = 2
	chunksParallel = 2 // chunks that are kept at the same time
)

type fileKey struct {
	from schemas.AuthorityID
	id   schemas.FileID
}

// fetches are the files that are arriving.
type fetches struct {
	wake   signal
	finish sync.WaitGroup
	noRoom atomic.Bool // an alarm says so

	mu sync.Mutex
	of map[fileKey]*fetch
}

// fetch is one of them. Its times are guarded by the mutex of fetches.
type fetch struct {
	in        *evidence.Incoming
	row       *store.Evidence
	channel   schemas.Channel
	movedAt   time.Time // the last chunk
	askedAt   time.Time
	asked     int // since the last chunk
	finishing bool
}

func newFetches() *fetches { return &fetches{wake: newSignal(), of: map[fileKey]*fetch{}} }

func (f *fetches) find(k fileKey) *fetch {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.of[k]
}

// beginFiles notes the files that a message names, when it is stored. A file that another message named already stays as it is.
func (a *Agent) beginFiles(tx *store.Tx, m *store.Message) error {
	for _, f := range evidenceNamed(m.Payload) {
		_, err := tx.Evidence(m.Sender, f.ID)
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		hash, _ := fileHash(f.SHA256)
		now := a.now()
		if err := tx.PutEvidence(&store.Evidence{
			Owner: m.Sender, Peer: m.Sender, Case: m.Case, Message: m.ID, State: store.EvidenceFetching, Manifest: f, SHA256: hash, AddedAt: now, ChangedAt: now,
		}); err != nil {
			return err
		}
	}
	return nil
}

// fetchAll asks for what is missing of every file, until ctx ends.
func (a *Agent) fetchAll(ctx context.Context) error {
	defer a.closeFetches()
	idle := time.NewTimer(0)
	defer idle.Stop()
	for {
		changed := a.bulk.Changes()
		busy, err := a.fetchSome(ctx)
		if ctx.Err() != nil {
			return nil
		}
		a.logEvidence("fetching evidence", err)
		wait := time.Minute
		if busy {
			wait = fetchTick
		}
		idle.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-a.fetches.wake:
		case <-idle.C:
		case <-changed:
			a.fetches.askAnew() // what waited in the broker may be gone
		}
	}
}

// askAnew has everything that is missing asked for at the next look.
func (f *fetches) askAnew() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.of {
		one.askedAt, one.asked = time.Time{}, 0
	}
}

func (a *Agent) closeFetches() {
	a.fetches.finish.Wait()
	a.fetches.mu.Lock()
	defer a.fetches.mu.Unlock()
	for _, f := range a.fetches.of {
		a.logEvidence("closing a file of evidence", f.in.Close())
	}
	clear(a.fetches.of)
}

// fetchSome opens files that wait, finishes those that are whole, and asks for what has stopped coming.
func (a *Agent) fetchSome(ctx context.Context) (busy bool, err error) {
	var waiting []*store.Evidence
	messages := map[schemas.MessageID]*store.Message{}
	err = a.store.View(ctx, func(tx *store.Tx) (err error) {
		if waiting, err = tx.EvidenceIn(store.EvidenceFetching, fetchesAtOnce); err != nil {
			return err
		}
		for _, e := range waiting {
			if messages[e.Message] == nil {
				if messages[e.Message], err = tx.BareMessage(store.Key{Sender: e.Owner, ID: e.Message}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	ask := map[schemas.MessageID][]*fetch{}
	for _, e := range waiting {
		m := messages[e.Message]
		if !m.Counts() { // rejected by the case after all: its files are nobody's
			continue
		}
		busy = true
		f, err := a.openFetch(ctx, e, m.Channel)
		if err != nil {
			a.logEvidence("beginning a file of evidence", err)
			continue
		}
		if f != nil && a.isDue(ctx, f) {
			ask[e.Message] = append(ask[e.Message], f)
		}
	}
	for id, files := range ask {
		a.logEvidence("asking for evidence", a.askForFiles(ctx, messages[id], files))
	}
	return busy, nil
}

// openFetch opens a file for its chunks. nil: there is no room for it now, and an officer is told.
func (a *Agent) openFetch(ctx context.Context, e *store.Evidence, channel schemas.Channel) (*fetch, error) {
	k := fileKey{e.Owner, e.Manifest.ID}
	if f := a.fetches.find(k); f != nil {
		return f, nil
	}
	in, err := a.spool.Receive(e.Owner, e.Manifest)
	switch evidence.ReasonOf(err) {
	case evidence.NoSpace, evidence.OverQuota:
		a.fetches.noRoom.Store(true)
		return nil, a.store.Update(ctx, func(tx *store.Tx) error { return a.raise(tx, AlarmRoom, "", string(evidence.ReasonOf(err))) })
	case evidence.OtherFile: // its sizes cannot be
		return nil, a.endFile(ctx, e, channel, envelope.Rejected, nil)
	}
	if err != nil {
		return nil, err
	}
	in.Ahead(ctx, a.opens, e.Manifest, a.talking.letBy)
	f := &fetch{in: in, row: e, channel: channel}
	a.fetches.mu.Lock()
	a.fetches.of[k] = f
	a.fetches.mu.Unlock()
	if !a.fetches.noRoom.Swap(false) {
		return f, nil
	}
	return f, a.store.Update(ctx, func(tx *store.Tx) error { return tx.ClearAlarmsOf(string(AlarmRoom), a.now()) })
}

// isDue tells whether chunks must be asked for, and has a file finished that is whole.
func (a *Agent) isDue(ctx context.Context, f *fetch) bool {
	have, of := f.in.Progress()
	a.fetches.mu.Lock()
	defer a.fetches.mu.Unlock()
	if have == of {
		a.beginFinish(ctx, f)
		return false
	}
	now := a.now()
	last := f.askedAt
	if f.movedAt.After(last) {
		last, f.asked = f.movedAt, 0
	}
	if f.askedAt.IsZero() || now.Sub(last) >= backOff(stalledAfter, stalledLast, max(f.asked-1, 0)) {
		f.askedAt = now
		f.asked++
		return true
	}
	return false
}

// askForFiles seals one want for files of a message.
func (a *Agent) askForFiles(ctx context.Context, m *store.Message, files []*fetch) error {
	w := envelope.Want{Message: m.ID}
	for _, f := range files {
		one := envelope.WantedFile{File: f.row.Manifest.ID}
		for _, r := range f.in.Missing(envelope.MaxWantRanges) {
			one.Ranges = append(one.Ranges, envelope.ChunkRange(r))
		}
		if len(one.Ranges) > 0 {
			w.Files = append(w.Files, one)
		}
	}
	if len(w.Files) == 0 {
		return nil
	}
	now := a.now()
	to, err := a.trust.View().EncryptionKey(m.Sender, now)
	if err != nil {
		return fmt.Errorf("asking %s for evidence: %w", m.Sender, err)
	}
	sealed, err := envelope.SealWant(envelope.Header{From: a.me, To: m.Sender, Channel: m.Channel, ID: schemas.NewMessageID(), SentAt: now}, w, a.signer(), to)
	if err != nil {
		return err
	}
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DropParcelsAbout(store.KindWant, m.Sender, m.ID); err != nil { // an older question that has not left
			return err
		}
		return tx.PutParcel(&store.Parcel{
			ID: sealed.Header.ID, Kind: store.KindWant, Peer: m.Sender, Channel: m.Channel, Subject: m.ID, JWSSHA256: store.Hash(sealed.Hash),
			Wire: sealed.Wire, NextAt: now, ExpiresAt: now.Add(time.Hour),
		})
	})
	a.submitted[store.Ordinary].give()
	return err
}

// receiveChunks keeps what comes on the stream of chunks. It returns when ctx ends.
func (a *Agent) receiveChunks(ctx context.Context) error {
	err := a.bulk.ReceiveChunks(ctx, a.takeChunk)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// takeChunk is step 6 for whatever comes on the stream of chunks. What is refused is an alarm with its reason; it is not
// asked for again before the rest has stopped coming.
func (a *Agent) takeChunk(ctx context.Context, wire []byte) error {
	route, body, err := schemas.DecodeChunk(wire)
	if err != nil || route.To != a.me {
		return a.refuseChunk(ctx, "", evidence.NotAChunk)
	}
	f := a.fetches.find(fileKey{route.From, route.File})
	if f == nil {
		return a.refuseStray(ctx, route)
	}
	a.talking.letBy(ctx)
	isNew, err := f.in.Put(route, body)
	if reason := evidence.ReasonOf(err); reason != "" && reason != evidence.NoSpace {
		return a.refuseChunk(ctx, route.From, reason)
	}
	if err != nil {
		a.logEvidence("keeping a chunk", err)
		return nil // the disk: asked for again later
	}
	if !isNew {
		return nil
	}
	have, of := f.in.Progress()
	a.fetches.mu.Lock()
	f.movedAt = a.now()
	if have == of {
		a.beginFinish(ctx, f)
	}
	a.fetches.mu.Unlock()
	return nil
}

// refuseStray tells a late chunk of a file that is here from one that nobody waits for.
func (a *Agent) refuseStray(ctx context.Context, route schemas.ChunkRoute) error {
	known := false
	err := a.store.View(ctx, func(tx *store.Tx) error {
		_, err := tx.Evidence(route.From, route.File)
		known = err == nil
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil || known {
		return err
	}
	return a.refuseChunk(ctx, route.From, evidence.Foreign)
}

func (a *Agent) refuseChunk(ctx context.Context, from schemas.AuthorityID, reason evidence.Reason) error {
	return a.store.Update(ctx, func(tx *store.Tx) error { return a.raise(tx, AlarmChunk, from, string(reason)) })
}

// beginFinish has a whole file opened once, beside everything else. The caller holds the mutex of fetches.
func (a *Agent) beginFinish(ctx context.Context, f *fetch) {
	if f.finishing || ctx.Err() != nil {
		return
	}
	f.finishing = true
	a.fetches.finish.Go(func() {
		select {
		case a.finishing <- struct{}{}:
			defer func() { <-a.finishing }()
		case <-ctx.Done():
			return
		}
		err := a.finishFile(ctx, f)
		a.logEvidence("finishing a file of evidence", err)
		a.fetches.mu.Lock()
		defer a.fetches.mu.Unlock()
		f.finishing = false
		if err != nil { // such as a damaged disk: what is missing is asked for
			f.askedAt = time.Time{}
			return
		}
		delete(a.fetches.of, fileKey{f.row.Owner, f.row.Manifest.ID})
		a.logEvidence("closing a file of evidence", f.in.Close())
		a.fetches.wake.give()
	})
}

// finishFile is step 7.
func (a *Agent) finishFile(ctx context.Context, f *fetch) error {
	err := f.in.Whole(ctx, a.opens, f.row.Manifest)
	if evidence.ReasonOf(err) == evidence.OtherFile {
		return a.endFile(ctx, f.row, f.channel, envelope.Rejected, nil)
	}
	if err != nil {
		return err
	}
	screening, err := a.screenFile(ctx, f.row)
	if err != nil {
		return err
	}
	return a.endFile(ctx, f.row, f.channel, envelope.Stored, screening)
}

// screenFile asks of a file that has arrived what the inbound screen asks of its message: from the content alone.
func (a *Agent) screenFile(ctx context.Context, e *store.Evidence) (*policy.Screening, error) {
	if e.Manifest.Bytes > scannable {
		return &policy.Screening{Unread: true}, nil
	}
	var m *store.Message
	if err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		m, err = tx.BareMessage(store.Key{Sender: e.Owner, ID: e.Message})
		return err
	}); err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if err := a.opens.Received(ctx, e.Owner, e.Manifest, &content); err != nil {
		return nil, err
	}
	found, err := policy.Screen(ctx, a.scanner, m.Payload, a.me.State(), scan.File{Name: e.Manifest.Name, MediaType: e.Manifest.MediaType, Content: content.Bytes()})
	return &found, err
}

// endFile commits what became of a file, with the signed word to its sender, which depends on nothing but the bytes.
func (a *Agent) endFile(ctx context.Context, e *store.Evidence, channel schemas.Channel, outcome envelope.Outcome, found *policy.Screening) error {
	now := a.now()
	to, err := a.trust.View().EncryptionKey(e.Owner, now)
	if err != nil {
		return fmt.Errorf("completing a file of %s: %w", e.Owner, err)
	}
	c := envelope.Completion{
		Message: e.Message, File: e.Manifest.ID, SHA256: e.Manifest.SHA256, Bytes: e.Manifest.Bytes, Outcome: outcome, At: now.UTC().Truncate(time.Second),
	}
	if outcome == envelope.Rejected {
		c.Reason = envelope.RejectedFileContent
	}
	sealed, err := envelope.SealCompletion(envelope.Header{From: a.me, To: e.Owner, Channel: channel, ID: schemas.NewMessageID(), SentAt: now}, c, a.signer(), to)
	if err != nil {
		return err
	}
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		row, err := tx.Evidence(e.Owner, e.Manifest.ID)
		if err != nil || row.State != store.EvidenceFetching {
			return err
		}
		row.State, row.ChangedAt, row.Receipt = store.EvidenceComplete, now, sealed.JWS
		steps := []error{
			tx.PutParcel(&store.Parcel{
				ID: sealed.Header.ID, Kind: store.KindCompletion, Peer: e.Owner, Channel: channel, Subject: e.Message, JWSSHA256: store.Hash(sealed.Hash),
				Wire: sealed.Wire, NextAt: now, ExpiresAt: now.Add(receiptLife),
			}),
			a.recordSigned(tx, envelope.KindCompletion, sealed.Header, sealed.Hash),
		}
		if outcome == envelope.Rejected {
			row.State, row.Reason = store.EvidenceRefused, string(c.Reason)
			steps = append(steps, a.raise(tx, AlarmEvidence, e.Owner, string(e.Manifest.ID)))
		} else {
			steps = append(steps, a.custody(tx, row, custodyReceived, ""))
		}
		if found != nil && found.Quarantine {
			row.State = store.EvidenceWithheld
			m, err := tx.BareMessage(store.Key{Sender: e.Owner, ID: e.Message})
			if err != nil {
				return err
			}
			steps = append(steps, a.alert(tx, AlertQuarantined, string(e.Message), e.Owner), a.recordHome(tx, eventQuarantined, m.ID, row.SHA256, ""), a.tellBreach(tx, m))
		}
		return errors.Join(append(steps, tx.PutEvidence(row))...)
	})
	a.submitted.give()
	a.changes.tell(api.Event{Message: e.Message, State: string(store.Received), Case: e.Case})
	if err == nil && outcome == envelope.Rejected {
		err = a.spool.ForgetReceived(e.Owner, e.Manifest.ID)
	}
	return err
}

// progressOf is how many chunks of a file are here.
func (a *Agent) progressOf(e *store.Evidence) (have, of int64) {
	of = e.Manifest.Sealed.Chunks()
	if slices.Contains([]store.EvidenceState{store.EvidenceComplete, store.EvidenceWithheld, store.EvidenceDelivered}, e.State) {
		return of, of
	}
	if f := a.fetches.find(fileKey{e.Owner, e.Manifest.ID}); f != nil {
		have, _ = f.in.Progress()
	}
	return have, of
}
