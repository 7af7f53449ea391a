package agent

import (
	"context"
	"crypto/sha256"
	"errors"

	"comity/agent/store"
	"comity/pki/journal"
)

// papers holds what went and came on paper against the home log: no signature of a peer proves any of it, so it is as good as the
// log at home is.
func (v *verification) papers(ctx context.Context) error {
	last, home := store.Key{}, journal.Home(v.a.me)
	for {
		some, err := v.tx.PapersAfter(last, verifyBatch)
		if err := errors.Join(err, ctx.Err()); err != nil || len(some) == 0 {
			return err
		}
		for _, p := range some {
			if err := v.paper(home, p); err != nil {
				return err
			}
		}
		last = some[len(some)-1].Key
	}
}

func (v *verification) paper(home journal.Origin, p *store.Paper) error {
	m, err := v.tx.BareMessage(p.Key)
	if err != nil {
		return err
	}
	v.report.Documents++
	if m.Payload != nil && sha256.Sum256(m.Payload) != m.PayloadSHA256 || p.Letter != nil && sha256.Sum256(p.Letter) != p.SHA256 {
		v.note(defectBytes, home, 0, "message %s on paper is not what it was", m.ID)
	}
	leaf, err := paperEvent(m, p).leaf()
	if err != nil {
		return err
	}
	if !v.home.has(leaf) {
		v.note(defectEvidence, home, 0, "message %s on paper has no leaf in the home log", m.ID)
	}
	return v.approvals(home, m)
}
