package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"comity/agent/store"
	"comity/schemas"
)

// Files of evidence on a stage: what a desk adds, and the chunks that the stage carries. A chunk that reaches the State of origin
// is an observation like an envelope.

// withFiles adds files at a desk, and names them in a draft.
func (s *stage) withFiles(d *desk, in schemas.CaseID, content []byte, files [][]byte) []byte {
	s.t.Helper()
	var ids []schemas.FileID
	for _, file := range files {
		said, err := d.AnnounceEvidence(s.t.Context(), "officer-1", string(in), announcementOf(file))
		if err != nil {
			s.t.Fatal(err)
		}
		e, err := d.AddEvidence(s.t.Context(), "officer-1", said.ID, strings.NewReader(string(file)))
		if err != nil {
			s.t.Fatal(err)
		}
		manifest := d.rowOf(e.ID).Manifest
		s.view.drew(string(e.ID) + " " + manifest.Sealed.Root)
		ids = append(ids, e.ID)
	}
	return withEvidence(s.t, content, ids...)
}

// carryChunks has every desk ask for what it lacks of files, send what is wanted of its own, and keep what comes.
func (s *stage) carryChunks() (moved bool) {
	s.t.Helper()
	ctx := s.t.Context()
	for _, id := range s.cast {
		d := s.desks[id]
		busy, err := d.fetchSome(ctx)
		if err != nil {
			s.t.Fatal(err)
		}
		if busy {
			s.stir(d)
		}
	}
	for _, id := range s.cast {
		d := s.desks[id]
		for _, peer := range sortedPeers(d.jobs.idle()) {
			for j, more := d.jobs.next(peer); more; j, more = d.jobs.next(peer) {
				moved = true
				s.carryFile(d, j)
			}
		}
	}
	for _, id := range s.cast {
		s.desks[id].fetches.finish.Wait()
	}
	return moved
}

// carryFile carries the chunks of a job in the order of their places.
func (s *stage) carryFile(d *desk, j job) {
	s.t.Helper()
	var wires [][]byte
	for _, r := range j.ranges {
		for index := r.First; index <= r.Last; index++ {
			one := j
			one.ranges = slices.Clone(j.ranges[:1])
			one.ranges[0].First, one.ranges[0].Last = index, index
			err := d.sendChunks(s.t.Context(), one, func(_ context.Context, _ job, wire []byte) error {
				wires = append(wires, slices.Clone(wire))
				return nil
			})
			if err != nil {
				s.t.Fatal(err)
			}
		}
	}
	to := s.desks[j.peer]
	for _, wire := range wires {
		if isOf(j.peer, origin) {
			route, body, err := schemas.DecodeChunk(wire)
			if err != nil {
				s.t.Fatal(err)
			}
			s.view.note(fmt.Sprintf("%s is sent a chunk by %s", j.peer, d.me), fact{"at", s.view.when(s.clock.Now())}, fact{"file", string(route.File)},
				fact{"index", fmt.Sprint(route.Index)}, fact{"channel", string(route.Channel)}, fact{"bytes", fmt.Sprint(len(body))}, fact{"wire size", fmt.Sprint(len(wire))})
		}
		if to == nil {
			continue
		}
		if err := to.takeChunk(s.t.Context(), wire); err != nil && !errors.Is(err, context.Canceled) {
			s.t.Fatal(err)
		}
		s.stir(to)
	}
}

func sortedPeers(peers []schemas.AuthorityID) []schemas.AuthorityID {
	slices.Sort(peers)
	return peers
}

func allEvidence(tx *store.Tx, limit int) (files []*store.Evidence, err error) {
	for _, state := range []store.EvidenceState{
		store.EvidenceReady, store.EvidenceDelivered, store.EvidenceRefused, store.EvidenceFetching, store.EvidenceComplete, store.EvidenceWithheld,
	} {
		some, err := tx.EvidenceIn(state, limit)
		if err != nil {
			return nil, err
		}
		files = append(files, some...)
	}
	return files, nil
}
