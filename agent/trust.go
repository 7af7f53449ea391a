package agent

import (
	"context"
	"fmt"

	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
)

// What a signature was proved by is gone when the next directory entry or revocation list is published. So the published
// documents are kept as they were when something was signed or taken by them: years later a court is shown what was known
// then. The published folder itself is nobody's archive.

// keepTrust keeps what a proof about our own State and a peer's rests on now. Documents that were kept once cost nothing
// again.
func (a *Agent) keepTrust(ctx context.Context, view *pki.View, peer schemas.AuthorityID) error {
	states := []schemas.StateCode{a.me.State()}
	if peer != "" {
		states = append(states, peer.State())
	}
	news, marks := a.newTrust(view.Documents(states...))
	if len(marks) == 0 {
		return nil
	}
	if err := a.store.Update(ctx, func(tx *store.Tx) error { return tx.KeepTrust(news, a.now()) }); err != nil {
		return fmt.Errorf("keeping the documents that prove %s: %w", peer, err)
	}
	for _, mark := range marks {
		a.keptTrust.Store(mark, true)
	}
	return nil
}

// newTrust leaves out what has been kept. Two views that rest on one document hold the same bytes, not copies.
func (a *Agent) newTrust(d pki.Documents) (news pki.Documents, marks []*byte) {
	fresh := func(document []byte) bool {
		_, known := a.keptTrust.Load(&document[0])
		if !known {
			marks = append(marks, &document[0])
		}
		return !known
	}
	news = pki.Documents{Entries: map[schemas.StateCode][]byte{}, CRLs: map[schemas.StateCode]map[string][]byte{}}
	for _, list := range d.TrustLists {
		if fresh(list) {
			news.TrustLists = append(news.TrustLists, list)
		}
	}
	for state, entry := range d.Entries {
		if fresh(entry) {
			news.Entries[state] = entry
		}
	}
	for state, lists := range d.CRLs {
		for ca, crl := range lists {
			if fresh(crl) {
				if news.CRLs[state] == nil {
					news.CRLs[state] = map[string][]byte{}
				}
				news.CRLs[state][ca] = crl
			}
		}
	}
	return news, marks
}
