package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"comity/agent/envelope"
	"comity/agent/evidence"
	"comity/agent/link"
	"comity/agent/store"
	"comity/schemas"
)

// Files of evidence, step 5: what a peer wants and may have is read from the spool and sent. A want is a job in memory: one that
// is lost with this process, the peer sends again.

const (
	chunksInFlight = 4                      // of one peer
	chunkPatience  = 15 * time.Second       // with a peer that takes nothing; then it has to ask again
	chunkPauseMax  = 200 * time.Millisecond // between two tries of one chunk
	maxJobs        = 2 * envelope.MaxWantFiles
)

// job is chunks of one file that one peer wants.
type job struct {
	peer    schemas.AuthorityID
	channel schemas.Channel
	attempt schemas.MessageID // the want
	file    schemas.EvidenceFile
	ranges  []envelope.ChunkRange
}

// jobs are what each peer wants. Peers do not wait for each other.
type jobs struct {
	mu      sync.Mutex
	waiting map[schemas.AuthorityID][]job
	busy    map[schemas.AuthorityID]bool
	wake    signal
}

func newJobs() *jobs {
	return &jobs{waiting: map[schemas.AuthorityID][]job{}, busy: map[schemas.AuthorityID]bool{}, wake: newSignal()}
}

// put adds a job in the place of an older one about the same file. A peer that wants more than there is room for asks again.
func (j *jobs) put(new job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := slices.DeleteFunc(j.waiting[new.peer], func(old job) bool { return old.file.ID == new.file.ID })
	if len(list) < maxJobs {
		list = append(list, new)
	}
	j.waiting[new.peer] = list
	j.wake.give()
}

// next takes a job of a peer, and forgets the peer where there is none.
func (j *jobs) next(peer schemas.AuthorityID) (job, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := j.waiting[peer]
	if len(list) == 0 {
		delete(j.waiting, peer)
		delete(j.busy, peer)
		return job{}, false
	}
	j.waiting[peer] = list[1:]
	return list[0], true
}

// idle lists the peers for whom there is work and nobody at it, and counts them as being served.
func (j *jobs) idle() (peers []schemas.AuthorityID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for peer := range j.waiting {
		if !j.busy[peer] {
			j.busy[peer] = true
			peers = append(peers, peer)
		}
	}
	return peers
}

// takeWant makes jobs of what a peer wants, as far as it may have it.
func (a *Agent) takeWant(ctx context.Context, v *envelope.Verified, w envelope.Want) error {
	var may []job
	err := a.store.Update(ctx, func(tx *store.Tx) (err error) {
		may, err = a.allowed(tx, v.Header(), w)
		return err
	})
	if err != nil {
		return fmt.Errorf("taking what %s wants: %w", v.Header().From, err)
	}
	for _, j := range may {
		a.jobs.put(j)
	}
	return nil
}

// allowed is the gate before every chunk: the message that names the file was cleared, sealed and committed, for exactly who
// asks, and the file in it is the one that stands here. Nothing else gives a peer a byte of a file, or a sign that it exists.
func (a *Agent) allowed(tx *store.Tx, asked envelope.Header, w envelope.Want) (may []job, err error) {
	m, err := tx.Message(store.Key{Sender: a.me, ID: w.Message})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err != nil || m.SealedAt.IsZero() || m.Seq == 0 || m.Recipient != asked.From || m.Payload == nil {
		return nil, a.raise(tx, AlarmWant, asked.From, string(w.Message))
	}
	named := evidenceNamed(m.Payload)
	for _, wanted := range w.Files {
		i := slices.IndexFunc(named, func(f schemas.EvidenceFile) bool { return f.ID == wanted.File })
		if i < 0 {
			return nil, a.raise(tx, AlarmWant, asked.From, string(w.Message))
		}
		e, err := tx.Evidence(a.me, wanted.File)
		if errors.Is(err, store.ErrNotFound) || err == nil && (e.Peer != asked.From || e.Manifest.Sealed != named[i].Sealed) {
			return nil, a.raise(tx, AlarmWant, asked.From, string(w.Message))
		}
		if err != nil {
			return nil, err
		}
		if err := a.noteSent(tx, e); err != nil {
			return nil, err
		}
		may = append(may, job{peer: asked.From, channel: m.Channel, attempt: asked.ID, file: e.Manifest, ranges: wanted.Ranges})
	}
	return may, nil
}

// noteSent notes in the custody of a file, once, that the peer has begun to fetch it.
func (a *Agent) noteSent(tx *store.Tx, e *store.Evidence) error {
	steps, err := tx.CustodyOf(e.Owner, e.Manifest.ID)
	if err != nil || slices.ContainsFunc(steps, func(c store.Custody) bool { return c.What == custodySent }) {
		return err
	}
	return a.custody(tx, e, custodySent, "")
}

// serveAll sends what peers want, each beside the others. It returns when ctx ends.
func (a *Agent) serveAll(ctx context.Context) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		for _, peer := range a.jobs.idle() {
			serving.Go(func() { a.servePeer(ctx, peer) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.jobs.wake:
		}
	}
}

func (a *Agent) servePeer(ctx context.Context, peer schemas.AuthorityID) {
	for {
		j, more := a.jobs.next(peer)
		if !more {
			return
		}
		if ctx.Err() != nil {
			continue // until the list is empty
		}
		if err := a.sendChunks(ctx, j, a.submitChunk); err != nil && ctx.Err() == nil {
			a.log.Warn("sending a file", slog.String("file", string(j.file.ID)), slog.String("peer", string(peer)), slog.Any("error", err))
		}
	}
}

// sendChunks sends the chunks of a job, some at the same time. It gives up at the first that cannot be sent: the peer asks again.
func (a *Agent) sendChunks(ctx context.Context, j job, submit func(context.Context, job, []byte) error) error {
	out, err := a.spool.Send(j.file.ID, j.file.Sealed)
	if err != nil {
		return err
	}
	defer out.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(chunksInFlight)
	rooms := make(chan []byte, chunksInFlight)
	for range chunksInFlight {
		rooms <- make([]byte, 0, schemas.MaxChunkWire)
	}
	route := schemas.ChunkRoute{From: a.me, To: j.peer, Channel: j.channel, File: j.file.ID}
	for _, r := range j.ranges {
		for index := int64(r.First); index <= int64(r.Last); index++ {
			if ctx.Err() != nil {
				return group.Wait()
			}
			at := route
			at.Index = uint32(index)
			group.Go(func() error {
				room := <-rooms // never waits: as many as go at the same time
				defer func() { rooms <- room }()
				wire, err := out.Chunk(room, at)
				if evidence.ReasonOf(err) == evidence.Misplaced { // beyond the end: the peer is mistaken
					return nil
				}
				if err != nil {
					return err
				}
				return submit(ctx, j, wire)
			})
		}
	}
	return group.Wait()
}

// submitChunk hands the broker one chunk, when no message is on its way, and waits for a recipient that takes its time.
func (a *Agent) submitChunk(ctx context.Context, j job, wire []byte) error {
	pause, until := time.Millisecond, time.Now().Add(chunkPatience)
	for {
		a.talking.letBy(ctx)
		err := a.bulk.SubmitChunk(ctx, j.peer, j.channel, j.attempt, wire)
		refused, ok := errors.AsType[*link.Refused](err)
		if !ok || !refused.Reason.Temporary() || time.Now().After(until) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pause = min(2*pause, chunkPauseMax)
	}
}

// takeCompletion is the peer's signed word about a file of ours.
func (a *Agent) takeCompletion(ctx context.Context, v *envelope.Verified, c envelope.Completion) error {
	peer := v.Header().From
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Evidence(a.me, c.File)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		m, unknown := tx.BareMessage(store.Key{Sender: a.me, ID: c.Message})
		if unknown != nil && !errors.Is(unknown, store.ErrNotFound) {
			return unknown
		}
		if err != nil || unknown != nil || m.SealedAt.IsZero() || m.Recipient != peer || e.Peer != peer || e.Manifest.SHA256 != c.SHA256 || e.Manifest.Bytes != c.Bytes {
			return a.raise(tx, AlarmReceipt, peer, string(c.File)) // signed by the peer, and about a file that we never sent
		}
		if e.State != store.EvidenceReady {
			return nil // a copy, or it was erased meanwhile
		}
		e.State, e.Receipt, e.ChangedAt = store.EvidenceDelivered, v.JWS(), a.now()
		if c.Outcome == envelope.Rejected {
			e.State, e.Reason = store.EvidenceRefused, string(c.Reason)
			if err := a.raise(tx, AlarmEvidence, peer, string(c.File)); err != nil {
				return err
			}
		} else if err := a.custody(tx, e, custodyDelivered, ""); err != nil {
			return err
		}
		return errors.Join(tx.PutEvidence(e), a.recordSigned(tx, envelope.KindCompletion, v.Header(), v.Hash()))
	})
	if err != nil {
		return fmt.Errorf("taking the completion of a file from %s: %w", peer, err)
	}
	return nil
}
